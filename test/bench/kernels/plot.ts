// A benchmark's report as bars: for each row one a contestant, as a share of the row's fastest, so that rows of any unit stand
// side by side. SVG text; no measuring here.

import type { Report, ReportRow } from './report.ts';
import { spell } from './report.ts';

const colors: Readonly<Record<string, string>> = {
  ours: '#2a7f62',
  tfjs: '#d9822b',
  jax: '#5b6abf',
  ort: '#b04a7a',
  torch: '#7a7a7a',
};
const width = 760;
const nameWidth = 250;
const barWidth = 360;
const barHeight = 14;
const rowGap = 12;
const top = 56;

/** The whole picture, one file. */
export function plotReport(report: Report): string {
  let y = top;
  const rows = report.rows.map((row) => {
    const drawn = plotRow(row, y);
    y += drawn.height + rowGap;
    return drawn.text;
  });
  const head = [
    text(16, 22, `LoomOS beside its peers on ${report.device}`, 'font-size="15" font-weight="600"'),
    text(16, 40, `${report.driver}, ${report.date.slice(0, 10)}; longer is faster`, 'fill="#666"'),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 8}" viewBox="0 0 ${width} ${y + 8}"`,
    ' font-family="system-ui, sans-serif" font-size="11" fill="#222">',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...head,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

function plotRow({ name, unit, ours, peers, spread }: ReportRow, y: number): { text: string; height: number } {
  const bars = Object.entries({ ...(ours > 0 && { ours }), ...peers });
  const fastest = Math.max(...bars.map(([, value]) => value));
  const lines = bars.map(([who, value], i) => {
    const at = y + i * barHeight;
    const length = Math.max(1, (value / fastest) * barWidth);
    const half = ((spread[who] ?? 0) / 2) * length;
    const middle = at + barHeight / 2 - 1;
    const [from, to] = [Math.max(0, length - half), Math.min(barWidth + 20, length + half)].map((x) => nameWidth + x);
    return [
      `<rect x="${nameWidth}" y="${at}" width="${length.toFixed(1)}" height="${barHeight - 3}" fill="${colors[who] ?? '#999'}"/>`,
      `<path d="M${from!.toFixed(1)} ${middle}H${to!.toFixed(1)}" stroke="#222" stroke-opacity="0.5"/>`,
      text(to! + 6, at + barHeight - 4, `${who} ${spell(value)}`),
    ].join('\n');
  });
  const label = [text(16, y + 10, name), text(16, y + 23, unit, 'fill="#666"')];
  return { text: [...label, ...lines].join('\n'), height: Math.max(26, bars.length * barHeight) };
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped}</text>`;
}
