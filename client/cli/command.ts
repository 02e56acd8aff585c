// What a command is. The table in commands.ts lists them all; main.ts finds one, parses its arguments and runs it.

import type { Terminal } from './terminal.ts';

export interface Option {
  summary: string;
  value?: string; // what stands for its value in the help text; none = a switch
  short?: string;
  default?: string;
  isList?: boolean; // may be given several times
}

export interface Command {
  name: string; // as typed, words apart by a space
  summary: string; // one line in the list of commands
  details?: string; // the rest of its own help text
  arguments?: readonly string[]; // required, in order, as the help text names them
  options?: Readonly<Record<string, Option>>;
  /** Ends in order when `signal` aborts. Other commands have nothing to put in order, and are ended. */
  endsItself?: true;
  /** Resolves with the exit code. Errors are thrown as LoomError; main.ts prints them. */
  run(call: Call): Promise<number>;
}

export type OptionValue = string | true | readonly string[] | undefined;

export interface Call {
  arguments: readonly string[]; // as many as the command names
  options: Readonly<Record<string, OptionValue>>;
  terminal: Terminal;
  /** Aborts on Ctrl-C or SIGTERM; the reason is the signal's name. */
  signal: AbortSignal;
}

/** The texts of an option that may be given several times, in order. */
export function listOption(call: Call, name: string): readonly string[] {
  const value = call.options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** An option's text, or undefined when it was not given. */
export function textOption(call: Call, name: string): string | undefined {
  const value = call.options[name];
  return typeof value === 'string' ? value : undefined;
}
