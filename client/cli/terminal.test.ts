import { expect, test } from 'vitest';
import { Terminal } from './terminal.ts';

function terminals(isTTY: boolean, isJson = false) {
  const [out, err] = [[] as string[], [] as string[]];
  const clock = { ms: 0 };
  const sinkOf = (lines: string[]) => ({ write: (text: string) => lines.push(text), isTTY, columns: 80 });
  return { terminal: new Terminal(sinkOf(out), sinkOf(err), { isJson, now: () => clock.ms }), out, err, clock };
}

test('in a pipe a status is a plain line, at most every five seconds, and no line twice', () => {
  const { terminal, err, clock } = terminals(false);
  for (const [ms, line] of [
    [0, 'a'],
    [1000, 'b'],
    [5000, 'c'],
    [5001, 'd'],
    [20_000, 'd'],
    [30_000, 'd'],
  ] as const) {
    clock.ms = ms;
    terminal.status(line);
  }
  terminal.status('the end', true);
  expect(err).toEqual(['a\n', 'c\n', 'd\n', 'the end\n']);
});

test('on a terminal a status is redrawn in place, below what is said', () => {
  const { terminal, err } = terminals(true);
  terminal.status('one');
  terminal.say('hello');
  terminal.status('two');
  terminal.endStatus();
  const clear = '\r\x1b[2K';
  expect(err.join('')).toBe(`one${clear}hello\none${clear}two\n`);
});

test('with --json the result is one line of JSON and nothing else is on standard output', () => {
  const { terminal, out, err } = terminals(false, true);
  terminal.say('working');
  terminal.result({ a: 1 }, 'a is 1');
  expect(out).toEqual(['{"a":1}\n']);
  expect(err).toEqual(['working\n']);
});
