// What the parts of one virtual worker share.

import type { WorkerMessage } from '../../../protocol/messages.ts';
import type { Host } from '../host.ts';
import type { Network } from '../network.ts';
import type { WorkerTraits } from '../scenario.ts';

export interface Self {
  readonly id: string;
  readonly traits: WorkerTraits;
  readonly network: Network;
  readonly host: Host;
  readonly tokensPerStep: number;
  readonly isVerified: boolean;
  readonly staleness: number; // rounds by which accepted work may be late
  readonly earliness: number; // rounds before one opens in which work for it may begin
  readonly isAlive: boolean;
  readonly isPaused: boolean;
  say(message: WorkerMessage): void;
  /** Later in this life; a frozen worker does it when it thaws. */
  later(delayMs: number, run: () => void): void;
}

export const noTraffic = { bytesSent: 0, bytesReceived: 0, peers: 0 };
