// Every state of the page, from the development gallery, at three sizes in light and dark: nothing overflows, all text has
// contrast, everything has a name. Screenshots are kept.

import type { Page } from '@playwright/test';
import { createServer, type ViteDevServer } from 'vite';
import { contrastFaults } from './contrast.ts';
import { desktop, expect, phone, screenshot, test } from './fixtures.ts';

const states = [
  'loading',
  'idle',
  'contributing',
  'paused',
  'finished',
  'loading-to-write',
  'writing',
  'cannot-write',
  'no-webgpu',
  'no-webgpu-contributing',
  'waiting',
  'empty',
  'offline',
];
const kept = ['idle', 'contributing', 'finished', 'writing', 'no-webgpu'];
const sizes = {
  desktop,
  phone,
  narrow: { viewport: { width: 980, height: 720 } },
  small: { ...phone, viewport: { width: 320, height: 640 } },
};

let server: ViteDevServer;

test.beforeAll(async () => {
  server = await createServer({ configFile: 'client/page/vite.config.ts', server: { host: '127.0.0.1', port: 0 } });
  await server.listen();
});

test.afterAll(() => server.close());

for (const [size, options] of Object.entries(sizes)) {
  test(`every state of the page at ${size} size, in light and dark`, async ({ browser }) => {
    const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(`${server.resolvedUrls!.local[0]}gallery/index.html`);
    for (const state of states) {
      await page.evaluate((name) => (location.hash = name), state);
      await page.locator(`body[data-example="${state}"]`).waitFor();
      expect(await overflow(page), `${state} is wider than the window`).toBeLessThanOrEqual(0);
      expect(await unnamed(page), `${state} has controls without a name`).toEqual([]);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate(contrastFaults), `${state} has text without contrast in ${colorScheme}`).toEqual([]);
        if (!(size === 'desktop' || size === 'phone') || !kept.includes(state)) continue;
        await page.screenshot({ path: screenshot(`${state}-${size}-${colorScheme}`), fullPage: true });
      }
    }
    await context.close();
  });
}

function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

function unnamed(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, a, input, summary, progress, section, table')]
      .filter((element) => {
        const label = element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? '';
        const labelledBy = document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent ?? '';
        const own = element.matches('section, table, progress') ? '' : (element.textContent ?? '');
        return `${label}${labelledBy}${own}`.trim() === '';
      })
      .map((element) => element.outerHTML.slice(0, 80)),
  );
}
