// Who works on the job: one row a worker with its part of the cloth, its speed, its share, and how this tab talks to it.
// The roles are spelt out because a phone lays the rows out as blocks, and browsers then forget that it is a table.

import type { LinkStats } from '../../exchange/exchange.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';
import type { ClothRound } from '../cloth.ts';
import { formatBytes, formatRate, formatShare, shortWorker } from '../format.ts';
import type { ShownJob } from '../state.ts';

type Worker = ShownJob['job']['workers'][number];

const mostColumns = 48; // rounds a thread shows
const fewestColumns = 24;
const shownWorkers = 16;

export function Workers({ shown, snapshot }: { shown: ShownJob; snapshot: WorkerSnapshot | null }) {
  const { job } = shown;
  const mine = snapshot !== null && snapshot.jobId === job.id ? snapshot : null;
  const workers = [...job.workers].sort(
    (a, b) =>
      Number(b.workerId === mine?.workerId) - Number(a.workerId === mine?.workerId) ||
      b.tokensAccepted - a.tokensAccepted,
  );
  if (workers.length === 0) return null;
  const columns = [
    'Worker',
    roundsTitle(shown.rounds),
    'Tokens/s',
    'Share',
    mine === null ? 'State' : 'Link',
    'Sent',
    'Received',
  ];
  return (
    <section class="workers" aria-labelledby="workers-title">
      <h3 id="workers-title">Workers</h3>
      <table role="table" aria-labelledby="workers-title">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {workers.slice(0, shownWorkers).map((worker, row) => (
            <Row key={worker.workerId} worker={worker} shown={shown} mine={mine} row={row} />
          ))}
        </tbody>
      </table>
      {workers.length > shownWorkers && <p class="more">and {workers.length - shownWorkers} more</p>}
    </section>
  );
}

function roundsTitle(rounds: readonly ClothRound[]): string {
  const visible = rounds.slice(-mostColumns);
  return visible.length === 0 ? 'Rounds' : `Rounds ${visible[0]!.round}–${visible.at(-1)!.round}`;
}

function Row({
  worker,
  shown,
  mine,
  row,
}: {
  worker: Worker;
  shown: ShownJob;
  mine: WorkerSnapshot | null;
  row: number;
}) {
  const isMe = worker.workerId === mine?.workerId;
  const link = mine?.exchange.links.find((candidate) => candidate.workerId === worker.workerId);
  const bytes = mine === null || isMe ? worker : (link ?? { bytesSent: 0, bytesReceived: 0 });
  return (
    <tr role="row" class={isMe ? 'me' : worker.present ? '' : 'away'}>
      <th role="rowheader" scope="row">
        <span class="worker-name">{isMe ? 'This tab' : worker.adapter}</span>
        <span class="worker-id">
          {isMe ? worker.adapter : worker.kind === 'page' ? 'tab' : 'headless'} {shortWorker(worker.workerId)}
        </span>
      </th>
      <td role="cell" class="thread">
        <Thread rounds={shown.rounds} workerId={worker.workerId} row={row} />
      </td>
      <Cell name="Tokens/s" value={worker.present ? formatRate(worker.tokensPerSecond) : '–'} />
      <Cell
        name="Share"
        value={formatShare(shown.job.tokens > 0 ? Math.min(1, worker.tokensAccepted / shown.job.tokens) : 0)}
      />
      <Cell
        name={mine === null ? 'State' : 'Link'}
        value={mine === null || isMe ? presence(worker) : linkText(worker, link)}
      />
      <Cell name="Sent" value={formatBytes(bytes.bytesSent)} />
      <Cell name="Received" value={formatBytes(bytes.bytesReceived)} />
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

function presence(worker: Worker): string {
  if (!worker.present) return 'gone';
  return worker.paused ? 'paused' : 'working';
}

function linkText(worker: Worker, link: LinkStats | undefined): string {
  if (!worker.present) return 'gone';
  if (link === undefined) return 'none';
  if (link.via === 'relay' || link.state === 'failed') return 'relay';
  return link.state === 'open' ? 'direct' : 'connecting';
}

/**
 * One worker's thread through the newest rounds: a block where its work was accepted, a tick where it came too late.
 * Blocks alternate in height as over and under do in cloth; that has no other meaning.
 */
function Thread({ rounds, workerId, row }: { rounds: readonly ClothRound[]; workerId: string; row: number }) {
  const visible = rounds.slice(-mostColumns);
  const columns = Math.max(fewestColumns, visible.length);
  const isAccepted = (round: ClothRound) => round.accepted.includes(workerId);
  const isOver = (round: ClothRound) => (round.round + row) % 2 === 0;
  const accepted = visible.filter(isAccepted).length;
  return (
    <svg
      viewBox={`0 0 ${columns * 6 - 1} 14`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`in ${accepted} of the last ${visible.length} rounds`}
    >
      <path class="warp" d={`M0 6.5h${columns * 6}v1h-${columns * 6}z`} />
      <path class="accepted" d={blocks(visible, (round) => isAccepted(round) && isOver(round), 14)} />
      <path class="accepted" d={blocks(visible, (round) => isAccepted(round) && !isOver(round), 10)} />
      <path class="late" d={blocks(visible, (round) => round.late.includes(workerId), 4)} />
    </svg>
  );
}

function blocks(rounds: readonly ClothRound[], isDrawn: (round: ClothRound) => boolean, height: number): string {
  return rounds
    .map((round, index) => (isDrawn(round) ? `M${index * 6} ${(14 - height) / 2}h5v${height}h-5z` : ''))
    .join('');
}
