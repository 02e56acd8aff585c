// A room's state cut into named documents, so that a tick writes little: a message changes one member and one part of the
// open round, while the whole state holds everyone's parts and the curve of a long job. Relies on `tick` keeping the
// objects that it does not change.

import type { OpenRound, RoomState } from '../../../shared/rounds/types.ts';

export type Documents = ReadonlyMap<string, unknown>;

export function documentsOf({ members, open, ...rest }: RoomState): Documents {
  const { parts = {}, nodes = {}, ...round } = open ?? {};
  return new Map<string, unknown>([
    ...entriesOf('state', rest),
    ...entriesOf('members', members),
    ['open', open === null ? null : round],
    ...entriesOf('parts', parts),
    ...entriesOf('nodes', nodes),
  ]);
}

/** Undoes `documentsOf`. `read` gives a document by its name. */
export function stateOf(read: (name: string) => unknown): RoomState {
  const record = (kind: string): object =>
    Object.fromEntries((read(kind) as string[]).map((key) => [key, read(`${kind}/${key}`)]));
  const round = read('open') as Omit<OpenRound, 'parts' | 'nodes'> | null;
  const open = round === null ? null : { ...round, parts: record('parts'), nodes: record('nodes') };
  return { ...record('state'), members: record('members'), open } as RoomState;
}

/** The documents to write and to delete to get from one state to the next. */
export function changes(before: Documents, after: Documents): { written: [string, unknown][]; deleted: string[] } {
  return {
    written: [...after].filter(([name, value]) => !before.has(name) || !isSame(before.get(name), value)),
    deleted: [...before.keys()].filter((name) => !after.has(name)),
  };
}

/** A record as the list of its keys, whose order counts, and a document for each. */
function entriesOf(kind: string, record: object): [string, unknown][] {
  const entries = Object.entries(record) as [string, unknown][];
  return [
    [kind, entries.map(([key]) => key)],
    ...entries.map(([key, value]): [string, unknown] => [`${kind}/${key}`, value]),
  ];
}

/** The same value, or made of the same values. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && right.get(key) === value);
}
