// A room that has much to lose: a round is open and someone has committed, an audit is disputed and its jury is asked. A new
// version of the state freezes what the build before it makes of this: JSON.stringify(storedRoom().state).

import { Stage } from '../../testing/stage.ts';

export const workers = ['w-00000001', 'w-00000002', 'w-00000003', 'w-00000004', 'w-00000005', 'w-00000006'] as const;

export function storedRoom(): Stage {
  const stage = new Stage({ min: 6, verification: { gate: false, audits: 0.5 } }).start(...workers);
  for (let round = 0; stage.state.court.trials.length === 0; round++) playRound(stage, round);
  const [{ shard, votes } = { shard: null, votes: {} }] = stage.state.court.trials;
  const [auditor] = Object.keys(votes);
  stage.say(auditor!, { type: 'audited', hash: shard!.hash, likeness: { cosine: 0, error: 1 } });
  stage.commit(Object.keys(stage.state.open!.parts)[0]!, stage.state.round);
  return stage;
}

/** Of those who have no audit to do. */
export function playRound(stage: Stage, round: number): void {
  const atWork = Object.keys(stage.state.open!.parts);
  for (const id of atWork) stage.commit(id, round);
  for (const id of atWork) stage.received(id, round, ...atWork);
  for (const id of workers) stage.applied(id, round + 1);
}
