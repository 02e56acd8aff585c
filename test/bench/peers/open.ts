// Opens the peers on the GPU object that we use ourselves.

import { loadDawn } from '../../../kernels/device/dawn.ts';
import type { Contestant } from '../work.ts';

interface PeerModules {
  openTfjs(main: string): Promise<Contestant>;
  openJax(main: string): Promise<Contestant>;
  installPeers(folder?: string): Promise<{ tfjs: string; jax: string }>;
}

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
  const load = async (file: string) => (await import(new URL(file, import.meta.url).href)) as PeerModules;
  const contestants: Contestant[] = [];
  try {
    const { tfjs, jax } = await (await load('install.mjs')).installPeers(folder);
    contestants.push(await (await load('tfjs.mjs')).openTfjs(tfjs));
    contestants.push(await (await load('jax.mjs')).openJax(jax));
  } catch (error) {
    complain(`A peer cannot take part: ${error instanceof Error ? error.message : String(error)}`);
  }
  return contestants;
}
