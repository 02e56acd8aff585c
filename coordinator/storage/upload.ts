// Taking bytes into R2: hashed, counted and capped while they stream through, with 8 MiB held at most. Nothing appears
// under the key unless it arrived whole and hashes right.

import { toHex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';

export interface Stored {
  bytes: number;
  sha256: string;
}

export interface Expected {
  maxBytes: number;
  sha256?: string; // refused when the bytes hash to something else
  what: string; // for messages: 'dataset', 'checkpoint'
}

/** R2 wants parts of one size, at least 5 MiB, but for the last. */
const partBytes = 8 * 1024 * 1024;

/**
 * Stores a stream of unknown length.
 * @throws LoomError `message_too_large`, `data_unavailable` (no bytes at all) or `invalid_request` (wrong hash).
 */
export async function storeStream(
  bucket: R2Bucket,
  key: string,
  body: ReadableStream<Uint8Array> | null,
  expected: Expected,
): Promise<Stored> {
  const hasher = new Hasher();
  const target = new Target(bucket, key);
  let bytes = 0;
  try {
    for await (const part of partsOf(body, expected)) {
      bytes += part.length;
      await Promise.all([hasher.write(part), target.write(part)]);
    }
    if (bytes === 0)
      throw new LoomError('data_unavailable', `the ${expected.what} is empty`, { allowed: 'at least 1 byte' });
    const sha256 = await hasher.finish();
    checkHash(sha256, expected);
    await target.complete();
    return { bytes, sha256 };
  } catch (error) {
    await target.abort();
    throw error;
  }
}

/** @throws LoomError `message_too_large` before a byte is read, when the sender announces too many. */
export function checkAnnouncedSize(request: Request, expected: Expected): void {
  checkSize(Number(request.headers.get('content-length') ?? 0), expected);
}

function checkSize(bytes: number, expected: Expected): void {
  if (bytes > expected.maxBytes) {
    const allowed = `${expected.maxBytes} bytes`;
    throw new LoomError('message_too_large', `the ${expected.what} is too large`, { allowed });
  }
}

function checkHash(sha256: string, expected: Expected): void {
  if (expected.sha256 === undefined || expected.sha256 === sha256) return;
  const allowed = expected.sha256;
  throw new LoomError('invalid_request', `the ${expected.what} hashes to ${sha256}`, { where: 'body', allowed });
}

/** Cuts a stream into parts of one size, but for the last. A part is valid until the next one is asked for. */
async function* partsOf(body: ReadableStream<Uint8Array> | null, expected: Expected): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(partBytes, expected.maxBytes));
  let [filled, total] = [0, 0];
  for await (const chunk of body ?? []) {
    total += chunk.length;
    checkSize(total, expected);
    for (let at = 0; at < chunk.length;) {
      if (filled === partBytes) {
        yield buffer;
        filled = 0;
      }
      const piece = chunk.subarray(at, at + buffer.length - filled);
      buffer.set(piece, filled);
      filled += piece.length;
      at += piece.length;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

/** SHA-256 by the runtime, which is many times faster than JavaScript. */
class Hasher {
  readonly #digest = new crypto.DigestStream('SHA-256');
  readonly #writer = this.#digest.getWriter();

  write(part: Uint8Array): Promise<void> {
    return this.#writer.write(part);
  }

  async finish(): Promise<string> {
    await this.#writer.close();
    return toHex(new Uint8Array(await this.#digest.digest));
  }
}

/** An object in the making: what fits into one part is put at the end, more than that becomes a multipart upload. */
class Target {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  #only: Uint8Array | null = null;
  #upload: R2MultipartUpload | null = null;
  readonly #parts: R2UploadedPart[] = [];

  constructor(bucket: R2Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async write(part: Uint8Array): Promise<void> {
    if (this.#parts.length === 0 && part.length < partBytes) {
      this.#only = part;
      return;
    }
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key);
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, part));
  }

  async complete(): Promise<void> {
    if (this.#only !== null) await this.#bucket.put(this.#key, this.#only);
    else await this.#upload!.complete(this.#parts);
  }

  async abort(): Promise<void> {
    await this.#upload?.abort();
  }
}
