// Who works on the job: one row a worker with its thread through the rounds, its speed, its share, and how this tab talks
// to it. The roles are spelt out because a phone lays the rows out as blocks, and browsers then forget that it is a table.

import { presentWorkers } from '../../../shared/api/schemas.ts';
import type { JobView, JobWorker } from '../../../shared/api/schemas.ts';
import type { LinkStats } from '../../exchange/exchange.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';
import type { ClothRound } from '../watch/cloth.ts';
import { formatBytes, formatRate, formatShare, shortWorker } from '../format.ts';
import type { ShownJob } from '../state.ts';
import { isLive } from '../words.ts';
import { drawnRounds, Thread } from './thread.tsx';

const shownWorkers = 16;

/** What a row shows, worked out from where the visitor stands: as a peer of these workers, or as a spectator. */
interface Line {
  id: string;
  isMe: boolean;
  isHere: boolean;
  name: string;
  about: string;
  speed: number;
  share: number;
  status: string;
  bytesSent: number;
  bytesReceived: number;
}

export function Workers({ shown, snapshot }: { shown: ShownJob; snapshot: WorkerSnapshot | null }) {
  const { job, rounds } = shown;
  const isPeer = snapshot?.jobId === job.id && isLive(job);
  const lines = job.workers.map((worker) => lineOf(worker, job, snapshot, isPeer)).sort(byRank);
  if (lines.length === 0) return null;
  const all = Math.max(lines.length, presentWorkers(job)); // a large job lists some
  return (
    <section class="workers" aria-labelledby="workers-title">
      <h3 id="workers-title">Workers</h3>
      <table role="table" aria-labelledby="workers-title">
        <Head
          names={['Worker', roundsTitle(rounds), 'Tokens/s', 'Share', isPeer ? 'Link' : 'State', 'Sent', 'Received']}
        />
        <tbody role="rowgroup">
          {lines.slice(0, shownWorkers).map((line, row) => (
            <Row key={line.id} line={line} rounds={rounds} row={row} statusName={isPeer ? 'Link' : 'State'} />
          ))}
        </tbody>
      </table>
      {lines.length > shownWorkers && <p class="small">and {all - shownWorkers} more</p>}
      {isPeer && <p class="small">Sent and received are this tab’s own traffic, link by link.</p>}
    </section>
  );
}

function lineOf(worker: JobWorker, job: JobView, me: WorkerSnapshot | null, isPeer: boolean): Line {
  const isMe = worker.workerId === me?.workerId;
  const link = isPeer && !isMe ? me?.exchange.links.find(({ workerId }) => workerId === worker.workerId) : undefined;
  const traffic = isMe && isPeer ? me!.exchange : isPeer ? (link ?? { bytesSent: 0, bytesReceived: 0 }) : worker;
  return {
    id: worker.workerId,
    isMe,
    isHere: worker.present && isLive(job),
    name: isMe ? 'This tab' : worker.adapter,
    about: isMe ? worker.adapter : aboutOther(worker),
    speed: worker.tokensPerSecond,
    share: job.tokens > 0 ? Math.min(1, worker.tokensAccepted / job.tokens) : 0,
    status: !isLive(job) ? 'done' : isPeer && !isMe ? linkStatus(worker, link) : status(worker),
    bytesSent: traffic.bytesSent,
    bytesReceived: traffic.bytesReceived,
  };
}

function aboutOther({ kind, workerId, leftBecause }: JobWorker): string {
  const about = `${kind === 'page' ? 'tab' : 'headless'} ${shortWorker(workerId)}`;
  return leftBecause === undefined ? about : `${about} – ${leftBecause}`;
}

/** This tab first, then those who did most. */
function byRank(a: Line, b: Line): number {
  return Number(b.isMe) - Number(a.isMe) || b.share - a.share;
}

function status(worker: JobWorker): string {
  if (!worker.present) return 'gone';
  return worker.paused ? 'paused' : 'working';
}

function linkStatus(worker: JobWorker, link: LinkStats | undefined): string {
  if (!worker.present) return 'gone';
  if (link === undefined) return 'none';
  if (link.via === 'relay' || link.state === 'failed') return 'relay';
  return link.state === 'open' ? 'direct' : 'connecting';
}

function roundsTitle(rounds: readonly ClothRound[]): string {
  const drawn = drawnRounds(rounds);
  return drawn.length === 0 ? 'Rounds' : `Rounds ${drawn[0]!.round}–${drawn.at(-1)!.round}`;
}

function Head({ names }: { names: readonly string[] }) {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {names.map((name) => (
          <th key={name} role="columnheader" scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Row({
  line,
  rounds,
  row,
  statusName,
}: {
  line: Line;
  rounds: readonly ClothRound[];
  row: number;
  statusName: string;
}) {
  return (
    <tr role="row" class={line.isMe ? 'me' : line.isHere ? '' : 'away'}>
      <th role="rowheader" scope="row">
        <span class="worker-name" title={line.name}>
          {line.name}
        </span>
        <span class="worker-about">{line.about}</span>
      </th>
      <td role="cell" class="thread">
        <Thread rounds={rounds} workerId={line.id} row={row} />
      </td>
      <Cell name="Tokens/s" value={line.isHere ? formatRate(line.speed) : '–'} />
      <Cell name="Share" value={formatShare(line.share)} />
      <Cell name={statusName} value={line.status} />
      <Cell name="Sent" value={formatBytes(line.bytesSent)} />
      <Cell name="Received" value={formatBytes(line.bytesReceived)} />
    </tr>
  );
}

function Cell({ name, value }: { name: string; value: string }) {
  return (
    <td role="cell" data-name={name}>
      {value}
    </td>
  );
}
