import { expect, test } from 'vitest';
import { Pace, realTiming } from './pace.ts';
import type { Timing } from './pace.ts';

function fakeTiming(): Timing & { time: number; slept: number[] } {
  const timing = {
    time: 0,
    slept: [] as number[],
    now: () => timing.time,
    async sleep(ms: number) {
      timing.slept.push(ms);
      timing.time += ms;
    },
  };
  return timing;
}

test('half the load sleeps as long as it worked; a full load only gives way', async () => {
  const timing = fakeTiming();
  let load = 1;
  const pace = new Pace(timing, () => load, new AbortController().signal);
  timing.time += 30;
  await pace.rest();
  load = 0.5;
  timing.time += 40;
  await pace.rest();
  load = 0; // the least is 5%
  timing.time += 10;
  await pace.rest();
  expect(timing.slept.map(Math.round)).toEqual([0, 40, 190]);
});

test('a rest lets messages in, and an interruption ends the work', async () => {
  const interruption = new AbortController();
  const pace = new Pace(realTiming, () => 1, interruption.signal);
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => interruption.abort());
  port1.start();
  port2.postMessage('stop');
  const work = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await pace.rest();
  };
  await expect(work()).rejects.toMatchObject({ code: 'conflict' });
  port1.close();
});
