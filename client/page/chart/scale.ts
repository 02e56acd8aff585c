// The arithmetic of a line chart: domains to pixels, round tick values, paths. No drawing here.

export interface Scale {
  domain: readonly [number, number];
  range: readonly [number, number]; // pixels; may run downwards
}

/** Where a value of the domain lies, in pixels. A domain without extent maps to the start of the range. */
export function place(scale: Scale, value: number): number {
  const [from, to] = scale.domain;
  const [start, end] = scale.range;
  return to === from ? start : start + ((value - from) / (to - from)) * (end - start);
}

/** About `count` round values (1, 2 or 5 times a power of ten apart) inside [from, to]. */
export function ticks(from: number, to: number, count: number): number[] {
  if (!(to > from) || count < 1) return [from];
  const step = roundStep((to - from) / count);
  const values: number[] = [];
  for (let index = Math.ceil(from / step - 1e-9); index * step <= to + step * 1e-9; index++)
    values.push(Number((index * step).toPrecision(12)));
  return values;
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const fraction = rough / power;
  return (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10) * power;
}

/** An SVG path through points given in pixels, to a tenth of a pixel. */
export function linePath(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

/** An SVG path that has no length at each point: drawn as dots by a stroke with round caps. */
export function dots(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join('');
}

/** The index of the value nearest to `target`; values ascend. -1 when there are none. */
export function nearest(values: readonly number[], target: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Math.abs(values[middle + 1]! - target) <= Math.abs(values[middle]! - target)) low = middle + 1;
    else high = middle;
  }
  return high;
}
