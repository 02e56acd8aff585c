// A visitor lets the model of a finished job write in the page: on WebGPU and on the CPU, at a desk and on a phone, and stops it.

import type { Page } from '@playwright/test';
import type { JobView } from '../../shared/api/schemas.ts';
import { startHeadless } from './headless.ts';
import { desktop, expect, phone, screenshot, test, visit, type Place } from './fixtures.ts';

test.describe.configure({ mode: 'serial' });

let job: JobView;

test('a job is trained to its end', async ({ place }) => {
  job = await submit(place);
  const worker = startHeadless(place.url);
  await expect.poll(async () => (await place.client.getJob(job.id)).state, { timeout: 300_000 }).toBe('completed');
  await worker.stop();
});

test('its model writes on WebGPU, as many bytes as asked for after the visitor’s own words', async ({
  browser,
  place,
}) => {
  const { page, errors } = await visit(browser, `${place.url}/?backend=webgpu#${job.id}`, desktop);
  await page.getByLabel('Beginning of the text').fill('The whale');
  await page.getByLabel('Length in bytes').fill('60');
  await page.getByRole('button', { name: 'Write' }).click();
  await expect(page.getByText(/^60 bytes · .* bytes\/s · .*SwiftShader/)).toBeVisible();
  const text = await written(page).textContent();
  expect(text).toMatch(/^The whale/);
  expect(text!.length).toBeGreaterThan('The whale'.length + 15); // some bytes make a character together
  await page.screenshot({ path: screenshot('written-desktop-light'), fullPage: true });
  expect(errors).toEqual([]);
});

test('on a phone’s CPU it is stopped in the middle, by keyboard too, and writes again', async ({ browser, place }) => {
  const { page, errors } = await visit(browser, `${place.url}/?backend=cpu#${job.id}`, {
    ...phone,
    colorScheme: 'dark',
  });
  await page.getByLabel('Length in bytes').fill('5000');
  await page.getByRole('button', { name: 'Write' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Stop' })).toBeFocused();
  await expect(page.getByText(/^[1-9].* of 5,?000 bytes · .* bytes\/s · CPU/)).toBeVisible();
  await page.screenshot({ path: screenshot('writing-phone-dark-real'), fullPage: true });
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Write' })).toBeFocused();
  const before = await written(page).textContent();
  await page.waitForTimeout(500);
  expect(await written(page).textContent()).toBe(before);
  await page.getByLabel('Length in bytes').fill('10');
  await page.getByRole('button', { name: 'Write' }).click();
  await expect(page.getByText(/^10 bytes ·/)).toBeVisible();
  expect(errors).toEqual([]);
});

function written(page: Page) {
  return page.getByLabel('What it writes', { exact: true });
}

async function submit({ client }: Place): Promise<JobView> {
  const text = new TextEncoder().encode(
    'Call me Ishmael. Some years ago I thought I would sail about a little. '.repeat(80),
  );
  const { sha256 } = await client.uploadDataset(text, { source: 'the beginning of Moby-Dick' });
  return client.submitJob({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'to-be-read' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: 1, heads: 4, width: 32, context: 32 },
      data: { source: `dataset:${sha256}` },
      optimizer: { batchSize: 4 },
      rounds: { innerSteps: 10 },
      resources: { workers: { min: 1 } },
      runtime: { maxTokens: 30_000 },
    },
  });
}
