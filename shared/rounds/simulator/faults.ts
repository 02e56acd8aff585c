// Makes things go wrong at random moments, once a virtual second, until the scenario's calm begins; then heals everything.

import type { Host } from './host.ts';
import type { Network } from './network.ts';
import { noFaults } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualWorker } from './worker/worker.ts';

export class Troublemaker {
  private readonly network: Network;
  private readonly host: Host;
  private readonly workers: readonly VirtualWorker[];
  private readonly calmAt: number;

  constructor(network: Network, host: Host, workers: readonly VirtualWorker[], { calmAtMs }: Scenario) {
    this.network = network;
    this.host = host;
    this.workers = workers;
    this.calmAt = network.clock.now + calmAtMs;
  }

  begin(): void {
    this.network.clock.after(1_000, () => {
      if (this.network.clock.now >= this.calmAt) return this.heal();
      this.trouble();
      this.begin();
    });
  }

  private trouble(): void {
    const { faults } = this.network;
    if (this.happens(faults.restart)) this.host.crash(this.network.between(0, 10_000));
    if (this.happens(faults.partition)) this.cutSomeone();
    for (const worker of this.workers) if (worker.isAlive) this.troubleOne(worker);
  }

  private troubleOne(worker: VirtualWorker): void {
    const { faults } = this.network;
    if (this.happens(faults.crash)) this.crash(worker);
    else if (this.happens(faults.flap)) worker.flap();
    else if (this.happens(faults.freeze)) worker.freeze(this.network.between(1_000, 100_000));
    else if (this.happens(faults.leave)) this.leave(worker);
    else if (this.happens(faults.pause)) this.pause(worker);
    else if (faults.drain > 0 && this.happens(faults.drain)) this.drain(worker);
  }

  private crash(worker: VirtualWorker): void {
    worker.crash();
    this.network.clock.after(this.network.between(0, 30_000), () => this.revive(worker));
  }

  private leave(worker: VirtualWorker): void {
    worker.leave();
    this.network.clock.after(this.network.between(2_000, 60_000), () => this.revive(worker));
  }

  private drain(worker: VirtualWorker): void {
    worker.drain();
    this.reviveOnceGone(worker);
  }

  /** One that is frozen asks and goes later. */
  private reviveOnceGone(worker: VirtualWorker): void {
    this.network.clock.after(this.network.between(30_000, 90_000), () => {
      if (worker.isDraining) this.reviveOnceGone(worker);
      else this.revive(worker);
    });
  }

  private revive(worker: VirtualWorker): void {
    if (!worker.isAlive) worker.start();
  }

  private pause(worker: VirtualWorker): void {
    if (worker.isPaused) return;
    worker.pause();
    this.network.clock.after(this.network.between(1_000, 30_000), () => {
      if (worker.isPaused) worker.resume();
    });
  }

  /** One worker cannot be reached by the others for a while. */
  private cutSomeone(): void {
    const alone = this.workers[this.network.random.below(this.workers.length)]!;
    const forMs = this.network.between(1_000, 60_000);
    for (const other of this.workers) if (other !== alone) this.network.cutOff(alone.id, other.id, forMs);
  }

  private heal(): void {
    this.network.faults = noFaults;
    for (const worker of this.workers) worker.thaw();
  }

  private happens(probability: number): boolean {
    return this.network.random.uniform() < probability;
  }
}
