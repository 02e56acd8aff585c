// What every browser test stands on: a WebGPU adapter that is really there (a run without one must fail, not skip), a real
// coordinator on workerd with the real page, and pages whose errors count.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, type Browser, type BrowserContext, type Page } from '@playwright/test';
import { startCoordinator, type Embedded } from '../../client/node/embed/embed.ts';
import { LoomOSClient } from '../../client/sdk/client.ts';

export interface Place extends Embedded {
  client: LoomOSClient;
}

interface WorkerFixtures {
  adapter: string;
  place: Place;
}

export const test = base.extend<object, WorkerFixtures>({
  adapter: [
    async ({ browser, place }, use) => {
      const page = await browser.newPage();
      await page.goto(place.url); // WebGPU needs a secure context: about:blank is none
      const adapter = await page.evaluate(async () => {
        const found = await navigator.gpu?.requestAdapter();
        return found ? `${found.info.vendor} ${found.info.architecture}` : null;
      });
      await page.close();
      if (adapter === null) throw new Error('requestAdapter() is null: these tests must not pass without WebGPU');
      await use(adapter);
    },
    { scope: 'worker', auto: true, timeout: 120_000 },
  ],
  place: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright wants the destructuring
    async ({}, use) => {
      const data = mkdtempSync(join(tmpdir(), 'loomos-e2e-'));
      const embedded = await startCoordinator({ data, port: 0, log: () => {} });
      const client = new LoomOSClient({ url: embedded.url, ownerToken: embedded.ownerToken });
      await use({ ...embedded, client });
      await embedded.close();
      rmSync(data, { recursive: true, force: true });
    },
    { scope: 'worker', timeout: 120_000 },
  ],
});

export { expect } from '@playwright/test';

export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** Where screenshots are kept for people to look at. */
export function screenshot(name: string): string {
  return join('test-results', 'screenshots', `${name}.png`);
}

export interface LayoutShift {
  value: number; // adds up to the page's cumulative layout shift (web.dev/cls)
  moved: string; // what moved, for whoever has to mend it
}

interface LayoutShiftEntry extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
}

/** Runs in the page: keeps in `window.layoutShifts` whatever moved without the visitor having done something. */
function recordLayoutShifts(): void {
  const shifts: LayoutShift[] = [];
  Object.assign(window, { layoutShifts: shifts });
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries() as LayoutShiftEntry[]) {
      if (hadRecentInput) continue;
      const moved = sources.map(({ node, previousRect: from, currentRect: to }) => {
        const element = node instanceof Element ? node : node?.parentElement;
        return `${element?.tagName}.${element?.getAttribute('class')} ${from.y}→${to.y} ${from.height}→${to.height}`;
      });
      shifts.push({ value, moved: moved.join(', ') });
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

/**
 * A visitor with a browser profile of their own. `errors` collects what their console complains about, and requests to
 * other places than the coordinator.
 */
export async function visit(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = desktop,
): Promise<{ context: BrowserContext; page: Page; errors: string[] }> {
  const context = await browser.newContext(options);
  await context.addInitScript(recordLayoutShifts);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) errors.push(`a request to ${request.url()}`);
  });
  page.on('console', (message) => {
    const { url } = message.location();
    const isRelayMiss = url.includes('/relay/'); // a payload that the relay does not hold is no error: ask a peer
    if (message.type() === 'error' && !isRelayMiss) errors.push(`${message.text()} (${url})`);
  });
  await page.goto(url);
  return { context, page, errors };
}
