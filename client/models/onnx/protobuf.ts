// Protocol Buffers' wire format, as much of it as writing ONNX takes (protobuf.dev, "Encoding"). A message is kept in pieces, so
// that weights are copied once, when the file is put together.

import { utf8 } from '../../../shared/bytes.ts';

export class Message {
  readonly pieces: Uint8Array[] = [];
  length = 0; // bytes

  /** An int32, int64 or enum that is not negative. */
  integer(field: number, value: number): this {
    return this.#add(varint(field * 8), varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#add(varint(field * 8 + 5), bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#add(varint(field * 8 + 2), varint(value.length), value);
  }

  message(field: number, value: Message): this {
    return this.#add(varint(field * 8 + 2), varint(value.length), ...value.pieces);
  }

  #add(...pieces: Uint8Array[]): this {
    for (const piece of pieces) {
      this.pieces.push(piece);
      this.length += piece.length;
    }
    return this;
  }
}

/** Seven bits a byte, the lowest first; up to 2^53. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Uint8Array.from([...bytes, rest]);
}
