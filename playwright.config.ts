// Tests in real Chromium: the one that @sparticuz/chromium brings along, so that npm is all a machine needs. It renders
// and computes on SwiftShader where there is no GPU.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from '@playwright/test';
import { chromium } from './scripts/setup/unpack.mjs';

const root = import.meta.dirname;
const browser = chromium(root);
const temporary = join(root, '.loomos', 'tmp');
mkdirSync(temporary, { recursive: true });

export default defineConfig({
  testDir: 'test/e2e',
  outputDir: 'test-results/chromium',
  timeout: 600_000, // long enough for a machine five times slower than ours
  expect: { timeout: 120_000 },
  workers: 1,
  reporter: [['list']],
  use: {
    launchOptions: {
      ...(browser !== null && { executablePath: browser.executablePath }),
      env: { ...process.env, TMPDIR: temporary, ...browser?.env },
      args: [
        '--headless=new',
        '--no-sandbox',
        '--enable-unsafe-webgpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
