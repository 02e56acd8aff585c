// Sees to it that the payloads of a round are here: tells the room which committed ones arrived, fetches those that do not
// come by themselves, and says which cannot be had. What we told the room we have is kept on disk first.

import { LoomError } from '../../../shared/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AcceptedContribution, RoomMessage, WorkerMessage } from '../../../shared/protocol/messages.ts';
import { Bell, sleep } from '../../timing/wait.ts';
import type { WeighedPayload } from '../../train/trainer.ts';
import type { Keepsake } from '../state/keepsake.ts';

/** Peers push by themselves; only what is not here after so long is asked for. */
const pushGraceMs = 1_000;
/** When nothing of it came for so long the room is told, which asks a holder to use the relay. */
const usualObtainMs = 3_000;
const reportEveryMs = 50;

export interface CollectorOptions {
  exchange: Exchange;
  keepsake: Keepsake;
  say(message: WorkerMessage): void;
  /** Null for a worker that is not present. */
  peerIdOf(workerId: string): string | null;
  obtainMs?: number;
}

export class Collector {
  private readonly options: CollectorOptions;
  private round = -1;
  /** Payloads committed in this round, and whether they are here. */
  private readonly committed = new Map<string, 'coming' | 'here'>();
  private unreported = new Set<string>();
  /** Rings when the exchange has a new payload. */
  readonly arrived = new Bell();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private roundOver = new AbortController();
  private pulls = new AbortController(); // ends with the round, or before

  constructor(options: CollectorOptions) {
    this.options = options;
  }

  /** The round that is open now, or opens next. */
  begin(round: number): void {
    if (round === this.round) return;
    this.roundOver.abort();
    this.roundOver = new AbortController();
    this.stopPulls();
    this.round = round;
    this.committed.clear();
    this.unreported.clear();
  }

  /** Others have committed in this round: if it was to be added up, that did not succeed. */
  hear(message: RoomMessage): void {
    if (message.type !== 'committed' || message.round !== this.round) return;
    this.stopPulls();
    for (const contribution of message.contributions) this.expect(contribution);
  }

  /** A payload was committed in this round. The room says it again when it may have forgotten that we have it. */
  expect(contribution: AcceptedContribution): void {
    const { hash } = contribution;
    if (this.committed.get(hash) === 'here') this.report(hash);
    if (this.committed.has(hash)) return;
    this.committed.set(hash, 'coming');
    void this.collect(contribution, this.roundOver.signal);
  }

  /**
   * The accepted payloads of a closed round, in order. Tries until it has them or `signal` aborts: when they are lost, the
   * room says what to do instead.
   */
  async gather(
    round: number,
    accepted: readonly AcceptedContribution[],
    signal: AbortSignal,
  ): Promise<WeighedPayload[] | null> {
    const payloads = await Promise.all(accepted.map((contribution) => this.fetch(round, contribution, signal)));
    if (signal.aborted) return null;
    return payloads.map((payload, i) => {
      const { tokens, folds, staleness } = accepted[i]!;
      return { payload: payload!, tokens, folds, staleness };
    });
  }

  /** The same for the round that is open. @throws LoomError `conflict` when it is over first */
  async gatherForRound(round: number, inputs: readonly AcceptedContribution[]): Promise<WeighedPayload[]> {
    const gathered = round === this.round ? await this.gather(round, inputs, this.roundOver.signal) : null;
    if (gathered === null) throw new LoomError('conflict', `round ${round} is over`);
    return gathered;
  }

  /** A part of what the open round adds up: not kept on disk. @throws LoomError `conflict` when that is over first */
  async pull(round: number, hash: string, workerId: string): Promise<Uint8Array> {
    const payload = round === this.round ? await this.obtain(round, hash, workerId, this.pulls.signal, false) : null;
    if (payload === null) throw new LoomError('conflict', `round ${round} is over`);
    return payload;
  }

  private stopPulls(): void {
    this.pulls.abort();
    this.pulls = new AbortController();
  }

  close(): void {
    this.roundOver.abort();
    this.pulls.abort();
    clearTimeout(this.timer);
  }

  private async collect(contribution: AcceptedContribution, signal: AbortSignal): Promise<void> {
    const { hash } = contribution;
    await this.arrival(hash, signal);
    const payload = await this.fetch(this.round, contribution, signal);
    if (payload === null || signal.aborted) return;
    this.committed.set(hash, 'here');
    this.report(hash);
  }

  private async arrival(hash: string, signal: AbortSignal): Promise<void> {
    const until = Date.now() + pushGraceMs;
    while (!this.options.exchange.has(hash) && !signal.aborted && Date.now() < until) {
      await this.arrived.wait(until - Date.now());
    }
  }

  private report(hash: string): void {
    this.unreported.add(hash);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.unreported.size === 0) return;
      this.options.say({ type: 'received', round: this.round, hashes: [...this.unreported].slice(0, 1024) });
      this.unreported.clear();
    }, reportEveryMs);
  }

  private async fetch(
    round: number,
    { hash, workerId }: AcceptedContribution,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    const payload = await this.obtain(round, hash, workerId, signal);
    if (payload !== null) await this.options.keepsake.keepPayload(round, hash, payload);
    return payload;
  }

  private async obtain(
    round: number,
    hash: string,
    workerId: string,
    signal: AbortSignal,
    forOthers = true,
  ): Promise<Uint8Array | null> {
    const { exchange, say, peerIdOf, obtainMs = usualObtainMs } = this.options;
    while (!signal.aborted) {
      try {
        return await exchange.obtain(round, hash, peerIdOf(workerId), obtainMs, signal, forOthers);
      } catch {
        if (!signal.aborted) say({ type: 'missing', round, hashes: [hash] });
        await sleep(1000, signal);
      }
    }
    return null;
  }
}
