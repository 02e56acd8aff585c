// Folding: our group, or a meeting of groups, makes one payload of what it brought together.

import type { Folded } from '../../train/trainer.ts';
import type { Recipe, Task, Tools } from './recipe.ts';

export function foldRecipe(task: Task<'fold'>, tools: Tools): Recipe {
  const { round, node, inputs } = task;
  return {
    key: `${round} ${node} ${inputs.map(({ hash }) => hash).join()}`,
    make: () => fold(task, tools),
    answer: ({ hash, payload }) => ({ type: 'folded', round, node, hash, bytes: payload.length }),
  };
}

async function fold({ round, inputs }: Task<'fold'>, tools: Tools): Promise<Folded> {
  const { collector, workshop, keepsake, exchange } = tools;
  const folded = await workshop.fold(round, await collector.gatherForRound(round, inputs));
  const payload = new Uint8Array(folded.payload);
  await keepsake.keepPayload(round, folded.hash, payload);
  exchange.offer(round, folded.hash, payload);
  return { hash: folded.hash, payload };
}
