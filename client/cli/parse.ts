// From the words after `loomos` to a command and its arguments. Node's own parseArgs reads the options: it is part of the
// platform, typed, and all that a table of a dozen commands needs.

import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import { LoomError } from '../../shared/errors.ts';
import { textOption } from './command.ts';
import type { Call, Command, Option, OptionValue } from './command.ts';

/** Options that every command takes. */
export const commonOptions: Readonly<Record<string, Option>> = {
  json: { summary: 'print JSON for programs on standard output; progress goes to standard error' },
  help: { summary: 'show this help', short: 'h' },
};

export interface Parsed {
  command: Command;
  arguments: string[];
  options: Record<string, OptionValue>;
}

/**
 * Finds the command that the words begin with and parses the rest.
 * @throws LoomError `invalid_request` naming the word that does not fit and what would.
 */
export function parseCommand(commands: readonly Command[], words: readonly string[]): Parsed {
  const command = findCommand(commands, words);
  const rest = words.slice(command.name.split(' ').length);
  const table = { ...command.options, ...commonOptions };
  const { positionals, values } = parse(rest, table, command);
  if (values.help !== true) checkArguments(command, positionals);
  return { command, arguments: positionals, options: values };
}

function findCommand(commands: readonly Command[], words: readonly string[]): Command {
  const fits = (command: Command): boolean => command.name.split(' ').every((word, i) => words[i] === word);
  const found = commands.find(fits);
  if (found !== undefined) return found;
  const group = commands.filter((command) => command.name.startsWith(`${words[0]} `)).map((command) => command.name);
  const wrong = group.length > 0 && words[1] !== undefined ? `${words[0]} ${words[1]}` : words[0];
  const names = group.length > 0 ? group : commands.map((command) => command.name);
  throw new LoomError('invalid_request', `there is no command '${wrong}'`, { allowed: names.join(', ') });
}

function parse(words: readonly string[], table: Readonly<Record<string, Option>>, command: Command) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, option] of Object.entries(table)) {
    options[name] = {
      type: option.value === undefined ? 'boolean' : 'string',
      ...(option.short !== undefined && { short: option.short }),
      ...(option.default !== undefined && { default: option.default }),
      ...(option.isList && { multiple: true }),
    };
  }
  try {
    const { positionals, values } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
    return { positionals, values: values as Parsed['options'] };
  } catch (cause) {
    const message = (cause as Error).message.split('. To specify')[0]!;
    const allowed = Object.keys(table).map((name) => `--${name}`);
    throw new LoomError('invalid_request', message, { where: command.name, allowed: allowed.join(', '), cause });
  }
}

function checkArguments({ name, arguments: wanted = [] }: Command, given: readonly string[]): void {
  const missing = wanted[given.length];
  if (missing !== undefined)
    throw new LoomError('invalid_request', `${missing} is missing`, {
      where: name,
      allowed: `loomos ${name} ${wanted.join(' ')}`,
    });
  const extra = given[wanted.length];
  if (extra !== undefined)
    throw new LoomError('invalid_request', `'${extra}' is one argument too many`, {
      where: name,
      allowed: `loomos ${[name, ...wanted].join(' ')}`,
    });
}

/** A number within bounds. @throws LoomError `invalid_request` naming the option. */
export function realNumber(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  throw new LoomError('invalid_request', `'${text}' is not a fitting number`, {
    where: `--${option}`,
    allowed: `${min} to ${max}`,
  });
}

/** The option `backend`. @throws LoomError `invalid_request` for anything else */
export function backendOption(call: Call): 'auto' | 'webgpu' | 'cpu' {
  return choiceOption(call, 'backend', ['auto', 'webgpu', 'cpu']);
}

/** An option with few values. @throws LoomError `invalid_request` for any other */
export function choiceOption<T extends string>(call: Call, option: string, allowed: readonly T[]): T {
  const text = textOption(call, option);
  const found = allowed.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new LoomError('invalid_request', `'${text}' is no ${option}`, {
    where: `--${option}`,
    allowed: allowed.join(', '),
  });
}

/** A whole number within bounds. @throws LoomError `invalid_request` naming the option. */
export function wholeNumber(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new LoomError('invalid_request', `'${text}' is not a fitting number`, {
    where: `--${option}`,
    allowed: `${min} to ${max}`,
  });
}
