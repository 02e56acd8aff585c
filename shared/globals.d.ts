// The few globals that pages, Node and Workers all have and that plain ES2024 lacks. Seen by shared/ alone: the other
// projects get them from their own environment's types.

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
