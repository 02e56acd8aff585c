// What the steps from version to version share. A step knows of a stored state only what it changes.

/** Something stored, of which nothing needs to be known. */
export type Fields = Readonly<Record<string, unknown>>;

export function eachOf<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
