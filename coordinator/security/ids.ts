// Random names for jobs and workers: lower-case letters and digits without the look-alikes 0, 1, l and o, so that people
// can read them to each other. 5 bits a character.

const alphabet = '23456789abcdefghijkmnpqrstuvwxyz';

export function randomName(length: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => alphabet[byte % 32]).join('');
}
