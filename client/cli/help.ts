// The help texts, made from the same table that parses the arguments.

import type { Command, Option } from './command.ts';
import { commonOptions } from './parse.ts';

/** What `loomos` and `loomos --help` print. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(
    (command) => [[command.name, ...(command.arguments ?? [])].join(' '), command.summary] as const,
  );
  return `loomos trains models together on open browser tabs and headless workers.

Usage: loomos COMMAND [OPTIONS]

Start here:
  loomos demo                          train a small language model on Moby-Dick, a few minutes
  loomos run job.yaml --out out/mine   the same with your own manifest and text
  loomos up --workers 1                coordinator, web page and a worker, until stopped

Commands:
${table(rows)}

Every command takes --json and --help. Exit codes: 0 done, 1 failed, 2 wrong input, 3 no coordinator answers,
130 interrupted.
`;
}

/** What `loomos COMMAND --help` prints. */
export function helpOf(command: Command): string {
  const usage = ['loomos', command.name, ...(command.arguments ?? []), '[OPTIONS]'].join(' ');
  const details = command.details === undefined ? '' : `\n${command.details.trim()}\n`;
  const options = Object.entries({ ...command.options, ...commonOptions }).map(optionRow);
  return `${command.summary}\n\nUsage: ${usage}\n${details}\nOptions:\n${table(options)}\n`;
}

function optionRow([name, option]: [string, Option]): readonly [string, string] {
  const flag = `${option.short === undefined ? '' : `-${option.short}, `}--${name}`;
  const standard = option.default === undefined ? '' : ` (default ${option.default})`;
  return [option.value === undefined ? flag : `${flag} ${option.value}`, `${option.summary}${standard}`];
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
