// Sees to it that the payloads of a round are here: tells the room which committed ones arrived, fetches those that do not
// come by themselves, and says which cannot be had. What we told the room we have is kept on disk first.

import type { Exchange } from '../exchange/exchange.ts';
import type { AcceptedContribution, WorkerMessage } from '../../shared/protocol/messages.ts';
import { sleep } from '../timing/wait.ts';
import type { Keepsake } from './keepsake.ts';

/** Peers push by themselves; only what is not here after so long is asked for. */
const pushGraceMs = 1_000;
/** After so long without success the room is told, which asks a holder to use the relay. */
const obtainMs = 3_000;
const reportEveryMs = 200;

export interface CollectorOptions {
  exchange: Exchange;
  keepsake: Keepsake;
  say(message: WorkerMessage): void;
  /** Null for a worker that is not present. */
  peerIdOf(workerId: string): string | null;
}

export class Collector {
  private readonly options: CollectorOptions;
  private round = -1;
  private readonly seen = new Set<string>(); // committed in this round and taken care of
  private unreported: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private roundOver = new AbortController();

  constructor(options: CollectorOptions) {
    this.options = options;
  }

  /** What is committed in the open round now. Cheap to call again. */
  expect(round: number, committed: readonly AcceptedContribution[]): void {
    if (round !== this.round) this.startOver(round);
    for (const contribution of committed) {
      if (this.seen.has(contribution.hash)) continue;
      this.seen.add(contribution.hash);
      void this.collect(contribution, this.roundOver.signal);
    }
  }

  /** The room may have forgotten what we reported: everything that it names again is reported again. */
  startOver(round: number): void {
    this.roundOver.abort();
    this.roundOver = new AbortController();
    this.round = round;
    this.seen.clear();
    this.unreported = [];
  }

  /**
   * The accepted payloads of a closed round, in order. Tries until it has them or `signal` aborts: when they are lost, the
   * room says what to do instead.
   */
  async gather(
    round: number,
    accepted: readonly AcceptedContribution[],
    signal: AbortSignal,
  ): Promise<{ payload: Uint8Array; tokens: number }[] | null> {
    const payloads = await Promise.all(accepted.map((contribution) => this.fetch(round, contribution, signal)));
    if (signal.aborted) return null;
    return payloads.map((payload, i) => ({ payload: payload!, tokens: accepted[i]!.tokens }));
  }

  close(): void {
    this.roundOver.abort();
    clearTimeout(this.timer);
  }

  private async collect(contribution: AcceptedContribution, signal: AbortSignal): Promise<void> {
    if (!this.options.exchange.has(contribution.hash)) await sleep(pushGraceMs, signal);
    const payload = await this.fetch(this.round, contribution, signal);
    if (payload === null || signal.aborted) return;
    this.unreported.push(contribution.hash);
    this.timer ??= setTimeout(() => this.report(), reportEveryMs);
  }

  private report(): void {
    this.timer = undefined;
    if (this.unreported.length === 0) return;
    this.options.say({ type: 'received', round: this.round, hashes: this.unreported.splice(0, 1024) });
  }

  private async fetch(
    round: number,
    { hash, workerId }: AcceptedContribution,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    const { exchange, keepsake, say, peerIdOf } = this.options;
    while (!signal.aborted) {
      try {
        const payload = await exchange.obtain(round, hash, peerIdOf(workerId), obtainMs, signal);
        await keepsake.keepPayload(round, hash, payload);
        return payload;
      } catch {
        if (!signal.aborted) say({ type: 'missing', round, hashes: [hash] });
        await sleep(1000, signal);
      }
    }
    return null;
  }
}
