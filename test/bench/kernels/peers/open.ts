// Opens the peers on the GPU object that we use ourselves.

import { pathToFileURL } from 'node:url';
import type * as Ort from 'onnxruntime-web';
import { loadDawn } from '../../../../kernels/device/dawn.ts';
import type { Contestant } from '../work.ts';
import type { PeerFiles } from './install.mjs';
import { installPeers } from './install.mjs';
import { openJax } from './jax.mjs';
import { openOrt } from './ort.ts';
import { openTfjs } from './tfjs.mjs';

/**
 * @param folder with the peers installed; else they are, into .loomos/peers
 * @param toggles of Dawn, as for our own device
 * @param complain told in a sentence about each peer that cannot take part
 */
export async function openPeers(
  folder: string | undefined,
  toggles: readonly string[],
  complain: (sentence: string) => void,
): Promise<Contestant[]> {
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: await loadDawn(toggles), configurable: true });
  Object.assign(globalThis, { window: globalThis }); // tfjs looks for WebGPU only where there is a window
  const files = await installPeers(folder).catch(tell(complain));
  return files ? openAll(files, complain) : [];
}

async function openAll(files: PeerFiles, complain: (sentence: string) => void): Promise<Contestant[]> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(file).href);
  const opening = [
    async () => openTfjs(((await load(files.tfjs)) as { default: unknown }).default),
    async () => openJax(await load(files.jax)),
    async () => openOrt((await load(files.ort)) as typeof Ort),
  ];
  const contestants: Contestant[] = [];
  for (const open of opening) {
    const contestant = await open().catch(tell(complain));
    if (contestant) contestants.push(contestant);
  }
  return contestants;
}

function tell(complain: (sentence: string) => void): (error: unknown) => null {
  return (error) => {
    complain(`A peer cannot take part: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  };
}
