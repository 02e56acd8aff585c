// Leaving out what points away from the centre (after FLTrust, arXiv 2012.13995, whose server trains a trusted direction itself;
// here a robust rule finds it). Clipping bounds how far a liar pulls; this takes its pull away, where it pulls backwards.

import type { Rule } from './rule.ts';
import { dot } from './vectors.ts';

const iterations = 2;

/** The rule over those contributions that share a direction with what it found over all; they must be more than half. */
export function aligned(rule: Rule): Rule {
  return (contributions) => {
    let centre = rule(contributions);
    for (let step = 0; step < iterations; step++) {
      const kept = contributions.filter(({ difference }) => dot(difference, centre) > 0);
      if (2 * kept.length <= contributions.length) return centre;
      centre = rule(kept);
    }
    return centre;
  };
}
