// What Cloudflare asks for on the Workers Paid plan beyond what the plan includes, in US dollars, read from its public pages
// (developers.cloudflare.com: durable-objects/platform/pricing, d1/platform/pricing, r2/pricing) on the day below.

export const pricesReadOn = '2026-11-22';

/** Dollars for one of each. */
export const prices = {
  objectRequest: 0.15e-6, // of a Durable Object: HTTP, RPC, alarm, or 20 incoming WebSocket messages
  objectGbSecond: 12.5e-6, // awake, at 128 MB an object
  objectRowWritten: 1e-6, // SQLite in a Durable Object
  d1RowWritten: 1e-6,
  r2ClassA: 4.5e-6, // writes
  r2ClassB: 0.36e-6, // reads
} as const;

export type Billed = keyof typeof prices;

export const messagesPerRequest = 20;
export const objectGb = 0.128;

/** Dollars for so many of each. */
export function costOf(used: Readonly<Record<Billed, number>>): number {
  return (Object.keys(prices) as Billed[]).reduce((sum, item) => sum + used[item] * prices[item], 0);
}
