// Comparing secrets in a time that does not depend on where they differ, nor on their lengths.

import { utf8 } from '../../shared/bytes.ts';

export async function secretsEqual(left: string, right: string): Promise<boolean> {
  const [a, b] = await Promise.all([left, right].map((text) => crypto.subtle.digest('SHA-256', utf8(text))));
  return crypto.subtle.timingSafeEqual(a!, b!);
}
