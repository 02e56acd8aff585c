// How a difference (trained minus agreed parameters, or a negative gradient) becomes the payload that peers exchange, and back.
// Decoding is deterministic: every worker gets the same float32 bits, whatever the GPU that trained. A payload is checked whole
// before any value is used. Little-endian, 8-byte header: 'LD', version, codec id, element count (u32), then the codec's body.

import type { TensorPlace } from '../../../kernels/compress/chunks.ts';
import { allFinite } from '../../../shared/aggregation/vectors.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { RoundCompression } from '../../../shared/manifest/compression.ts';
import type { CodecBody } from './bodies/body.ts';
import { float32Body } from './bodies/float32-body.ts';
import { int8Body } from './bodies/int8-body.ts';
import { dctBody } from './bodies/dct-body.ts';
import { lowRankBody } from './bodies/low-rank-body.ts';
import { topkBody } from './bodies/topk-body.ts';

export interface Codec {
  readonly id: number;
  /** Size limit of a payload; a longer one need not be received to be refused. */
  maxBytes(elements: number): number;
  /** @throws LoomError `internal` for a difference with NaN or infinity: training diverged and must not be shared */
  encode(difference: Float32Array): Uint8Array<ArrayBuffer>;
  /** @throws LoomError `invalid_frame` for a payload that this codec did not write for `elements` elements */
  decode(payload: Uint8Array, elements: number): Float32Array<ArrayBuffer>;
}

/**
 * What a round's payloads are written and read with.
 * @param layout the parameter tensors in the flat vector, as the plan lists them
 */
export function codecFor(compression: RoundCompression, layout: readonly TensorPlace[]): Codec {
  if (compression.kind === 'topk') return codec(topkBody(compression));
  if (compression.kind === 'dct') return codec(dctBody(compression, layout));
  if (compression.kind === 'low-rank') return codec(lowRankBody(compression, layout));
  return compression.kind === 'int8' ? int8 : float32;
}

const magic = 0x444c; // 'LD'
const version = 1;
const headerBytes = 8;

const float32 = codec(float32Body);
const int8 = codec(int8Body);

function codec(body: CodecBody): Codec {
  const maxBytes = (elements: number): number => headerBytes + body.sizes(elements).max;
  return {
    id: body.id,
    maxBytes,
    encode(difference) {
      if (!allFinite(difference)) throw notFinite();
      return writePayload(body, difference.length, (view) => body.write(difference, view));
    },
    decode(payload, elements) {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      checkHeader(view, body, elements);
      const difference = new Float32Array(elements);
      body.read(payloadBody(payload), difference);
      return difference;
    },
  };
}

/** What lies behind the header. */
export function payloadBody(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset + headerBytes, payload.byteLength - headerBytes);
}

/** Header and body of a payload. @param write fills zeros of the longest size, and returns the bytes written */
export function writePayload(
  { id, sizes }: CodecBody,
  elements: number,
  write: (body: DataView) => number,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(headerBytes + sizes(elements).max));
  view.setUint16(0, magic, true);
  view.setUint8(2, version);
  view.setUint8(3, id);
  view.setUint32(4, elements, true);
  const written = write(new DataView(view.buffer, headerBytes));
  return new Uint8Array(view.buffer.slice(0, headerBytes + written));
}

export function notFinite(): LoomError {
  return new LoomError('internal', 'the difference is not finite');
}

function checkHeader(view: DataView, { id, sizes }: CodecBody, elements: number): void {
  const { min, max } = sizes(elements);
  const bodyBytes = view.byteLength - headerBytes;
  if (bodyBytes < min || bodyBytes > max) {
    const allowed = min === max ? headerBytes + min : `${headerBytes + min} to ${headerBytes + max}`;
    throw invalid('length', view.byteLength, allowed);
  }
  if (view.getUint16(0, true) !== magic) throw invalid('magic', view.getUint16(0, true), magic);
  if (view.getUint8(2) !== version) throw invalid('version', view.getUint8(2), version);
  if (view.getUint8(3) !== id) throw invalid('codec', view.getUint8(3), id);
  if (view.getUint32(4, true) !== elements) throw invalid('elements', view.getUint32(4, true), elements);
}

function invalid(field: string, found: number, allowed: number | string): LoomError {
  return new LoomError('invalid_frame', `a payload with ${field} ${found}`, {
    where: `payload.${field}`,
    allowed: String(allowed),
  });
}
