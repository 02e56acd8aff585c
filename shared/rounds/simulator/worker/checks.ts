// What a virtual worker says of the work of others. It knows the truth; a liar says the opposite.

import type { RoomMessage } from '../../../protocol/messages.ts';
import type { Likeness } from '../../../verification/compare.ts';
import { virtualHash } from '../state.ts';
import type { Self } from './self.ts';
import type { Training } from './training.ts';

type Asked<T extends RoomMessage['type']> = Extract<RoomMessage, { type: T }>;

export class Checks {
  private readonly self: Self;
  private readonly training: Training;
  private readonly everyone: () => Iterable<Checks>;
  private readonly untrue = new Map<string, boolean>(); // of its payloads, whether nothing was trained for them

  constructor(self: Self, training: Training, everyone: () => Iterable<Checks>) {
    this.self = self;
    this.training = training;
    this.everyone = everyone;
  }

  noteOwn(hash: string): void {
    this.untrue.set(hash, this.self.traits.malice === 'liar');
  }

  measure({ round, contributions }: Asked<'measure'>): void {
    const { self } = this;
    self.later(self.network.between(50, 500), () => {
      if (this.training.commit?.round !== round) return;
      const after = contributions.map(({ hash }) => ({ hash, loss: this.judge(hash) ? 2.9 : 3.5 }));
      self.say({ type: 'measured', round, before: 3, after });
    });
  }

  audit({ audits }: Asked<'audit'>): void {
    const { self } = this;
    for (const { hash, steps } of audits) {
      const seconds = (steps * self.tokensPerStep) / self.traits.tokensPerSecond;
      const likeness = (): Likeness => (this.judge(hash) ? { cosine: 1, error: 0 } : { cosine: 0, error: 1 });
      self.later(1000 * seconds, () => self.say({ type: 'audited', hash, likeness: likeness() }));
    }
  }

  confirm({ fence, round }: Asked<'confirm'>): void {
    const { self } = this;
    const stored = self.host.checkpoints.get(round);
    const stateHash = stored === undefined ? null : virtualHash(stored);
    self.later(self.network.between(50, 500), () => self.say({ type: 'confirmed', fence, stateHash }));
  }

  /** Whether a payload is somebody's work. */
  private judge(hash: string): boolean {
    const isWork = ![...this.everyone()].some(({ untrue }) => untrue.get(hash) === true);
    return this.self.traits.malice === 'liar' ? !isWork : isWork;
  }
}
