import { expect, test } from 'vitest';
import type { Lease } from '../../protocol/messages.ts';
import { leaseMs, leaseRetryMs, maxArtifactFailures, maxLogRounds } from '../limits.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

const runtime = { checkpointInterval: '10s' };
const evaluation = { loss: 2, tokens: 10, unigramLoss: 3, bigramLoss: 2.4 };

/** Two workers have finished round 0 and a checkpoint is due: who has the lease, and what it says. */
function leased(): { stage: Stage; lease: Lease; holder: string; other: string } {
  const stage = new Stage({ runtime }).start(w1, w2);
  stage.pass(10_000);
  stage.finishRound(0, w1, w2);
  const holder = stage.state.lease!.workerId;
  return { stage, lease: stage.heard(holder, 'lease')[0]!.lease, holder, other: holder === w1 ? w2 : w1 };
}

function upload(stage: Stage, workerId: string, { kind, fence, round }: Lease, state = `state ${round}`): void {
  const said = { kind, fence, round, stateHash: hashOf(state), bytes: 500 };
  stage.say(workerId, { type: 'uploaded', ...said, evaluation: kind === 'artifact' ? evaluation : null });
  stage.feed({ type: 'stored', kind, fence, bytes: 500 });
}

test('a checkpoint is leased between rounds when its time has come, and shortens the log', () => {
  const { stage, lease, holder } = leased();
  expect(lease).toEqual({ kind: 'checkpoint', fence: 1, round: 1, expiresMs: stage.now + leaseMs.checkpoint });
  stage.finishRound(1, w1, w2);
  upload(stage, holder, lease);
  expect(stage.state).toMatchObject({
    checkpoint: { round: 1, stateHash: hashOf('state 1'), bytes: 500 },
    lease: null,
  });
  expect(stage.state.log.map(({ round }) => round)).toEqual([1]);
  expect(stage.heard(w1, 'checkpointed')).toMatchObject([{ checkpoint: { round: 1 } }]);
  expect(stage.recorded('checkpoint.stored')).toMatchObject([{ round: 1, workerId: holder }]);
  stage.hello(w3);
  expect(stage.heard(w3, 'welcome')).toMatchObject([{ round: 2, checkpoint: { round: 1 }, log: [{ round: 1 }] }]);
});

test('an upload is complete when coordinator and worker both say so, in either order', () => {
  const { stage, lease, holder } = leased();
  stage.feed({ type: 'stored', kind: 'checkpoint', fence: lease.fence, bytes: 500 });
  stage.feed({ type: 'stored', kind: 'checkpoint', fence: lease.fence, bytes: 500 });
  expect(stage.state.checkpoint).toBeNull();
  upload(stage, holder, lease);
  expect(stage.state.checkpoint).toMatchObject({ round: 1 });
});

test('a declined lease goes to another worker with a larger fence', () => {
  const { stage, lease, holder, other } = leased();
  stage.say(holder, { type: 'declined', kind: 'checkpoint', fence: lease.fence, reason: 'no bandwidth' });
  stage.finishRound(1, w1, w2);
  expect(stage.heard(other, 'lease')).toMatchObject([{ lease: { fence: lease.fence + 1, round: 2 } }]);
});

test('an expired lease and one whose holder left go to another worker', () => {
  const { stage, lease, holder, other } = leased();
  stage.finishRound(1, w1, w2);
  expect(stage.state.lease!.fence).toBe(lease.fence);
  stage.gone(holder);
  expect(stage.state.lease).toBeNull();
  stage.finishRound(2, other);
  expect(stage.state.lease).toMatchObject({ workerId: other, fence: lease.fence + 1 });
  stage.pass(leaseMs.checkpoint);
  expect(stage.state.lease).not.toMatchObject({ fence: lease.fence + 1 });
});

test('uploads under a stale fence, of another worker or of another state are refused', () => {
  const { stage, lease, holder, other } = leased();
  upload(stage, other, lease);
  expect(stage.state.refused).toEqual({ conflict: 1 });
  upload(stage, holder, { ...lease, fence: lease.fence - 1 });
  expect(stage.state.refused).toEqual({ conflict: 2 });
  expect(stage.state.lease).toMatchObject({ fence: lease.fence });
  upload(stage, holder, lease, 'another state');
  expect(stage.state).toMatchObject({ lease: null, checkpoint: null, refused: { conflict: 3 } });
});

test('a long log asks for a checkpoint before its time', () => {
  const stage = new Stage({ min: 1 }).start(w1);
  for (let round = 0; round < maxLogRounds - 1; round++) stage.finishRound(round, w1);
  expect(stage.state.lease).toBeNull();
  stage.finishRound(maxLogRounds - 1, w1);
  expect(stage.state.lease).toMatchObject({ kind: 'checkpoint', round: maxLogRounds });
});

test('a state that only one worker holds is stored sooner', () => {
  const stage = new Stage({ min: 1, runtime: { checkpointInterval: '40s' } }).start(w1);
  stage.finishRound(0, w1);
  expect(stage.state.lease).toBeNull();
  stage.pass(10_000);
  stage.finishRound(1, w1);
  expect(stage.state.lease).toMatchObject({ round: 2 });
});

test('a holder that connects anew gets a new lease: its answer to the old one may be lost', () => {
  const stage = finishing();
  const { workerId, fence } = stage.state.lease!;
  stage.feed({ type: 'restarted' });
  stage.hello(workerId, { holds: { round: 1, stateHash: hashOf('state 1') } });
  expect(stage.heard(workerId, 'lease')).toMatchObject([{ lease: { kind: 'artifact', fence: fence + 1 } }]);
});

function finishing(): Stage {
  const stage = new Stage({ runtime: { maxTokens: 320, checkpointInterval: '1h' } })
    .start(w1, w2)
    .finishRound(0, w1, w2);
  expect(stage.state).toMatchObject({ phase: 'finishing', lease: { kind: 'artifact' } });
  return stage;
}

test('an artifact comes with its evaluation', () => {
  const stage = finishing();
  const { kind, fence, round, workerId, stateHash } = stage.state.lease!;
  stage.say(workerId, { type: 'uploaded', kind, fence, round, stateHash, bytes: 1, evaluation: null });
  expect(stage.heard(workerId, 'refused')).toMatchObject([{ code: 'invalid_message', where: 'evaluation' }]);
  upload(stage, workerId, stage.state.lease!);
  expect(stage.state).toMatchObject({ phase: 'completed', evaluation });
});

test('a job whose model nobody can store fails and says why', () => {
  const stage = finishing();
  for (let failure = 1; failure <= maxArtifactFailures; failure++) {
    const { workerId, fence } = stage.state.lease!;
    stage.say(workerId, { type: 'declined', kind: 'artifact', fence, reason: 'is out of memory' });
    stage.pass(leaseRetryMs);
  }
  const reason = `the trained model could not be stored: ${maxArtifactFailures} workers failed, the last one is out of memory`;
  expect(stage.state).toMatchObject({ phase: 'failed', reason });
  expect(stage.recorded('job.finished')).toMatchObject([{ state: 'failed', reason }]);
});

test('a trained job without workers waits for one that holds the model', () => {
  const stage = finishing();
  stage.gone(w1);
  stage.gone(w2);
  expect(stage.state).toMatchObject({
    phase: 'finishing',
    reason: 'waiting for a worker that holds the trained model',
  });
  stage.hello(w2, { holds: { round: 1, stateHash: hashOf('state 1') } });
  expect(stage.state).toMatchObject({ phase: 'finishing', reason: '', lease: { workerId: w2 } });
});
