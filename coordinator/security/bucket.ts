// A token bucket: how many messages a sender may still send. Pure: the caller keeps the value and passes the clock.

export interface Bucket {
  tokens: number;
  at: number; // unix ms of the last change
}

export interface Rate {
  perSecond: number;
  burst: number;
}

/** The bucket after one more message, or null when the sender has to wait. */
export function take(bucket: Bucket | null, rate: Rate, now: number): Bucket | null {
  const refilled =
    bucket === null ? rate.burst : Math.min(rate.burst, bucket.tokens + ((now - bucket.at) / 1000) * rate.perSecond);
  return refilled < 1 ? null : { tokens: refilled - 1, at: now };
}
