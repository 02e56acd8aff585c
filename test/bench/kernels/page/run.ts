// `npm run bench -- --page`: bundles the benchmark and its peers for a browser, serves them on a port of this machine, and runs them
// in the project's Chromium.

import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { chromium } from '@playwright/test';
import { build } from 'esbuild';
import playwright from '../../../../playwright.config.ts';
import { installPeers } from '../peers/install.mjs';
import type { PeerFiles } from '../peers/install.mjs';
import type { Report } from '../report.ts';

type Files = Map<string, () => Uint8Array>; // by path

/**
 * @param show told the report after each row
 * @throws when Chromium has no WebGPU, or a row cannot be measured at all
 */
export async function benchInPage(isQuick: boolean, isAlone: boolean, show: (report: Report) => void): Promise<void> {
  const server = await serve(await buildFiles(isAlone ? null : await installPeers()));
  const { launchOptions } = playwright.use!;
  mkdirSync(launchOptions!.env!['TMPDIR'] as string, { recursive: true });
  const browser = await chromium.launch(launchOptions);
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error.message));
    await page.exposeFunction('loomosReport', show);
    await page.exposeFunction('loomosSay', (line: string) => console.log(line));
    await page.goto(server.url);
    await page.waitForFunction(() => 'loomosBench' in globalThis);
    await page.evaluate(([quick, alone]) => globalThis.loomosBench(quick, alone), [isQuick, isAlone] as const);
  } finally {
    await browser.close();
    server.close();
  }
}

/** Everything the page loads. Peers are bundles of their own, so that none sees the other. */
async function buildFiles(peers: PeerFiles | null): Promise<Files> {
  const html =
    '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/bench.js"></script>';
  const files: Files = new Map([['/', () => new TextEncoder().encode(html)]]);
  const add = async (path: string, entryPoint: string): Promise<void> => {
    const bytes = await bundle(entryPoint);
    files.set(path, () => bytes);
  };
  await add('/bench.js', join(import.meta.dirname, 'page.ts'));
  if (peers === null) return files;
  await add('/tfjs.js', join(dirname(peers.tfjs), 'tfjs-entry.js'));
  await add('/jax.js', peers.jax);
  const ort = dirname(peers.ort);
  const stem = 'ort-wasm-simd-threaded.asyncify';
  for (const name of [basename(peers.ort), `${stem}.mjs`, `${stem}.wasm`])
    files.set(`/ort/${name}`, () => readFileSync(join(ort, name)));
  return files;
}

async function bundle(entryPoint: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    write: false,
    minify: true,
    logLevel: 'error',
  });
  return outputFiles[0]!.contents;
}

async function serve(files: Files): Promise<{ url: string; close(): void }> {
  const types: Record<string, string> = { js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };
  const server = createServer(({ url }, response) => {
    const path = new URL(url!, 'http://localhost').pathname;
    const file = files.get(path);
    const type = types[path.split('.').at(-1)!] ?? 'text/html';
    response.writeHead(file ? 200 : 404, { 'content-type': type });
    response.end(file?.());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
