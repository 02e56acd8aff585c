// Byte arrays as every room uses them: lower-case hex, SHA-256, UTF-8. Numbers in frames and files are little-endian and
// go through DataView where they are read or written.

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export type Bytes = Uint8Array<ArrayBuffer>;

/** SHA-256 of `data`: 32 bytes. */
export function sha256(data: Uint8Array): Bytes {
  return nobleSha256(data) as Bytes;
}

/** SHA-256 of `data` as 64 lower-case hex digits: the form hashes have in messages, events and URLs. */
export function sha256Hex(data: Uint8Array): string {
  return bytesToHex(nobleSha256(data));
}

export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** @throws Error for an odd length or a character that is no hex digit. */
export function fromHex(hex: string): Bytes {
  return hexToBytes(hex) as Bytes;
}

export function concat(...parts: Uint8Array[]): Bytes {
  return concatBytes(...parts) as Bytes;
}

export function utf8(text: string): Bytes {
  return utf8ToBytes(text) as Bytes;
}
