// Where a command writes. Results go to standard output, everything said on the way to standard error, so that a result can
// be piped. A status line is redrawn in place on a terminal and written as a plain line, now and then, elsewhere.

export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Between two status lines where they cannot be redrawn. */
const plainStatusMs = 5000;

export class Terminal {
  readonly isJson: boolean;
  readonly #out: Sink;
  readonly #err: Sink;
  readonly #now: () => number;
  #status = '';
  #statusAt = -Infinity;

  constructor(out: Sink, err: Sink, options: { isJson: boolean; now: () => number }) {
    this.#out = out;
    this.#err = err;
    this.isJson = options.isJson;
    this.#now = options.now;
  }

  /** Whether standard error can redraw a line. */
  get isLive(): boolean {
    return this.#err.isTTY === true;
  }

  get columns(): number {
    return this.#err.columns ?? 100;
  }

  /** The command's result: `value` as JSON with --json, else `text`. */
  result(value: unknown, text: string): void {
    const shown = this.isJson ? JSON.stringify(value) : text.trimEnd();
    if (shown !== '') this.print(shown);
  }

  /** A line of the result as it is. */
  print(line: string): void {
    this.#clear();
    this.#out.write(`${line}\n`);
    this.#redraw();
  }

  /** A part of the result as it comes, with no line of its own. */
  write(text: string): void {
    this.#clear();
    this.#out.write(text);
  }

  /** A line said on the way. */
  say(line: string): void {
    this.#clear();
    this.#err.write(`${line}\n`);
    this.#redraw();
  }

  /** What is going on now. `isImportant` writes it even where the last one is only just written. */
  status(line: string, isImportant = false): void {
    if (this.isLive) {
      this.#clear();
      this.#status = line;
      this.#redraw();
    } else if (line !== this.#status && (isImportant || this.#now() - this.#statusAt >= plainStatusMs)) {
      this.#status = line;
      this.#statusAt = this.#now();
      this.#err.write(`${line}\n`);
    }
  }

  /** Ends the status line, leaving it on the screen. */
  endStatus(): void {
    if (this.isLive && this.#status !== '') this.#err.write('\n');
    this.#status = '';
  }

  #clear(): void {
    if (this.isLive && this.#status !== '') this.#err.write('\r\x1b[2K');
  }

  #redraw(): void {
    if (this.isLive && this.#status !== '') this.#err.write(this.#status);
  }
}
