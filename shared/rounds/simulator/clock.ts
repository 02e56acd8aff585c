// Virtual time in whole milliseconds: things that are due, in order of time, and of scheduling where times are equal.

interface Due {
  at: number;
  order: number;
  run: () => void;
}

export class Clock {
  now: number;
  private readonly heap: Due[] = [];
  private scheduled = 0;

  constructor(now: number) {
    this.now = now;
  }

  after(delayMs: number, run: () => void): void {
    this.heap.push({ at: Math.ceil(this.now + Math.max(0, delayMs)), order: this.scheduled++, run });
    this.rise(this.heap.length - 1);
  }

  /** Runs what is due until `isDone`, or until the next thing lies beyond `until`. */
  runUntil(until: number, isDone: () => boolean): void {
    while (!isDone() && this.heap.length > 0 && this.heap[0]!.at <= until) {
      const due = this.takeFirst();
      this.now = due.at;
      due.run();
    }
  }

  private takeFirst(): Due {
    const first = this.heap[0]!;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.sink(0);
    }
    return first;
  }

  private rise(index: number): void {
    for (let child = index; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.isBefore(child, parent)) return;
      this.swap(child, parent);
      child = parent;
    }
  }

  private sink(index: number): void {
    for (let parent = index; ;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let first = parent;
      if (left < this.heap.length && this.isBefore(left, first)) first = left;
      if (right < this.heap.length && this.isBefore(right, first)) first = right;
      if (first === parent) return;
      this.swap(first, parent);
      parent = first;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const [first, second] = [this.heap[a]!, this.heap[b]!];
    return first.at < second.at || (first.at === second.at && first.order < second.order);
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}
