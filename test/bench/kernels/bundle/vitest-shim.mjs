// Stands in for vitest inside the bundle, where the GPU tests run without it: the same files, the matchers that they use.
// Prints a line a test, writes $LOOMOS_TEST_JSON, exits 1 when one failed.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';

const queue = [];
let prefix = '';

/** test(name, run), test(name, options, run), test.each(cases)(name, …). */
export const test = (name, ...rest) => {
  queue.push({ name: `${prefix}${name}`, run: rest.findLast((part) => typeof part === 'function'), arguments: [] });
};
test.each =
  (cases) =>
  (name, ...rest) => {
    const run = rest.findLast((part) => typeof part === 'function');
    for (const item of cases) {
      const list = Array.isArray(item) ? item : [item];
      queue.push({ name: `${prefix}${name} ${JSON.stringify(list).slice(0, 80)}`, run, arguments: list });
    }
  };

/** Nothing here has a time limit. */
export const vi = { setConfig() {} };

test.runIf = (is) => (is ? test : () => {});
test.skipIf = (is) => test.runIf(!is);

export function describe(name, run) {
  const outer = prefix;
  prefix = `${outer}${name}: `;
  run();
  prefix = outer;
}
describe.each = (cases) => (name, run) => {
  for (const item of cases) describe(`${name} ${item.name ?? JSON.stringify(item)}`, () => run(item));
};

export const expect = (actual, hint) => ({
  ...matchers(actual, hint),
  rejects: rejections(actual),
  not: negated(matchers(actual, hint)),
});

function matchers(actual, hint) {
  const holds = (is, wanted) => assert.ok(is, `${hint ?? ''} ${String(actual)}, not ${String(wanted)}`);
  return {
    toBe: (wanted) => assert.ok(Object.is(actual, wanted), `${hint ?? ''} ${String(actual)} is not ${String(wanted)}`),
    toEqual: (wanted) => assert.deepEqual(plain(actual), plain(wanted), hint),
    toBeCloseTo: (wanted, digits = 2) => holds(Math.abs(actual - wanted) < 0.5 * 10 ** -digits, wanted),
    toBeLessThan: (wanted) => holds(actual < wanted, `below ${wanted}`),
    toBeLessThanOrEqual: (wanted) => holds(actual <= wanted, `at most ${wanted}`),
    toBeGreaterThan: (wanted) => holds(actual > wanted, `above ${wanted}`),
    toBeGreaterThanOrEqual: (wanted) => holds(actual >= wanted, `at least ${wanted}`),
    toBeNaN: () => holds(Number.isNaN(actual), NaN),
    toBeTruthy: () => holds(actual, true),
    toContain: (wanted) => holds(actual.includes(wanted), `with ${wanted}`),
    toHaveLength: (wanted) => holds(actual.length === wanted, `of length ${wanted}`),
    toMatch: (wanted) => holds(actual.match(wanted), wanted),
    toMatchObject: (wanted) => assert.partialDeepStrictEqual(actual, wanted),
    toThrow: (wanted) => assert.throws(actual, (error) => matches(error, wanted)),
  };
}

function negated(all) {
  return Object.fromEntries(
    Object.entries(all).map(([name, holds]) => [name, (...wanted) => assert.throws(() => holds(...wanted))]),
  );
}

function rejections(promise) {
  return {
    toThrow: (wanted) => assert.rejects(promise, (error) => matches(error, wanted)),
    toMatchObject: (wanted) => assert.rejects(promise, wanted),
  };
}

function matches(error, wanted) {
  return (
    wanted === undefined || (wanted instanceof RegExp ? wanted.test(error.message) : error.message.includes(wanted))
  );
}

/** vitest's toEqual does not tell undefined from missing. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === undefined ? [] : [[key, plain(part)]])),
  );
}

/** Runs what the files have listed, one after the other. */
export async function runTests() {
  const file = process.env.LOOMOS_TEST_JSON;
  const results = [];
  for (const { name, run, arguments: list } of queue) {
    const start = performance.now();
    const error = await Promise.resolve()
      .then(() => run(...list))
      .then(
        () => null,
        (cause) => String(cause?.message ?? cause).slice(0, 600),
      );
    const milliseconds = Math.round(performance.now() - start);
    results.push({ name, passed: error === null, milliseconds, ...(error !== null && { error }) });
    if (file) writeFileSync(file, `${JSON.stringify({ listed: queue.length, results }, null, 2)}\n`);
    console.log(
      `${error === null ? 'ok  ' : 'FAIL'} ${name} (${milliseconds} ms)${error === null ? '' : `\n     ${error}`}`,
    );
  }
  const failed = results.filter(({ passed }) => !passed).length;
  console.log(`${results.length - failed} of ${results.length} tests passed`);
  process.exit(failed === 0 ? 0 : 1);
}
