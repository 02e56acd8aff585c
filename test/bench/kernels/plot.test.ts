import { expect, test } from 'vitest';
import { newCounters } from '../../../kernels/device/device.ts';
import { plotReport } from './plot.ts';

test('bars are shares of the fastest of their row, and names are escaped', () => {
  const rows = [
    { name: 'a < b', unit: 'GB/s', ours: 10, peers: { tfjs: 5 }, n: 3, spread: { ours: 0.1, tfjs: 0.2 } },
    { name: 'ours alone', unit: 'tokens/s', ours: 7, peers: {}, n: 3, spread: {} },
  ];
  const report = { device: 'X', driver: 'Y', date: '2026-11-22T00:00:00Z', toggles: [], rows, counters: newCounters() };
  const svg = plotReport(report);
  const widths = [...svg.matchAll(/<rect x="250" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toEqual([360, 180, 360]);
  expect(svg).toContain('a &lt; b');
  expect(svg).not.toContain('NaN');
});
