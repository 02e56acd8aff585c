// Mesh, groups and tree: everyone pushes its own payload to its whole group. What a group made is announced, and whoever looked for
// it tells its own neighbours when it has it.

import type { Topology } from './topology.ts';

export const pushing: Topology = {
  offered: () => undefined,
  arrived: (spread, round, hash, wasSought) => {
    if (wasSought) spread.announce(round, hash);
  },
};
