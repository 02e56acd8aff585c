// The newest lines of the job's log, newest first, folded away until asked for.

import type { LogLine } from '../../../shared/api/schemas.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function Log({ lines }: { lines: readonly LogLine[] }) {
  if (lines.length === 0) return null;
  return (
    <details class="log">
      <summary>Log</summary>
      <ol reversed>
        {lines.toReversed().map((line) => (
          <li key={line.seq} class={line.level}>
            <time dateTime={new Date(line.at).toISOString()}>{clock.format(line.at)}</time> {line.text}
          </li>
        ))}
      </ol>
    </details>
  );
}
