// loss.svg: the loss curve of a finished job as one self-contained file that reads well in light and dark.

import type { LossUnit } from '../../../shared/manifest/model.ts';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import { lossSeries } from '../../page/chart/series.ts';
import type { Mark, Point } from '../../page/chart/series.ts';
import { linePath, place, ticks } from '../../page/chart/scale.ts';
import type { Scale } from '../../page/chart/scale.ts';

export interface ChartInput {
  title: string;
  losses: readonly LossPoint[];
  unigramLoss: number | null;
  bigramLoss: number | null;
  lossUnit: LossUnit;
  /** Loss of the finished model on the whole validation part; drawn at the last token. */
  valLossEnd: number | null;
}

const width = 800;
const height = 440;
const frame = { left: 60, right: 776, top: 56, bottom: 388 };

const style = `
  svg { font: 13px system-ui, sans-serif; background: #fff; }
  text { fill: #57606a; } .title { font-size: 16px; font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d8dee4; } .mark { stroke: #8c959f; stroke-dasharray: 5 4; }
  path { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .training { stroke: #8c959f; stroke-width: 1.5; } .validation { stroke: #0969da; } circle, .key-validation { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #30363d; }
    .validation { stroke: #4493f8; } circle, .key-validation { fill: #4493f8; }
  }`;

/** The chart as SVG text: training and validation loss over accepted tokens, with both count models as reference lines. */
export function lossSvg(input: ChartInput): string {
  const { unigramLoss, bigramLoss, valLossEnd } = input;
  const baselines = unigramLoss === null || bigramLoss === null ? null : { unigramLoss, bigramLoss };
  const last = input.losses.at(-1);
  const finished = last === undefined ? [] : [{ ...last, trainLoss: null, validationLoss: valLossEnd }];
  const series = lossSeries([...input.losses, ...finished], baselines, input.lossUnit);
  const x: Scale = { domain: series.xDomain, range: [frame.left, frame.right] };
  const y: Scale = { domain: series.yDomain, range: [frame.bottom, frame.top] };
  const path = (points: readonly Point[]): string =>
    linePath(points.map((p) => [place(x, p.tokens), place(y, p.loss)] as const));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(input.title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="${frame.left}" y="28">${escape(input.title)}</text>`,
    ...legend(input.lossUnit),
    ...ticks(...series.yDomain, 6).map((value) => gridLine(place(y, value), String(value))),
    ...ticks(...series.xDomain, 6).map((value) =>
      text(place(x, value), frame.bottom + 20, tokensLabel(value), 'middle'),
    ),
    text(frame.right, frame.bottom + 40, 'tokens accepted', 'end'),
    ...series.marks.map((mark) => markLine(mark, place(y, mark.loss))),
    `<path class="training" d="${path(series.training)}"/>`,
    `<path class="validation" d="${path(series.validation)}"/>`,
    ...endPoint(series.end, x, y),
    '</svg>\n',
  ].join('\n');
}

function legend(unit: LossUnit): string[] {
  return [
    text(frame.right - 250, 28, `nats per ${unit}:`, 'end'),
    `<path class="validation" d="M${frame.right - 240} 24h20"/>`,
    text(frame.right - 214, 28, 'validation', 'start'),
    `<path class="training" d="M${frame.right - 130} 24h20"/>`,
    text(frame.right - 104, 28, 'training', 'start'),
  ];
}

function gridLine(y: number, label: string): string {
  return `${line('grid', y)}${text(frame.left - 8, y + 4, label, 'end')}`;
}

function markLine(mark: Mark, y: number): string {
  const label = `${mark.name} ${mark.loss.toFixed(2)}`;
  return `${line('mark', y)}${text(frame.right, mark.isLabelBelow ? y + 16 : y - 6, label, 'end')}`;
}

function endPoint(end: Point | null, x: Scale, y: Scale): string[] {
  if (end === null) return [];
  const [cx, cy] = [place(x, end.tokens), place(y, end.loss)];
  return [`<circle cx="${round(cx)}" cy="${round(cy)}" r="4"/>`, text(cx, cy + 20, end.loss.toFixed(3), 'end')];
}

function line(kind: 'grid' | 'mark', y: number): string {
  return `<line class="${kind}" x1="${frame.left}" x2="${frame.right}" y1="${round(y)}" y2="${round(y)}"/>`;
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

const round = (value: number): string => value.toFixed(1);
const tokensLabel = (tokens: number): string => tokens.toLocaleString('en', { notation: 'compact' });
const escape = (value: string): string => value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
