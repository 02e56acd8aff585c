// A ring whose workers have two links: everyone needs everything, so a payload is asked for of the first neighbour that has it, and
// handed on to the other one.

import type { Topology } from './topology.ts';

export const handingOn: Topology = {
  offered: (spread, link, round, hash) => spread.want(link, round, hash),
  arrived: (spread, round, hash) => spread.announce(round, hash),
};
