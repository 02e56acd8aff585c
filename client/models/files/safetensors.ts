// The safetensors file format (huggingface/safetensors, format.md): u64 header length, JSON header, raw little-endian data.
// Models are written in float32, and read from float32, float16 or bfloat16. A file is parsed whole, and refused whole when
// anything in it is out of place.

import { z } from 'zod';
import { LoomError } from '../../../shared/errors.ts';
import { concat, utf8 } from '../../../shared/bytes.ts';
import type { Bytes } from '../../../shared/bytes.ts';

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An array as it lies in a file. */
export interface StoredArray {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface TensorFile<T = NamedArray> {
  readonly tensors: readonly T[];
  readonly metadata: Readonly<Record<string, string>>;
}

const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

type DType = keyof typeof elementBytes;

/** Bytes that a header may have; the reference implementation's limit. */
const maxHeaderBytes = 100_000_000;
const metadataKey = '__metadata__';

const entry = z.strictObject({
  dtype: z.enum(Object.keys(elementBytes) as [DType, ...DType[]], `dtypes are ${Object.keys(elementBytes).join(', ')}`),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const headerSchema = z.looseObject({ [metadataKey]: z.record(z.string(), z.string()).default({}) }).catchall(entry);

/** Float32 arrays in the order given, each aligned to 4 bytes, the data as a whole to 8. */
export function writeSafetensors({ tensors, metadata }: TensorFile): Bytes {
  const store = ({ name, shape, data }: NamedArray): StoredArray => {
    return { name, dtype: 'F32', shape, bytes: float32Bytes(data) };
  };
  return writeStored({ tensors: tensors.map(store), metadata });
}

/** As `writeSafetensors`, for arrays that keep the form they were stored in. */
export function writeStored({ tensors, metadata }: TensorFile<StoredArray>): Bytes {
  const header: Record<string, unknown> = { [metadataKey]: metadata };
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = JSON.stringify(header);
  const json = utf8(text + ' '.repeat(-utf8(text).length & 7));
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(json.length), true);
  return concat(new Uint8Array(length.buffer), json, ...tensors.map(({ bytes }) => bytes));
}

/** The arrays in float32. @throws LoomError `invalid_frame` that says what is wrong with the file */
export function readSafetensors(bytes: Uint8Array): TensorFile {
  const { tensors, metadata } = readStored(bytes);
  return { tensors: tensors.map(toFloat32), metadata };
}

/** @throws LoomError `invalid_frame` for a dtype that no parameters have */
export function toFloat32({ name, dtype, shape, bytes }: StoredArray): NamedArray {
  // A copy, which `slice` of a Node Buffer is not, is aligned; whatever runs WebGPU or WebAssembly is little-endian.
  if (dtype === 'F32') return { name, shape, data: new Float32Array(new Uint8Array(bytes).buffer) };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(bytes.length / elementBytes[dtype]);
  if (dtype === 'BF16') fillBits(data, (i) => view.getUint16(2 * i, true) << 16);
  else if (dtype === 'F16') for (let i = 0; i < data.length; i++) data[i] = halfFloat(view.getUint16(2 * i, true));
  else throw malformed(`${name} is ${dtype}, not F32, F16 or BF16`);
  return { name, shape, data };
}

/** The arrays as they are stored: views of `bytes`. @throws LoomError `invalid_frame` that says what is wrong with the file */
export function readStored(bytes: Uint8Array): TensorFile<StoredArray> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataStart = 8 + headerLength(view);
  const header = parseHeader(bytes.subarray(8, dataStart));
  const { [metadataKey]: metadata, ...entries } = header;
  const tensors: StoredArray[] = [];
  let next = 0;
  for (const [name, { dtype, shape, data_offsets }] of inFileOrder(entries)) {
    const length = shape.reduce((product, size) => product * size, elementBytes[dtype]);
    if (data_offsets[0] !== next) throw malformed(`${name} begins at ${data_offsets[0]} instead of ${next}`);
    next += length;
    if (data_offsets[1] !== next) throw malformed(`${name} of shape [${shape.join(', ')}] ends at ${data_offsets[1]}`);
    if (dataStart + next > bytes.length) throw malformed(`${name} reaches beyond the end of the file`);
    tensors.push({ name, dtype, shape, bytes: bytes.subarray(dataStart + next - length, dataStart + next) });
  }
  if (dataStart + next !== bytes.length)
    throw malformed(`${bytes.length - dataStart - next} bytes belong to no tensor`);
  return { tensors, metadata };
}

type Entries = Record<string, z.infer<typeof entry>>;

function inFileOrder(entries: Entries): [string, Entries[string]][] {
  return Object.entries(entries).sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
}

function headerLength(view: DataView): number {
  if (view.byteLength < 8) throw malformed(`a file of ${view.byteLength} bytes`);
  const length = Number(view.getBigUint64(0, true));
  if (length > maxHeaderBytes || 8 + length > view.byteLength) throw malformed(`a header of ${length} bytes`);
  return length;
}

function parseHeader(bytes: Uint8Array): { [metadataKey]: Record<string, string> } & Entries {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('its header is not JSON', cause);
  }
  const result = headerSchema.safeParse(json);
  if (result.success) return result.data as ReturnType<typeof parseHeader>;
  const issue = result.error.issues[0]!;
  throw malformed(`${issue.path.join('.') || 'header'}: ${issue.message}`);
}

function float32Bytes(values: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.byteLength));
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
  return new Uint8Array(view.buffer);
}

function fillBits(values: Float32Array, bitsOf: (i: number) => number): void {
  const bits = new Int32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = bitsOf(i);
}

/** IEEE binary16: 1 sign, 5 exponent and 10 fraction bits. */
function halfFloat(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function malformed(what: string, cause?: unknown): LoomError {
  return new LoomError('invalid_frame', what, { where: 'safetensors', ...(cause !== undefined && { cause }) });
}
