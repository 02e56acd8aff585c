import { expect, test } from 'vitest';
import { tick } from '../room.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';
import type { RoomEvent } from '../types.ts';
import { Referee } from './referee.ts';
import { noFaults } from './scenario.ts';
import type { Scenario } from './scenario.ts';

const traits = {
  tokensPerSecond: 100,
  joinsAtMs: 0,
  corruption: 1,
  relayOnly: false,
  slowLink: 1,
  malice: 'none',
} as const;

function scenarioOf({ state }: Stage): Scenario {
  const times = { batchMs: 0, clockSkewMs: 0, latencyMs: 10, calmAtMs: 0, limitMs: 1 };
  return {
    seed: 7,
    manifest: state.manifest,
    workers: Array.from({ length: 4 }, () => traits),
    faults: noFaults,
    checksMessages: false,
    ...times,
  };
}

/** Feeds a room under the eyes of a referee. */
class WatchedStage extends Stage {
  private readonly referee = new Referee(scenarioOf(this));

  override feed(event: RoomEvent): ReturnType<Stage['feed']> {
    this.referee.check(this.state, [event], tick(this.state, event, this.now), this.now);
    return super.feed(event);
  }
}

/** The last work of a job, late, by a worker whose state turns out to be wrong in the very step in which it comes back. */
function lastWorkOfOneAstray(holds: { round: number; stateHash: string } | null): WatchedStage {
  const rounds = { staleness: 1, quorum: 0.5 };
  const stage = new WatchedStage({ rounds, runtime: { maxTokens: 320 } }).start(w1, w2);
  stage.commit(w2, 0);
  stage.received(w1, 0, w2);
  stage.pass(10_000);
  stage.commit(w1, 0);
  stage.feed({ type: 'restarted' });
  for (const id of [w2, w3]) stage.hello(id, { holds: { round: 1, stateHash: hashOf('state 1') } });
  stage.hello(w1, { holds });
  stage.feed({ type: 'wake' });
  return stage;
}

test('a worker whose state is wrong has its payloads still', () => {
  const stage = lastWorkOfOneAstray({ round: 1, stateHash: hashOf('another state 1') });
  expect(stage.heard(w1, 'resync').length + stage.recorded('round.agreed').length).toBeGreaterThan(0);
  expect(stage.state.log[1]!.accepted.map(({ workerId }) => workerId)).toEqual([w1]);
});

test('one that comes back without its memory has nothing', () => {
  expect(lastWorkOfOneAstray(null).state.log).toHaveLength(1);
});
