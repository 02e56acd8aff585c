import { expect, test } from 'vitest';
import { LoomError } from '../../../shared/errors.ts';
import { toHex, utf8 } from '../../../shared/bytes.ts';
import { createRandom } from '../../../shared/random.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const file = {
  tensors: [
    { name: 'wte', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, -0, 1e-40) },
    { name: 'bias', shape: [1], data: Float32Array.of(7) },
  ],
  metadata: { format: 'pt', round: '12' },
};

test('what is written is read back to the bit', () => {
  const read = readSafetensors(writeSafetensors(file));
  expect(read).toEqual(file);
  expect(Object.is(read.tensors[0]!.data[4], -0)).toBe(true);
});

test('the layout is that of the specification', () => {
  const bytes = writeSafetensors(file);
  const length = bytes[0]! + 256 * bytes[1]!;
  expect(length % 8).toBe(0);
  expect(new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd()).toBe(
    '{"__metadata__":{"format":"pt","round":"12"},"wte":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[24,28]}}',
  );
  expect(toHex(bytes.subarray(8 + length, 8 + length + 8))).toBe('0000803f000000c0');
  expect(bytes.length).toBe(8 + length + 28);
});

test.each([
  ['an empty file', '', /0 bytes/],
  ['no JSON', '{"a":', /not JSON/],
  ['an array', '[]', /header/],
  ['another dtype', '{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}', /a\.dtype: dtypes are F64, F32/],
  ['a dtype that no parameters have', '{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', /a is I64/],
  ['a negative size', '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', /a\.shape/],
  ['a gap', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', /begins at 4/],
  ['a wrong end', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', /ends at 8/],
  ['data missing', '{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}', /beyond the end/],
  ['data left over', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', /4 bytes belong to no tensor/],
  ['metadata that is not text', '{"__metadata__":{"round":1}}', /__metadata__/],
])('%s is refused', (_, header, message) => {
  const json = utf8(header);
  const bytes =
    header === '' ? new Uint8Array(0) : Uint8Array.of(json.length, 0, 0, 0, 0, 0, 0, 0, ...json, ...new Uint8Array(8));
  expect(() => readSafetensors(bytes)).toThrow(message);
  expect(() => readSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'invalid_frame' }));
});

test('fuzz: a changed or cut file is read or refused, never anything else', () => {
  const random = createRandom(11);
  const good = writeSafetensors(file);
  const outcomes = new Set<unknown>();
  for (let i = 0; i < 3000; i++) {
    const bytes = good.slice(0, random.below(4) === 0 ? random.below(good.length) : good.length);
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    try {
      readSafetensors(bytes);
      outcomes.add('read');
    } catch (error) {
      outcomes.add(error instanceof LoomError ? error.code : error);
    }
  }
  expect([...outcomes].sort()).toEqual(['invalid_frame', 'read']);
});
