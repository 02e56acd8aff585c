// What this worker says of itself: the first words on a connection, and how much it has exchanged.

import type { Traffic, WorkerMessage } from '../../../shared/protocol/messages.ts';
import { workerSpeaks } from '../../../shared/protocol/version.ts';
import type { ExchangeStats } from '../../exchange/exchange.ts';
import type { TrainerReport } from '../../train/trainer.ts';

type Hello = Extract<WorkerMessage, { type: 'hello' }>;

export function helloOf(
  { adapter, kind }: TrainerReport,
  about: Pick<Hello, 'token' | 'peerId' | 'kind' | 'tokensPerSecond' | 'holds'>,
): Hello {
  const backend = { kind, adapter: adapter.slice(0, 200) };
  return { type: 'hello', version: workerSpeaks.newest, oldest: workerSpeaks.oldest, backend, ...about };
}

export function trafficOf({ bytesSent, bytesReceived, bytesPerSecond, links }: ExchangeStats): Traffic {
  const peers = links.filter((link) => link.state === 'open').length;
  return { bytesSent, bytesReceived, bytesPerSecond: Math.round(bytesPerSecond), peers };
}
