// The safetensors file format (huggingface/safetensors, format.md): u64 header length, JSON header, raw little-endian data.
// Only float32 is written and read. A file is parsed whole, and refused whole when anything in it is out of place.

import { z } from 'zod';
import { LoomError } from '../../shared/errors.ts';
import { concat, utf8 } from '../../shared/bytes.ts';
import type { Bytes } from '../../shared/bytes.ts';

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TensorFile {
  readonly tensors: readonly NamedArray[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes that a header may have; the reference implementation's limit. */
const maxHeaderBytes = 100_000_000;
const metadataKey = '__metadata__';

const entry = z.strictObject({
  dtype: z.literal('F32', 'only F32 tensors are read'),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const headerSchema = z.looseObject({ [metadataKey]: z.record(z.string(), z.string()).default({}) }).catchall(entry);

/** Tensors in the order given, each aligned to 4 bytes, the data as a whole to 8. */
export function writeSafetensors({ tensors, metadata }: TensorFile): Bytes {
  const header: Record<string, unknown> = { [metadataKey]: metadata };
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = JSON.stringify(header);
  const json = utf8(text + ' '.repeat(-utf8(text).length & 7));
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(json.length), true);
  return concat(new Uint8Array(length.buffer), json, ...tensors.map(({ data }) => float32Bytes(data)));
}

/** @throws LoomError `invalid_frame` that says what is wrong with the file */
export function readSafetensors(bytes: Uint8Array): TensorFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataStart = 8 + headerLength(view);
  const header = parseHeader(bytes.subarray(8, dataStart));
  const { [metadataKey]: metadata, ...entries } = header;
  const tensors: NamedArray[] = [];
  let next = 0;
  for (const [name, { shape, data_offsets }] of inFileOrder(entries)) {
    const elements = shape.reduce((product, size) => product * size, 1);
    if (data_offsets[0] !== next) throw malformed(`${name} begins at ${data_offsets[0]} instead of ${next}`);
    next += 4 * elements;
    if (data_offsets[1] !== next) throw malformed(`${name} of shape [${shape.join(', ')}] ends at ${data_offsets[1]}`);
    if (dataStart + next > bytes.length) throw malformed(`${name} reaches beyond the end of the file`);
    tensors.push({ name, shape, data: readFloats(view, dataStart + next - 4 * elements, elements) });
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

function readFloats(view: DataView, start: number, elements: number): Float32Array {
  const values = new Float32Array(elements);
  for (let i = 0; i < elements; i++) values[i] = view.getFloat32(start + 4 * i, true);
  return values;
}

function malformed(what: string, cause?: unknown): LoomError {
  return new LoomError('invalid_frame', what, { where: 'safetensors', ...(cause !== undefined && { cause }) });
}
