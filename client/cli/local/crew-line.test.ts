import { expect, test } from 'vitest';
import { crewLine } from './crew-line.ts';

const idle = { phase: 'idle', reason: 'No job is running.', round: 0, loss: null, tokensPerSecond: 0 } as const;
const training = { phase: 'training', reason: '', round: 7, loss: 2.5, tokensPerSecond: 1000 } as const;
const exchanging = { ...training, phase: 'exchanging', round: 8, loss: null } as const;

test('workers that do the same are told together', () => {
  expect(crewLine([idle])).toBe('1 worker idle: No job is running.');
  expect(crewLine([idle, idle])).toBe('2 workers idle: No job is running.');
  expect(crewLine([exchanging, training])).toBe('2 workers training: round 8, loss 2.500, 2,000 tokens/s');
  expect(crewLine([training, idle, { ...idle, phase: 'paused', reason: '' }])).toBe(
    '1 worker training: round 7, loss 2.500, 1,000 tokens/s  1 worker idle: No job is running.  1 worker paused',
  );
});
