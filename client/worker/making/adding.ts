// Adding up: we make the sum of one segment of everyone's payload, and join the sums of all into the payload that the round
// applies. Everything is asked for of its owner, by its hash, beginning with the one after us, so that not all ask the same one at
// once.

import type { Folded } from '../../train/trainer.ts';
import type { Recipe, Task, Tools } from './recipe.ts';

interface Part {
  readonly workerId: string; // who has it
  readonly hash: string;
}

export function sumRecipe(task: Task<'sum'>, tools: Tools): Recipe {
  const { round, node, segment, pieces } = task;
  return {
    key: `${round} ${node} ${segment} ${pieces.join()}`,
    make: () => sum(task, tools),
    answer: ({ hash }) => ({ type: 'summed', round, node, segment, hash }),
  };
}

export function joinRecipe(task: Task<'join'>, tools: Tools): Recipe {
  const { round, node, sums } = task;
  return {
    key: `${round} ${node} join ${sums.map(({ hash }) => hash).join()}`,
    make: () => join(task, tools),
    answer: ({ hash, payload }) => ({ type: 'folded', round, node, hash, bytes: payload.length }),
  };
}

async function sum({ round, segment, segments, inputs, pieces }: Task<'sum'>, tools: Tools): Promise<Folded> {
  const parts = inputs.map(({ workerId }, i) => ({ workerId, hash: pieces[i]! }));
  const payloads = await pullAll(round, parts, tools);
  const weighed = payloads.map((payload, i) => ({ payload, tokens: inputs[i]!.tokens }));
  const made = await tools.workshop.sum(round, weighed, segment, segments);
  tools.exchange.hold(round, made.hash, made.payload);
  return made;
}

async function join({ round, folds, sums }: Task<'join'>, tools: Tools): Promise<Folded> {
  const { workshop, keepsake, exchange } = tools;
  const made = await workshop.join(round, await pullAll(round, sums, tools), folds);
  await keepsake.keepPayload(round, made.hash, made.payload);
  exchange.hold(round, made.hash, made.payload);
  return made;
}

/** In the order of the parts, asked for in the order of a ring. */
async function pullAll(round: number, parts: readonly Part[], { collector, workerId }: Tools): Promise<Uint8Array[]> {
  const first = parts.findIndex((part) => part.workerId === workerId) + 1;
  const coming = new Map<Part, Promise<Uint8Array>>();
  for (const part of [...parts.slice(first), ...parts.slice(0, first)])
    coming.set(part, collector.pull(round, part.hash, part.workerId));
  return Promise.all(parts.map((part) => coming.get(part)!));
}
