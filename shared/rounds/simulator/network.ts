// What connects everyone in a simulation: one clock, one source of chance, delays, and which peers reach each other.

import type { Random } from '../../random.ts';
import { maxArtifactFailures } from '../limits.ts';
import type { Clock } from './clock.ts';
import type { Faults, Scenario } from './scenario.ts';

export class Network {
  readonly clock: Clock;
  readonly random: Random;
  readonly checksMessages: boolean;
  faults: Faults;
  /** Payload hashes on the coordinator's relay. */
  readonly relayed = new Set<string>();
  private readonly latencyMs: number;
  private failedUploads = 0;
  private readonly cut = new Map<string, number>(); // pairs that are cut off, until when

  constructor(clock: Clock, random: Random, { faults, latencyMs, checksMessages }: Scenario) {
    this.clock = clock;
    this.random = random;
    this.faults = faults;
    this.latencyMs = latencyMs;
    this.checksMessages = checksMessages;
  }

  delayMs(): number {
    return this.latencyMs * (0.5 + this.random.uniform());
  }

  /** Uniform between the two. */
  between(least: number, most: number): number {
    return least + this.random.uniform() * (most - least);
  }

  /** Fewer in all than the room bears of one artifact: that it then ends the job is right. */
  failsUpload(): boolean {
    const fails = this.random.uniform() < this.faults.failedUpload && this.failedUploads < maxArtifactFailures / 2;
    if (fails) this.failedUploads += 1;
    return fails;
  }

  cutOff(a: string, b: string, forMs: number): void {
    this.cut.set(pair(a, b), this.clock.now + forMs);
  }

  reaches(a: string, b: string): boolean {
    return (this.cut.get(pair(a, b)) ?? 0) <= this.clock.now;
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
