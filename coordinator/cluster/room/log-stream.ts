// A job's log as server-sent events: the lines so far, then each new one, then `end` when the job ended. `id:` is the line's
// number, so a reader that comes back with Last-Event-ID misses nothing and sees nothing twice.

import type { LogLine } from '../../../shared/api/schemas.ts';
import type { JobState } from '../../../shared/rounds/types.ts';

/** Proxies close streams that say nothing. */
const keepAliveMs = 15_000;

type Writer = WritableStreamDefaultWriter<Uint8Array>;

export class LogStream {
  readonly #readers = new Set<Writer>();
  readonly #encoder = new TextEncoder();
  #keepAlive: ReturnType<typeof setInterval> | null = null;

  /** @param ended the job's final state, if it has one: then the stream ends after the lines so far */
  follow(lines: readonly LogLine[], ended: JobState | null): Response {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 1024 });
    const reader = writable.getWriter();
    this.#readers.add(reader);
    reader.closed.catch(() => undefined).finally(() => this.#forget(reader));
    this.#keepAlive ??= setInterval(() => this.#write(': keep-alive\n\n'), keepAliveMs);
    this.#writeTo(reader, lines.map(textOf).join('') || ': no lines yet\n\n');
    if (ended !== null) this.#end(reader, ended);
    return new Response(readable, {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
    });
  }

  push(lines: readonly LogLine[]): void {
    if (lines.length > 0) this.#write(lines.map(textOf).join(''));
  }

  end(state: JobState): void {
    for (const reader of this.#readers) this.#end(reader, state);
  }

  #write(text: string): void {
    for (const reader of this.#readers) this.#writeTo(reader, text);
  }

  /** Never waited for: one slow reader must not hold up the room. Its stream breaks when it goes away. */
  #writeTo(reader: Writer, text: string): void {
    reader.write(this.#encoder.encode(text)).catch(() => this.#forget(reader));
  }

  #end(reader: Writer, state: JobState): void {
    this.#writeTo(reader, `event: end\ndata: ${JSON.stringify({ state })}\n\n`);
    reader.close().catch(() => undefined);
    this.#forget(reader);
  }

  #forget(reader: Writer): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    clearInterval(this.#keepAlive);
    this.#keepAlive = null;
  }
}

function textOf(line: LogLine): string {
  return `id: ${line.seq}\ndata: ${JSON.stringify(line)}\n\n`;
}
