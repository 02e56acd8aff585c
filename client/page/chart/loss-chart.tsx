// The loss curve: validation and training loss over the tokens trained so far, with the losses of counting letters and
// pairs of letters as marks. Laid out in real pixels, so that text is never scaled.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { LossUnit } from '../../../shared/manifest/model.ts';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import { formatCount, formatLoss } from '../format.ts';
import type { Baselines } from '../state.ts';
import { dots, linePath, nearest, place, ticks, type Scale } from './scale.ts';
import { lossSeries, summary, type Mark, type Point, type Series } from './series.ts';

const margin = { top: 12, right: 8, bottom: 36, left: 34 };
const mostDots = 40; // measurements that are marked one by one

interface Frame {
  width: number;
  height: number;
  x: Scale;
  y: Scale;
}

interface LossChartProps {
  losses: readonly LossPoint[];
  baselines: Baselines | null;
  unit: LossUnit;
}

export function LossChart({ losses, baselines, unit }: LossChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null); // x in pixels
  useLayoutEffect(() => watchWidth(box.current!, setWidth), []);

  const series = lossSeries(losses, baselines, unit);
  const frame = width > 0 ? frameOf(series, width, width < 480 ? 220 : 300) : null;
  const at =
    frame !== null && pointed !== null ? nearest(series.tokens, valueAt(frame.x, pointed)) : series.tokens.length - 1;
  return (
    <figure class="chart">
      <h3>
        Loss <span class="unit">in nats per {unit}, lower is better</span>
      </h3>
      <Legend series={series} at={at} isPointed={pointed !== null} />
      <div
        class="chart-box"
        ref={box}
        onPointerMove={(event) => setPointed(event.offsetX)}
        onPointerLeave={() => setPointed(null)}
      >
        {frame !== null && <Drawing series={series} frame={frame} at={pointed === null ? -1 : at} />}
      </div>
      <figcaption class="hidden">{summary(series)}</figcaption>
    </figure>
  );
}

function watchWidth(element: Element, setWidth: (width: number) => void): () => void {
  const observer = new ResizeObserver(() => setWidth(element.clientWidth));
  observer.observe(element);
  setWidth(element.clientWidth);
  return () => observer.disconnect();
}

function frameOf(series: Series, width: number, height: number): Frame {
  return {
    width,
    height,
    x: { domain: series.xDomain, range: [margin.left, width - margin.right] },
    y: { domain: series.yDomain, range: [height - margin.bottom, margin.top] },
  };
}

function valueAt(scale: Scale, pixels: number): number {
  return place({ domain: scale.range, range: scale.domain }, pixels);
}

function Legend({ series, at, isPointed }: { series: Series; at: number; isPointed: boolean }) {
  const tokens = series.tokens[at];
  return (
    <dl class="legend">
      <div class="legend-validation">
        <dt>Validation</dt>
        <dd>{formatLoss(series.validationAt(at))}</dd>
      </div>
      <div class="legend-training">
        <dt>Training</dt>
        <dd>{formatLoss(series.trainingAt(at))}</dd>
      </div>
      <div class="legend-at">
        <dt>{isPointed ? 'at' : 'after'}</dt>
        <dd>{tokens === undefined ? '–' : `${formatCount(tokens)} tokens`}</dd>
      </div>
    </dl>
  );
}

function Drawing({ series, frame, at }: { series: Series; frame: Frame; at: number }) {
  const { width, height, x, y } = frame;
  const toPixels = ({ tokens, loss }: Point) => [place(x, tokens), place(y, loss)] as const;
  return (
    <svg width={width} height={height} aria-hidden="true">
      <Axes frame={frame} isEmpty={series.tokens.length === 0} />
      {series.marks.map((mark) => (
        <Baseline key={mark.name} mark={mark} frame={frame} />
      ))}
      <path class="line training" d={linePath(series.training.map(toPixels))} />
      <path class="line validation" d={linePath(series.validation.map(toPixels))} />
      {series.validation.length <= mostDots && <path class="dots" d={dots(series.validation.map(toPixels))} />}
      {series.end !== null && <path class="end" d={dots([toPixels(series.end)])} />}
      {at >= 0 && (
        <line
          class="pointer"
          x1={place(x, series.tokens[at]!)}
          x2={place(x, series.tokens[at]!)}
          y1={y.range[1]}
          y2={y.range[0]}
        />
      )}
    </svg>
  );
}

function Axes({ frame, isEmpty }: { frame: Frame; isEmpty: boolean }) {
  const { width, height, x, y } = frame;
  const tokenTicks = isEmpty ? [] : ticks(x.domain[0], x.domain[1], width < 480 ? 4 : 5);
  return (
    <g class="axes">
      {ticks(y.domain[0], y.domain[1], 5).map((value) => (
        <g key={value}>
          <line x1={margin.left} x2={width - margin.right} y1={place(y, value)} y2={place(y, value)} />
          <text x={margin.left - 8} y={place(y, value)} dy="0.32em" text-anchor="end">
            {value}
          </text>
        </g>
      ))}
      {tokenTicks.map((value) => (
        <text
          key={value}
          x={place(x, value)}
          y={height - margin.bottom + 16}
          text-anchor={value === 0 ? 'start' : 'middle'}
        >
          {shortTokens(value)}
        </text>
      ))}
      <text x={width - margin.right} y={height - 2} text-anchor="end">
        {isEmpty ? 'The curve begins when the first round closes.' : 'tokens trained'}
      </text>
    </g>
  );
}

function Baseline({ mark, frame }: { mark: Mark; frame: Frame }) {
  const { width, y } = frame;
  const at = place(y, mark.loss);
  return (
    <g class="baseline">
      <line x1={margin.left} x2={width - margin.right} y1={at} y2={at} />
      <text x={width - margin.right} y={mark.isLabelBelow ? at + 14 : at - 6} text-anchor="end">
        {mark.name} {mark.loss.toFixed(2)}
      </text>
    </g>
  );
}

/** 200000 -> '200k', 1500000 -> '1.5M'. */
function shortTokens(tokens: number): string {
  if (tokens >= 1e9) return `${tokens / 1e9}B`;
  if (tokens >= 1e6) return `${tokens / 1e6}M`;
  return tokens >= 1e3 ? `${tokens / 1e3}k` : String(tokens);
}
