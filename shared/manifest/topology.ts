// Who exchanges with whom: what an owner may write as `rounds.topology`. A name alone stands for its defaults; `auto` chooses
// by the number of workers and by how fast their links were measured to be.

import { z } from 'zod';

const kinds = ['auto', 'mesh', 'ring', 'groups', 'tree'] as const;

export type TopologyKind = Exclude<(typeof kinds)[number], 'auto'>;

const settings = z
  .strictObject({
    kind: z.enum(kinds),
    groupSize: z.int().min(2).max(64).optional(), // workers that exchange with each other
    branching: z.int().min(2).max(64).optional(), // groups, or nodes, that meet in the next one
    reshuffle: z.int().min(1).max(100_000).optional(), // rounds that groups stay together
  })
  .superRefine(({ kind, ...options }, context) => {
    const allowed = { auto: [], mesh: [], ring: [], groups: ['groupSize', 'reshuffle'], tree: Object.keys(defaults) }[
      kind
    ];
    const strange = Object.keys(options).find((key) => !(allowed as string[]).includes(key));
    if (strange === undefined) return;
    const message = `${kind} has no such option; it has ${allowed.join(', ') || 'none'}`;
    context.addIssue({ code: 'custom', message, path: [strange] });
  });

export const topologySchema = z.union([z.enum(kinds), settings]);

export type Topology = z.infer<typeof topologySchema>;
type Written = z.infer<typeof settings>;

export interface TopologySettings {
  readonly kind: (typeof kinds)[number];
  readonly groupSize: number;
  readonly branching: number;
  readonly reshuffle: number;
}

const defaults = { groupSize: 16, branching: 8, reshuffle: 32 };

/** What was written, with every default filled in. */
export function topologySettings(topology: Topology): TopologySettings {
  const { kind, groupSize, branching, reshuffle }: Written =
    typeof topology === 'string' ? { kind: topology } : topology;
  return {
    kind,
    groupSize: groupSize ?? defaults.groupSize,
    branching: branching ?? defaults.branching,
    reshuffle: reshuffle ?? defaults.reshuffle,
  };
}
