import { expect, test } from 'vitest';
import type { LoomError } from '../../shared/errors.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { helpOf, overview } from './help.ts';
import { parseCommand, wholeNumber } from './parse.ts';

const run = async (): Promise<number> => 0;
const table: Command[] = [
  {
    name: 'run',
    summary: '',
    arguments: ['MANIFEST'],
    options: { out: { value: 'DIR', summary: '', default: 'out' } },
    run,
  },
  { name: 'jobs list', summary: '', options: { follow: { summary: '', short: 'f' } }, run },
  { name: 'jobs cancel', summary: '', arguments: ['JOB'], run },
];

function refusalOf(...words: string[]): Partial<LoomError> {
  try {
    parseCommand(table, words);
  } catch (error) {
    return error as LoomError;
  }
  throw new Error(`accepted: ${words.join(' ')}`);
}

test('finds commands of one and two words, with arguments and options anywhere after them', () => {
  expect(parseCommand(table, ['run', '--out', 'x', 'a.yaml'])).toMatchObject({
    arguments: ['a.yaml'],
    options: { out: 'x' },
  });
  expect(parseCommand(table, ['run', 'a.yaml', '--out=y'])).toMatchObject({ options: { out: 'y' } });
  expect(parseCommand(table, ['run', 'a.yaml'])).toMatchObject({ options: { out: 'out' } });
  expect(parseCommand(table, ['jobs', 'list', '-f', '--json'])).toMatchObject({
    options: { follow: true, json: true },
  });
});

test('help needs no arguments', () => {
  expect(parseCommand(table, ['run', '--help']).options['help']).toBe(true);
  expect(parseCommand(table, ['run', '-h']).options['help']).toBe(true);
});

test('what does not fit is named together with what would', () => {
  expect(refusalOf('sing')).toMatchObject({
    code: 'invalid_request',
    message: "there is no command 'sing'",
    allowed: 'run, jobs list, jobs cancel',
  });
  expect(refusalOf('jobs', 'sing')).toMatchObject({
    message: "there is no command 'jobs sing'",
    allowed: 'jobs list, jobs cancel',
  });
  expect(refusalOf('run')).toMatchObject({ where: 'run', message: 'MANIFEST is missing' });
  expect(refusalOf('run', 'a', 'b')).toMatchObject({ message: "'b' is one argument too many" });
  expect(refusalOf('run', 'a', '--loud')).toMatchObject({
    message: "Unknown option '--loud'",
    allowed: '--out, --json, --help',
  });
  expect(refusalOf('run', 'a', '--out').message).toMatch(/--out/);
});

test('whole numbers have bounds', () => {
  expect(wholeNumber('3', 'workers', 0, 64)).toBe(3);
  for (const text of ['-1', '65', '2.5', 'two', '']) {
    expect(() => wholeNumber(text, 'workers', 0, 64)).toThrow(
      expect.objectContaining({ where: '--workers', allowed: '0 to 64' }),
    );
  }
});

test('every command is in the overview and explains itself', () => {
  for (const command of commands) {
    expect(overview(commands)).toContain(`  ${[command.name, ...(command.arguments ?? [])].join(' ')}  `);
    expect(helpOf(command)).toContain(`Usage: loomos ${command.name}`);
    for (const name of Object.keys(command.options ?? {})) expect(helpOf(command)).toContain(`--${name}`);
    expect(helpOf(command)).not.toContain('(default )');
  }
  const texts = [overview(commands), ...commands.map(helpOf)];
  for (const line of texts.join('\n').split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});
