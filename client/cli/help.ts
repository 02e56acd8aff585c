// The help texts, made from the same table that parses the arguments.

import type { Command, Option } from './command.ts';
import { commonOptions } from './parse.ts';
import { paragraphs, table } from './wrap.ts';

/** What `loomos` and `loomos --help` print. */
export function overview(commands: readonly Command[]): string {
  return `loomos trains models together on open browser tabs and headless workers.

Usage: loomos COMMAND [OPTIONS]

Start here:
${table([
  ['loomos demo', 'train a small language model on Moby-Dick'],
  ['loomos init', 'write a manifest of your own, job.yaml'],
  ['loomos run job.yaml', 'train what it says on this machine'],
  ['loomos up --workers 1', 'coordinator, web page and a worker, until stopped'],
])}

Commands:
${rowsOf(commands)}

${paragraphs(`Every command takes --json and --help; of a group, \`loomos jobs --help\` lists the commands.
Exit codes: 0 done, 1 failed, 2 wrong input, 3 no coordinator answers, 130 interrupted.`)}
`;
}

/** What `loomos GROUP --help` prints, for commands of two words. */
export function groupHelp(group: readonly Command[]): string {
  return `${rowsOf(group)}\n`;
}

function rowsOf(commands: readonly Command[]): string {
  return table(commands.map((command) => [[command.name, ...(command.arguments ?? [])].join(' '), command.summary]));
}

/** What `loomos COMMAND --help` prints. */
export function helpOf(command: Command): string {
  const usage = ['loomos', command.name, ...(command.arguments ?? []), '[OPTIONS]'].join(' ');
  const details = command.details === undefined ? '' : `\n${paragraphs(command.details.trim())}\n`;
  const options = Object.entries({ ...command.options, ...commonOptions }).map(optionRow);
  return `${command.summary}\n\nUsage: ${usage}\n${details}\nOptions:\n${table(options)}\n`;
}

function optionRow([name, option]: [string, Option]): readonly [string, string] {
  const flag = `${option.short === undefined ? '' : `-${option.short}, `}--${name}`;
  const standard = option.default === undefined || option.default === '' ? '' : ` (default ${option.default})`;
  return [option.value === undefined ? flag : `${flag} ${option.value}`, `${option.summary}${standard}`];
}
