// Runs a whole job in virtual time: the real room, virtual workers, a network and its faults, all from one seed. After every
// step of the room a referee checks what must always hold; the first violation is thrown, with the seed in its message.

import type { LedgerEventDraft } from '../../ledger/events.ts';
import { createRandom } from '../../random.ts';
import type { RoomState } from '../types.ts';
import { isOver } from '../views.ts';
import { Clock } from './clock.ts';
import { Troublemaker } from './faults.ts';
import { Host } from './host.ts';
import type { Observer } from './host.ts';
import { Network } from './network.ts';
import { Referee } from './referee.ts';
import type { Scenario } from './scenario.ts';
import { VirtualWorker } from './worker/worker.ts';

export interface Outcome {
  state: RoomState;
  ledger: readonly LedgerEventDraft[];
  steps: number; // of the room
  relayed: number; // payloads that went through the relay
  virtualMs: number;
}

const epoch = 1_700_000_000_000;

/** @throws Error naming the seed when an invariant is violated or the job is not over in time. */
export function simulate(scenario: Scenario): Outcome {
  const referee = new Referee(scenario);
  const outcome = play(scenario, (before, events, after, now) => referee.check(before, events, after, now));
  referee.checkEnd(outcome.state);
  return outcome;
}

/** The same without a referee, for whoever wants to count. */
export function play(scenario: Scenario, observe: Observer): Outcome {
  const clock = new Clock(epoch);
  const network = new Network(clock, createRandom(scenario.seed), scenario);
  const host = new Host(network, scenario, observe);
  const workers = bringWorkers(scenario, network, host);
  new Troublemaker(network, host, workers, scenario).begin();
  clock.runUntil(epoch + scenario.limitMs, () => isOver(host.state));
  const { state, ledger, steps } = host;
  return { state, ledger, steps, relayed: network.relayed.size, virtualMs: clock.now - epoch };
}

function bringWorkers(scenario: Scenario, network: Network, host: Host): VirtualWorker[] {
  const workers = new Map<string, VirtualWorker>();
  scenario.workers.forEach((traits, index) => {
    const id = `w-${String(index).padStart(8, '0')}`;
    workers.set(id, new VirtualWorker(id, traits, network, host, scenario, workers));
  });
  for (const worker of workers.values()) network.clock.after(worker.traits.joinsAtMs, () => worker.start());
  return [...workers.values()];
}
