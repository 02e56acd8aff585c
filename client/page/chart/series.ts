// What the loss chart draws, worked out from the job's loss points. Losses are nats per byte or token, positions are
// tokens accepted.

import type { LossUnit } from '../../../shared/manifest/model.ts';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import { formatCount, formatLoss } from '../format.ts';
import type { Baselines } from '../state.ts';

export interface Point {
  tokens: number;
  loss: number;
}

/** A count model's loss, drawn across the chart. */
export interface Mark {
  name: string;
  loss: number;
  isLabelBelow: boolean; // so that the label keeps clear of the curve's end
}

export interface Series {
  unit: LossUnit;
  tokens: readonly number[]; // positions, ascending: where the pointer snaps to
  training: readonly Point[];
  validation: readonly Point[];
  end: Point | null; // newest validation loss
  marks: readonly Mark[];
  xDomain: readonly [number, number];
  yDomain: readonly [number, number];
  trainingAt(index: number): number | null;
  validationAt(index: number): number | null;
}

/** What count models count, as a reader would say it. */
export function countedText(unit: LossUnit): string {
  return unit === 'byte' ? 'letters' : 'tokens';
}

/** A model that knows nothing guesses each of 256 bytes alike. */
const uniformLoss = Math.log(256);

/**
 * A point's validation loss is of the state at its round's start, so it lies at the tokens of the round before; its
 * training loss lies at its own tokens.
 */
export function lossSeries(losses: readonly LossPoint[], baselines: Baselines | null, unit: LossUnit = 'byte'): Series {
  const training: Point[] = [];
  const validation: Point[] = [];
  let before = 0;
  for (const { tokens, trainLoss, validationLoss } of losses) {
    if (trainLoss !== null) training.push({ tokens, loss: trainLoss });
    if (validationLoss !== null) validation.push({ tokens: before, loss: validationLoss });
    before = tokens;
  }
  const end = validation.at(-1) ?? null;
  const tokens = losses.map((point) => point.tokens);
  return {
    unit,
    tokens,
    training,
    validation,
    end,
    marks: marksOf(baselines, end, unit),
    xDomain: [0, Math.max(1, tokens.at(-1) ?? 1)],
    yDomain: yDomainOf([...training, ...validation], baselines),
    trainingAt: (index) => lastUpTo(training, tokens[index]),
    validationAt: (index) => lastUpTo(validation, tokens[index]),
  };
}

function marksOf(baselines: Baselines | null, end: Point | null, unit: LossUnit): Mark[] {
  if (baselines === null) return [];
  const isLabelBelow = (loss: number) => end !== null && end.loss >= loss;
  return [
    {
      name: `counting ${countedText(unit)}`,
      loss: baselines.unigramLoss,
      isLabelBelow: isLabelBelow(baselines.unigramLoss),
    },
    { name: 'counting pairs', loss: baselines.bigramLoss, isLabelBelow: isLabelBelow(baselines.bigramLoss) },
  ];
}

/** From a little below the lowest value, so that labels have room, to the highest. */
function yDomainOf(points: readonly Point[], baselines: Baselines | null): [number, number] {
  const values = points.map((point) => point.loss);
  if (baselines !== null) values.push(baselines.bigramLoss, baselines.unigramLoss);
  if (points.length === 0) values.push(uniformLoss);
  const high = Math.max(...values);
  const low = points.length === 0 && baselines === null ? 0 : Math.min(...values);
  const room = Math.max(0.1, (high - low) * 0.1);
  return [Math.max(0, low - room), high + room / 2];
}

function lastUpTo(points: readonly Point[], tokens: number | undefined): number | null {
  if (tokens === undefined) return null;
  return points.findLast((point) => point.tokens <= tokens)?.loss ?? null;
}

/** The curve in words, for those who do not see it. */
export function summary(series: Series): string {
  const first = series.validation[0] ?? series.training[0];
  const last = series.validation.at(-1) ?? series.training.at(-1);
  if (first === undefined || last === undefined) return 'Loss curve: no round is closed yet.';
  const marks = series.marks.map((mark) => `${mark.name} ${formatLoss(mark.loss)}`).join(', ');
  const change = `Loss went from ${formatLoss(first.loss)} to ${formatLoss(last.loss)} nats per ${series.unit} over ${formatCount(last.tokens)} tokens.`;
  return marks === '' ? change : `${change} For comparison: ${marks}.`;
}
