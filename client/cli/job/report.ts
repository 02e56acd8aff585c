// What a finished job leaves behind as numbers: report.json.

import type { JobView } from '../../../shared/api/schemas.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import { lossUnit } from '../../../shared/manifest/model.ts';
import type { LossUnit } from '../../../shared/manifest/model.ts';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import type { LedgerVerdict } from '../../sdk/verify-ledger.ts';

export interface Report {
  job: string; // its id
  name: string;
  state: string;
  reason: string;
  manifest: unknown;
  dataset: { sha256: string; bytes: number };
  rounds: number; // closed
  tokens: number; // accepted
  lossUnit: LossUnit; // losses are nats per byte, or per token where the model has a tokenizer
  // Of the agreed state on the validation part. Null where the job ended too early to measure.
  valLossStart: number | null; // of the initial state
  valLossEnd: number | null; // of the finished model
  unigramLoss: number | null; // of counting bytes or tokens, on the same validation part
  bigramLoss: number | null; // of counting pairs
  workers: {
    id: string;
    kind: 'page' | 'node';
    adapter: string;
    tokensPerSecond: number;
    tokens: number; // accepted
    rounds: number; // accepted
    bytesSent: number;
    bytesReceived: number;
  }[];
  stateHashes: string[]; // SHA-256 of the parameters after each round, agreed by all workers
  losses: LossPoint[];
  ledger: { events: number; root: string; verified: boolean };
  seconds: number; // from the first round to the end
}

export interface Outcome {
  job: JobView;
  losses: readonly LossPoint[];
  stateHashes: readonly string[];
  ledger: LedgerVerdict;
}

export function buildReport({ job, losses, stateHashes, ledger }: Outcome): Report {
  return {
    job: job.id,
    name: job.name,
    state: job.state,
    reason: job.reason,
    manifest: job.manifest,
    dataset: job.dataset,
    rounds: job.round,
    tokens: job.tokens,
    lossUnit: lossUnit(parseManifest(job.manifest).spec.model),
    valLossStart: losses.find((point) => point.validationLoss !== null)?.validationLoss ?? null,
    valLossEnd: job.evaluation?.loss ?? null,
    unigramLoss: job.evaluation?.unigramLoss ?? null,
    bigramLoss: job.evaluation?.bigramLoss ?? null,
    workers: job.workers.map((worker) => ({
      id: worker.workerId,
      kind: worker.kind,
      adapter: worker.adapter,
      tokensPerSecond: worker.tokensPerSecond,
      tokens: worker.tokensAccepted,
      rounds: worker.roundsAccepted,
      bytesSent: worker.bytesSent,
      bytesReceived: worker.bytesReceived,
    })),
    stateHashes: [...stateHashes],
    losses: [...losses],
    ledger: { events: ledger.events, root: ledger.root, verified: ledger.verified },
    seconds: job.startedAt === null || job.endedAt === null ? 0 : (job.endedAt - job.startedAt) / 1000,
  };
}

/** The numbers that matter, for people. */
export function summaryOf(report: Report): string {
  const loss = (value: number | null): string => (value === null ? 'not measured' : value.toFixed(3));
  const grouped = (value: number): string => Math.round(value).toLocaleString('en');
  return [
    `${report.name}: ${report.state} after ${report.rounds} rounds, ${grouped(report.tokens)} tokens, ${grouped(report.seconds)} s`,
    `validation loss ${loss(report.valLossStart)} -> ${loss(report.valLossEnd)} nats per ${report.lossUnit}`,
    `counting ${report.lossUnit}s gives ${loss(report.unigramLoss)}, counting pairs ${loss(report.bigramLoss)}`,
    `ledger: ${report.ledger.events} events, ${report.ledger.verified ? 'verified' : 'NOT VERIFIED'}`,
  ].join('\n');
}
