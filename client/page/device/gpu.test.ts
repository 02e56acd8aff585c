import { expect, test } from 'vitest';
import { findGpu } from './gpu.ts';

const gpuWith = (adapter: unknown) => ({ requestAdapter: async () => adapter }) as unknown as GPU;

test('a browser without WebGPU hears which one has it', async () => {
  const gpu = await findGpu({ navigator: {}, isSecureContext: true });
  expect(gpu.state).toBe('missing');
  expect(gpu.why).toMatch(/no WebGPU.*CPU, slowly.*Chrome/);
});

test('a page over plain http is told that https is what is missing', async () => {
  expect((await findGpu({ navigator: {}, isSecureContext: false })).why).toMatch(/https/);
});

test('WebGPU without an adapter is a third reason', async () => {
  expect((await findGpu({ navigator: { gpu: gpuWith(null) }, isSecureContext: true })).why).toMatch(/no usable GPU/);
});

test('an adapter that fails to open counts as none', async () => {
  const gpu = { requestAdapter: () => Promise.reject(new Error('driver')) } as unknown as GPU;
  expect((await findGpu({ navigator: { gpu }, isSecureContext: true })).state).toBe('missing');
});

test('a GPU is called by its name', async () => {
  const info = { description: '', vendor: 'apple', architecture: 'metal-3', isFallbackAdapter: false };
  expect(await findGpu({ navigator: { gpu: gpuWith({ info }) }, isSecureContext: true })).toEqual({
    state: 'ready',
    adapter: 'Apple Metal-3',
    why: '',
  });
});
