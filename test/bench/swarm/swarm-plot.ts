// The frontier as one self-contained SVG: percent above dense AdamW over how many times fewer bytes, a line through the best
// settings of each part and optimizer, bars for the spread over seeds, dashes for the controls with the same optimizer.

import { ticks } from '../../../client/page/chart/scale.ts';
import { alone, aloneMuon, dense, denseMuon } from './swarm-record.ts';
import type { SwarmRow } from './swarm-record.ts';

const width = 800;
const height = 440;
const frame = { left: 60, right: 776, top: 56, bottom: 388 };
const reductions = [10, 30, 100, 300, 1000, 3000, 10_000];
const domain = { least: Math.log(10), most: Math.log(12_000) };
const colours = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#cf222e'];
/** Where a curve's controls are named, so that those of different curves seldom meet. */
const placesOfLabels = [
  [frame.left + 4, 'start'],
  [frame.right - 4, 'end'],
  [(frame.left + frame.right) / 2, 'middle'],
  [frame.right - 4, 'end'],
] as const;
const style = `svg { font: 13px system-ui, sans-serif; background: #fff; } text { fill: #57606a; }
  .title { font-size: 16px; font-weight: 600; fill: #1f2328; } .grid { stroke: #d8dee4; } path { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) { svg { background: #0d1117; } text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #30363d; } }`;

interface Point {
  readonly reduction: number;
  readonly gap: number; // percent
  readonly spread: number;
}

/** One line of the plot. */
interface Curve {
  readonly label: string;
  readonly points: readonly Point[];
  readonly controls: readonly { readonly label: string; readonly gap: number }[];
}

/** @param rows as `rowsOf` makes them */
export function swarmSvg(rows: readonly SwarmRow[]): string {
  const curves = curvesOf(rows);
  const gaps = curves.flatMap(({ points, controls }) => [...points, ...controls].map(({ gap }) => gap));
  const [least, most] = [1.1 * Math.min(0, ...gaps), 1.1 * Math.max(10, ...gaps)];
  const y = (gap: number): number => frame.bottom - ((gap - least) / (most - least)) * (frame.bottom - frame.top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Loss over bytes">`,
    `<style>${style}</style>`,
    `<text class="title" x="${frame.left}" y="28">Loss above all-reduce in every step with AdamW, same tokens, in percent</text>`,
    ...ticks(least, most, 6).map((gap) => horizontal(y(gap), 'class="grid"') + text(36, y(gap) + 4, String(gap))),
    ...reductions.map((value) => text(x(value), frame.bottom + 20, `${value}×`)),
    `<text x="${frame.right}" y="${frame.bottom + 40}" text-anchor="end">fewer bytes than float32 all-reduce in every step</text>`,
    ...curves.flatMap((curve, index) => drawn(curve, index, y)),
    '</svg>\n',
  ].join('\n');
}

function curvesOf(rows: readonly SwarmRow[]): Curve[] {
  const gaps = rows.filter(({ unit }) => unit === '% above dense');
  const parts = [...new Set(gaps.map(({ name }) => partOf(name)))];
  const curves = parts.flatMap((part) => {
    const own = gaps.filter(({ name }) => partOf(name) === part);
    return [true, false].map((isMuon) => {
      const alike = own.filter(({ name }) => name.includes('Muon') === isMuon);
      const controls = controlsOf(alike, part, isMuon);
      return { label: `${part}, ${isMuon ? 'Muon' : 'AdamW'}`, points: pointsOf(alike, rows), controls };
    });
  });
  return curves.filter(({ points }) => points.length > 0);
}

function pointsOf(gaps: readonly SwarmRow[], rows: readonly SwarmRow[]): Point[] {
  const points = gaps.flatMap(({ name, value, spread }) => {
    const bytes = rows.find((row) => row.name === name && row.unit === 'times fewer bytes');
    return bytes === undefined ? [] : [{ reduction: bytes.value, gap: value, spread: spread ?? 0 }];
  });
  return points.toSorted((a, b) => a.reduction - b.reduction);
}

function controlsOf(gaps: readonly SwarmRow[], part: string, isMuon: boolean): Curve['controls'] {
  const labels = [
    ['one worker alone', isMuon ? aloneMuon : alone],
    ['all-reduce', isMuon ? denseMuon : dense],
  ] as const;
  return labels.flatMap(([label, setting]) => {
    const found = gaps.find(({ name }) => name === `${part}: ${setting}`);
    return found === undefined ? [] : [{ label: `${part}, ${label}`, gap: found.value }];
  });
}

function drawn({ label, points, controls }: Curve, index: number, y: (gap: number) => number): string[] {
  const colour = colours[index % colours.length]!;
  const path = points
    .filter((point) => isBest(point, points))
    .map(({ reduction, gap }) => `${x(reduction).toFixed(1)} ${y(gap).toFixed(1)}`)
    .join('L');
  const [at, anchor] = placesOfLabels[index % placesOfLabels.length]!;
  return [
    `<path stroke="${colour}" d="M${path}"/>`,
    ...points.map((point) => mark(point, colour, y)),
    `<text x="${frame.left + 172 * index}" y="${frame.top - 8}" style="fill:${colour}">${label}</text>`,
    ...controls.flatMap((control) => [
      horizontal(y(control.gap), `stroke="${colour}" stroke-dasharray="5 4"`),
      `<text x="${at}" y="${(y(control.gap) - 4).toFixed(1)}" style="fill:${colour}" text-anchor="${anchor}">${control.label}</text>`,
    ]),
  ];
}

/** No other setting has as few bytes and as small a gap. */
function isBest(point: Point, points: readonly Point[]): boolean {
  return !points.some((other) => other !== point && other.reduction >= point.reduction && other.gap <= point.gap);
}

function mark({ reduction, gap, spread }: Point, colour: string, y: (gap: number) => number): string {
  const at = x(reduction).toFixed(1);
  const bar = `M${at} ${y(gap - spread).toFixed(1)}V${y(gap + spread).toFixed(1)}`;
  return `<circle cx="${at}" cy="${y(gap).toFixed(1)}" r="4" fill="${colour}"/><path stroke="${colour}" d="${bar}"/>`;
}

function x(reduction: number): number {
  const share = (Math.log(reduction) - domain.least) / (domain.most - domain.least);
  return frame.left + share * (frame.right - frame.left);
}

function horizontal(y: number, attributes: string): string {
  return `<line ${attributes} x1="${frame.left}" x2="${frame.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>`;
}

function text(at: number, y: number, content: string): string {
  return `<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="middle">${content}</text>`;
}

function partOf(name: string): string {
  return name.slice(0, name.indexOf(':'));
}
