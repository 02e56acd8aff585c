import { expect, test } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { answer, valueOf } from './answer.ts';

test('a LoomError survives the way through RPC, anything else stays an exception', async () => {
  const error = new LoomError('conflict', 'no', { where: 'here', allowed: 'that' });
  const wire = JSON.parse(JSON.stringify(await answer(() => Promise.reject(error)))) as Awaited<
    ReturnType<typeof answer>
  >;
  await expect(valueOf(Promise.resolve(wire))).rejects.toEqual(error);
  expect(await valueOf(answer(() => 5))).toBe(5);
  await expect(answer(() => Promise.reject(new TypeError('defect')))).rejects.toThrow('defect');
});
