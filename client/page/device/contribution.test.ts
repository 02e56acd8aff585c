import { expect, test, vi } from 'vitest';
import type { ContributeOptions, Contributor } from '../../worker/contribute.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';
import { createContribution } from './contribution.ts';
import { initialState, type PageState } from '../state.ts';

/** The page's side of a contribution: a store without rendering, and a contributor that does what the test says. */
function setUp(load?: () => Promise<never>) {
  let state: PageState = initialState;
  const store = { get: () => state, set: (patch: Partial<PageState>) => void (state = { ...state, ...patch }) };
  const awake = { hold: vi.fn<() => void>(), release: vi.fn<() => void>() };
  const contributor = {
    pause: vi.fn<() => void>(),
    resume: vi.fn<() => void>(),
    setLoad: vi.fn<(load: number) => void>(),
  };
  const stop = vi.fn<(reason?: string) => Promise<void>>(async () => {});
  let options: ContributeOptions | null = null;
  let started = 0;
  const contributeHere = (given: unknown) => {
    options = given as ContributeOptions;
    started += 1;
    return { ...contributor, stop } as unknown as Contributor;
  };
  const onJob = vi.fn<() => void>();
  const contribution = createContribution({
    store,
    awake,
    onJob,
    backend: 'auto',
    coordinator: new URL('http://127.0.0.1/'),
    load: load ?? (async () => ({ contributeHere })),
  });
  const report = (patch: Partial<WorkerSnapshot>) => options!.onSnapshot({ ...state.contribution!, ...patch });
  const seen = { state: () => state, options: () => options, started: () => started };
  return { contribution, contributor, stop, awake, onJob, report, ...seen };
}

const loaded = () => new Promise((resolve) => setTimeout(resolve));

test('contributes once, with the load that was chosen before', async () => {
  const { contribution, state, options } = setUp();
  contribution.setLoad(0.4);
  contribution.contribute();
  contribution.contribute();
  expect(state().contribution?.phase).toBe('connecting');
  await loaded();
  expect(options()?.load).toBe(0.4);
});

test('the screen stays on while it works, and may sleep while it is paused', async () => {
  const { contribution, awake, report } = setUp();
  contribution.contribute();
  await loaded();
  report({ phase: 'training' });
  report({ phase: 'paused' });
  expect(awake.release).toHaveBeenCalledTimes(1);
  report({ phase: 'training' });
  expect(awake.hold.mock.invocationCallOrder.at(-1)).toBeGreaterThan(awake.release.mock.invocationCallOrder.at(-1)!);
});

test('another job is a reason to look at it', async () => {
  const { contribution, onJob, report } = setUp();
  contribution.contribute();
  await loaded();
  report({ jobId: 'a-000000' });
  report({ jobId: 'a-000000', step: 2 });
  expect(onJob).toHaveBeenCalledTimes(1);
});

test('stop before anything was loaded starts nothing', async () => {
  const { contribution, state, options } = setUp();
  contribution.contribute();
  contribution.stop();
  await loaded();
  expect(options()).toBeNull();
  expect(state().contribution?.phase).toBe('stopped');
});

test('stop and start again while it loads: one contribution, not two', async () => {
  const { contribution, started, stop } = setUp();
  contribution.contribute();
  contribution.stop();
  contribution.contribute();
  await loaded();
  expect(started()).toBe(1);
  contribution.stop();
  expect(stop).toHaveBeenCalledTimes(1);
});

test('closing the tab says goodbye', async () => {
  const { contribution, stop } = setUp();
  contribution.leave();
  contribution.contribute();
  await loaded();
  contribution.leave();
  expect(stop.mock.calls).toEqual([['the tab was closed']]);
});

test('a script that does not load is a sentence, and the button comes back', async () => {
  const { contribution, state } = setUp(() => Promise.reject(new Error('offline')));
  contribution.contribute();
  await loaded();
  expect(state().contribution).toMatchObject({ phase: 'failed', reason: expect.stringMatching(/reload the page$/) });
});
