// The command line. Finds the command, runs it, and turns an error into one line on standard error and an exit code.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, LoomError } from '../../shared/errors.ts';
import { projectFolder } from '../node/embed/project.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { exitCode, exitCodeOf } from './exit-code.ts';
import { groupHelp, helpOf, overview } from './help.ts';
import { parseCommand } from './parse.ts';
import { Terminal } from './terminal.ts';

/** Two signals this close are one Ctrl-C that arrived both from the terminal and from a parent process. */
const sameSignalMs = 500;
/**
 * A command is done and all it wrote is out, yet native code (WebRTC, a GPU's driver) keeps the process: so long it may. Nothing is known
 * to do so any more: what did were data channels that had never opened, which client/node/rtc.ts closes with their connection.
 */
const lingerMs = 5_000;

async function main(words: readonly string[]): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr, { isJson: words.includes('--json'), now: Date.now });
  const signal = interruption();
  try {
    return help(words, terminal) ?? (await run(words, terminal, signal));
  } catch (error) {
    terminal.endStatus();
    if (signal.aborted) return exitCode.interrupted;
    return report(error, terminal);
  }
}

/** Says what loomos, its version or a group of commands is; null where the words ask for something else. */
function help(words: readonly string[], terminal: Terminal): number | null {
  const [first, second, ...rest] = words.filter((word) => word !== '--json');
  const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h' || word === 'help';
  const list = (some: readonly Command[]) => ({ commands: some.map(({ name, summary }) => ({ name, summary })) });
  const group = commands.filter(({ name }) => name.startsWith(`${isHelp(first) ? second : first} `));
  if (first === undefined || (isHelp(first) && second === undefined))
    terminal.result(list(commands), overview(commands));
  else if (group.length > 0 && rest.length === 0 && (isHelp(first) || isHelp(second)))
    terminal.result(list(group), groupHelp(group));
  else if (first === '--version' || first === '-v' || first === 'version')
    terminal.result({ version: version() }, version());
  else return null;
  return exitCode.ok;
}

async function run(words: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { command, ...call } = parseCommand(commands, words[0] === 'help' ? [...words.slice(1), '--help'] : words);
  if (call.options['help'] === true) {
    terminal.result({ name: command.name, summary: command.summary, options: command.options }, helpOf(command));
    return exitCode.ok;
  }
  if (command.endsItself !== true) signal.addEventListener('abort', () => process.exit(exitCode.interrupted));
  return command.run({ ...call, terminal, signal });
}

function version(): string {
  return (JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { version: string }).version;
}

function report(error: unknown, terminal: Terminal): number {
  const known = error instanceof LoomError ? error : new LoomError('internal', describeError(error), { cause: error });
  if (terminal.isJson) terminal.result({ error: known }, '');
  terminal.say(`loomos: ${describeError(known)}`);
  if (known.code === 'unavailable')
    terminal.say('`loomos up` starts a coordinator on this machine; --coordinator names another');
  if (known.code === 'unauthorized')
    terminal.say('--token or LOOMOS_OWNER_TOKEN gives it; that of `loomos up` lies in secrets.json of its folder');
  if (known.code === 'internal' && known.cause instanceof Error) terminal.say(known.cause.stack ?? '');
  return exitCodeOf(known);
}

/** Aborts at the first Ctrl-C or SIGTERM, whose name is the reason, so that commands can end in order; a second Ctrl-C ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | null = null;
  const interrupt = (name: NodeJS.Signals): void => {
    if (firstAt !== null && Date.now() - firstAt > sameSignalMs) process.exit(exitCode.interrupted);
    firstAt ??= Date.now();
    controller.abort(name);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  return controller.signal;
}

process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), lingerMs).unref(); // runs only where something else keeps the process
