// Durations in manifests: `90s`, `8m`, `1.5h`, `2d`, `250ms`, or a number of milliseconds. Parsed form: milliseconds.

import { z } from 'zod';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

const milliseconds = z.int().min(1);
const text = z.string().regex(pattern).transform(toMilliseconds).pipe(milliseconds);

export const duration = z.union([milliseconds, text], {
  error: 'must be a duration such as 90s, 8m or 24h, at least 1ms',
});

function toMilliseconds(text: string): number {
  const [, value, unit] = pattern.exec(text)!;
  return Math.round(Number(value) * unitMs[unit as keyof typeof unitMs]);
}
