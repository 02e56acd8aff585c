// Values that begin elsewhere and reach their setting after some rounds. A pure function of the round, bit-identical in every
// JavaScript engine, because workers decode payloads by it.

/**
 * From `first` in round 0 by equal factors to `last` in round `rounds`, and `last` from there on.
 * @param first more than 0
 */
export function warmedUp(first: number, last: number, rounds: number, round: number): number {
  return round >= rounds ? last : first * power(last / first, round / rounds);
}

/** base ** exponent for 0 <= exponent < 1 by square roots and products; engines round these alike, but not Math.pow. */
function power(base: number, exponent: number): number {
  let result = 1;
  let root = base;
  let rest = exponent;
  for (let digit = 0; digit < 20; digit++) {
    root = Math.sqrt(root);
    rest *= 2;
    if (rest >= 1) {
      result *= root;
      rest -= 1;
    }
  }
  return result;
}
