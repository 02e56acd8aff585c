// The benchmark in a page: the same rows and the same contestants as in Node, on the browser's own WebGPU. run.ts builds it, serves
// it beside the peers, and hears of each row through `loomosReport`.

import type * as Ort from 'onnxruntime-web';
import { openBrowserGpu } from '../../../../kernels/device/browser.ts';
import { benchmark } from '../contest.ts';
import { openJax } from '../peers/jax.mjs';
import { openOrt } from '../peers/ort.ts';
import { openTfjs } from '../peers/tfjs.mjs';
import type { Report } from '../report.ts';
import type { Contestant } from '../work.ts';

declare global {
  /** What run.ts listens with. */
  var loomosReport: (report: Report) => Promise<void>;
  var loomosSay: (line: string) => Promise<void>;
  /** What run.ts calls. */
  var loomosBench: (isQuick: boolean, isAlone: boolean) => Promise<void>;
}

globalThis.loomosBench = async (isQuick, isAlone) => {
  const opened = await openBrowserGpu();
  if ('reason' in opened) throw new Error(opened.reason);
  const { device } = opened;
  const driver = `${await architecture()}, ${navigator.userAgent.match(/\S*Chrome\/\S+/)?.[0] ?? navigator.userAgent}`;
  await globalThis.loomosSay(`${device.info.adapter}; ${driver}; in a page`);
  const peers = isAlone ? [] : await openPeers();
  for await (const report of benchmark({ device, driver, toggles: ['page'] }, peers, isQuick))
    await globalThis.loomosReport(report);
};

async function architecture(): Promise<string> {
  const { vendor, architecture: name, description } = (await navigator.gpu.requestAdapter())!.info;
  return [vendor, name, description].filter((part) => part !== '').join(' ');
}

async function openPeers(): Promise<Contestant[]> {
  const load = (path: string): Promise<unknown> => import(/* @vite-ignore */ path);
  const opening: (() => Promise<Contestant>)[] = [
    async () => openTfjs(await load('/tfjs.js')),
    async () => openJax(await load('/jax.js')),
    async () => openOrt((await load('/ort/ort.webgpu.bundle.min.mjs')) as typeof Ort),
  ];
  const contestants: Contestant[] = [];
  for (const open of opening) {
    try {
      contestants.push(await open());
    } catch (error) {
      await globalThis.loomosSay(`A peer cannot take part: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return contestants;
}
