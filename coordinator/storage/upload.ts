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
export async function storeStream(bucket: R2Bucket, key: string, body: ReadableStream<Uint8Array> | null, expected: Expected): Promise<Stored> {
  const digest = new crypto.DigestStream('SHA-256');
  const hasher = digest.getWriter();
  const target = new Parts(bucket, key);
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      checkSize(bytes, expected);
      await hasher.write(chunk);
      await target.write(chunk);
    }
    if (bytes === 0) throw new LoomError('data_unavailable', `the ${expected.what} is empty`, { allowed: 'at least 1 byte' });
    await hasher.close();
    const sha256 = toHex(new Uint8Array(await digest.digest));
    checkHash(sha256, expected);
    await target.complete();
    return { bytes, sha256 };
  } catch (error) {
    await Promise.allSettled([hasher.abort(error), target.abort()]);
    throw error;
  }
}

/** @throws LoomError `message_too_large` before a byte is read, when the sender announces too many. */
export function checkAnnouncedSize(request: Request, expected: Expected): void {
  checkSize(Number(request.headers.get('content-length') ?? 0), expected);
}

function checkSize(bytes: number, expected: Expected): void {
  if (bytes > expected.maxBytes) {
    throw new LoomError('message_too_large', `the ${expected.what} is too large`, { allowed: `${expected.maxBytes} bytes` });
  }
}

function checkHash(sha256: string, expected: Expected): void {
  if (expected.sha256 !== undefined && expected.sha256 !== sha256) {
    throw new LoomError('invalid_request', `the ${expected.what} hashes to ${sha256}`, { where: 'body', allowed: expected.sha256 });
  }
}

/** Cuts a stream into parts of one size; what fits into one part is put without a multipart upload. */
class Parts {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #buffer = new Uint8Array(partBytes);
  #filled = 0;
  #upload: R2MultipartUpload | null = null;
  readonly #parts: R2UploadedPart[] = [];

  constructor(bucket: R2Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled === partBytes) await this.#flush();
      const piece = chunk.subarray(at, at + partBytes - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
    }
  }

  async complete(): Promise<void> {
    if (this.#upload === null) {
      await this.#bucket.put(this.#key, this.#buffer.subarray(0, this.#filled));
      return;
    }
    await this.#flush();
    await this.#upload.complete(this.#parts);
  }

  async abort(): Promise<void> {
    await this.#upload?.abort();
  }

  async #flush(): Promise<void> {
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key);
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, this.#buffer.subarray(0, this.#filled)));
    this.#filled = 0;
  }
}
