import { expect, test } from 'vitest';
import { adapterName } from './adapter.ts';

const info = (vendor: string, architecture: string, description = '') =>
  ({ vendor, architecture, description, isFallbackAdapter: false }) as GPUAdapterInfo;

test('a driver that names its GPU is believed', () => {
  expect(adapterName(info('nvidia', 'hopper', 'NVIDIA H100'))).toBe('NVIDIA H100');
  expect(adapterName(info('mesa', 'llvmpipe', 'llvmpipe (LLVM 15)'))).toBe('llvmpipe (LLVM 15) (software)');
});

test('a browser tells vendor and architecture, in its own spelling', () => {
  expect(adapterName(info('nvidia', 'ampere'))).toBe('NVIDIA Ampere');
  expect(adapterName(info('apple', 'metal-3'))).toBe('Apple Metal-3');
  expect(adapterName(info('amd', 'rdna-3'))).toBe('AMD RDNA-3');
  expect(adapterName(info('google', 'swiftshader'))).toBe('Google SwiftShader (software)');
  expect(adapterName(info('', ''))).toBe('unnamed GPU');
});
