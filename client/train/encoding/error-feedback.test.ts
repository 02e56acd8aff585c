import { expect, test } from 'vitest';
import { ErrorFeedback } from './error-feedback.ts';

const vector = (...values: number[]): Float32Array => Float32Array.from(values);
const ours = Uint8Array.of(1, 2, 3);
const theirs = Uint8Array.of(1, 2, 4);

test('what an accepted payload did not say is added, decayed, to the next difference', () => {
  const feedback = new ErrorFeedback(0.5);
  expect(feedback.correct(vector(4, 2))).toEqual(vector(4, 2));
  feedback.sent(ours, vector(4, 2), vector(3, 0));
  feedback.settle([theirs, ours.slice()]);
  expect(feedback.correct(vector(10, 10))).toEqual(vector(10.5, 11));
});

test('what was not accepted returns whole, with the residual it contained', () => {
  const feedback = new ErrorFeedback(1);
  feedback.sent(ours, vector(4, 2), vector(4, 0));
  feedback.settle([ours]); // residual 0, 2
  const wanted = feedback.correct(vector(1, 1));
  feedback.sent(ours, wanted, vector(0, 3));
  feedback.settle([theirs]);
  expect(feedback.correct(vector(0, 0))).toEqual(vector(1, 3));
});

test('a round trained twice counts once, a round without a contribution changes nothing, a new state begins afresh', () => {
  const feedback = new ErrorFeedback(1);
  feedback.sent(theirs, vector(9), vector(0));
  feedback.sent(ours, vector(4), vector(1));
  feedback.settle([ours]);
  feedback.settle([theirs]);
  expect(feedback.correct(vector(0))).toEqual(vector(3));
  feedback.clear();
  expect(feedback.correct(vector(0))).toEqual(vector(0));
});

test('of several on their way each settles by itself, late or not at all', () => {
  const feedback = new ErrorFeedback(1, 1);
  feedback.sent(theirs, vector(5), vector(1), 0);
  feedback.settle([theirs], 0); // residual 4
  feedback.sent(ours, feedback.correct(vector(10)), vector(12), 1); // 14 wanted, 2 of it not said
  expect(feedback.correct(vector(0))).toEqual(vector(0)); // the 4 are on their way
  feedback.sent(Uint8Array.of(9), vector(7), vector(6), 1);
  feedback.settle([Uint8Array.of(9)], 1); // the later one is taken first
  expect(feedback.correct(vector(0))).toEqual(vector(1));
  feedback.settle([ours], 2); // the earlier one a round late
  expect(feedback.correct(vector(0))).toEqual(vector(3));
});

test('what was not accepted in time returns whole when that time is over', () => {
  const feedback = new ErrorFeedback(1, 2);
  feedback.sent(ours, vector(4), vector(3), 0);
  for (const round of [0, 1]) {
    feedback.settle([theirs], round);
    expect(feedback.correct(vector(0))).toEqual(vector(0));
  }
  feedback.settle([theirs], 2);
  expect(feedback.correct(vector(0))).toEqual(vector(4));
});

test('decay 0 keeps nothing', () => {
  const feedback = new ErrorFeedback(0);
  feedback.sent(ours, vector(4), vector(1));
  feedback.settle([ours]);
  expect(feedback.correct(vector(7))).toEqual(vector(7));
});
