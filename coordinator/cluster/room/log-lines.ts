// The job's log: what happened, in sentences for people. Pure.

import type { LogLine } from '../../../shared/api/schemas.ts';
import type { LedgerEventDraft } from '../../../shared/ledger/events.ts';

export type LogText = Pick<LogLine, 'level' | 'text'>;

/** Null where another event says it. */
type Describe = {
  [T in LedgerEventDraft['type']]: (data: Extract<LedgerEventDraft, { type: T }>['data']) => string | null;
};

/** So many workers are named; the ledger has them all. */
const maxNamed = 20;

const refusedBecause = {
  useless: 'it does not lower the loss on held-out text',
  harmful: 'it raises the loss on held-out text',
  quarantined: 'the worker is quarantined',
};

const ending = { completed: 'completed', failed: 'failed', cancelled: 'was cancelled' };

const describe: Describe = {
  'job.submitted': ({ name }) => `${name} was submitted and waits for workers.`,
  'job.started': ({ workers }) => `Training starts with ${plural(workers, 'worker')}.`,
  'job.finished': ({ state, reason, rounds, tokens }) =>
    `The job ${ending[state]} after ${plural(rounds, 'round')} and ${tokens.toLocaleString('en')} tokens${reason === '' ? '' : `: ${reason}`}.`,
  'worker.registered': ({ kind, adapter }) => `A ${kind} worker registered with ${adapter}.`,
  'worker.joined': ({ workerId, kind, adapter, round }) => `${workerId} joined at round ${round}: ${kind}, ${adapter}.`,
  'worker.left': ({ workerId, reason, round }) => `${workerId} left at round ${round}: ${reason}.`,
  'round.credited': () => null,
  'round.closed': ({ round, accepted, credited, late, trainLoss, validationLoss }) =>
    [
      `Round ${round} closed with ${plural(accepted.length + (credited?.accepted ?? 0), 'contribution')}`,
      ...(late.length === 0 ? [] : [`without ${named(late, credited?.late)}`]),
      ...(trainLoss === null ? [] : [`training loss ${trainLoss.toFixed(4)}`]),
      ...(validationLoss === null ? [] : [`validation loss ${validationLoss.toFixed(4)}`]),
    ].join(', ') + '.',
  'contribution.refused': ({ round, workerId, finding, improvement }) =>
    `Round ${round}: the work of ${workerId} did not count, ${refusedBecause[finding]}${improvement === null ? '' : ` (loss ${(-improvement).toFixed(4)})`}.`,
  'shard.audited': ({ round, workerId, auditor, isSame }) =>
    `${auditor} computed the shard of ${workerId} in round ${round} again: ${isSame === null ? 'it could not' : isSame ? 'the same' : 'something else'}.`,
  'worker.quarantined': ({ workerId, reason }) => `${workerId} is quarantined, its work does not count: ${reason}.`,
  'worker.released': ({ workerId }) => `${workerId} is released from quarantine.`,
  'worker.banned': ({ workerId, reason }) => `${workerId} is banned from this job: ${reason}.`,
  'worker.pardoned': ({ jobId }) => `The ban from ${jobId} was lifted.`,
  'round.agreed': ({ round, stateHash, reports, dissent }) =>
    `Round ${round}: ${plural(reports, 'worker')} agreed on state ${stateHash.slice(0, 12)}${dissent === 0 ? '' : `, ${dissent} did not`}.`,
  'round.rewound': ({ from, to, reason }) => `The job went back from round ${from} to round ${to}: ${reason}.`,
  'checkpoint.stored': ({ round, bytes, workerId }) =>
    `Checkpoint of round ${round} stored by ${workerId}, ${kilobytes(bytes)}.`,
  'checkpoint.refused': ({ round, workerId, reason }) =>
    `The checkpoint of round ${round} by ${workerId} was refused: ${reason}.`,
  'artifact.stored': ({ round, bytes, workerId, validationLoss }) =>
    `The trained model of round ${round} was stored by ${workerId}, ${kilobytes(bytes)}; validation loss ${validationLoss.toFixed(4)}.`,
  'leader.elected': ({ nodeId, fence }) => `${nodeId} leads the cluster, with fence ${fence}.`,
  'leader.resigned': ({ nodeId, reason }) => `${nodeId} leads no more: ${reason}.`,
  'dataset.stored': ({ bytes, source }) => `Dataset stored from ${source}, ${kilobytes(bytes)}.`,
};

const warnings: ReadonlySet<LedgerEventDraft['type']> = new Set([
  'worker.left',
  'round.rewound',
  'contribution.refused',
  'worker.quarantined',
  'worker.banned',
  'checkpoint.refused',
]);

/** Null for an event that says nothing to people. */
export function logText(event: LedgerEventDraft): LogText | null {
  const text = (describe[event.type] as (data: LedgerEventDraft['data']) => string | null)(event.data);
  if (text === null) return null;
  const failed = event.type === 'job.finished' && event.data.state === 'failed';
  return { level: failed ? 'error' : warnings.has(event.type) ? 'warn' : 'info', text };
}

/** Said when the 1st, 2nd, 4th, 8th … refusal of a kind came, so that a noisy sender cannot flood the log; else null. */
export function refusalText(code: string, before: number, after: number): LogText | null {
  if (Math.clz32(before) === Math.clz32(after)) return null;
  return { level: 'warn', text: `${plural(after, 'message')} refused so far with ${code}.` };
}

/** @param others how many more there are than these */
function named(workerIds: readonly string[], others = 0): string {
  const more = workerIds.slice(maxNamed).length + others;
  return [...workerIds.slice(0, maxNamed), ...(more === 0 ? [] : [`${more} others`])].join(', ');
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function kilobytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
