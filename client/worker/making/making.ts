// Makes what the room asks of members of a node, beside the worker's other work. Where it does not succeed the others do it, or
// the room does without.

import type { RoomMessage, WorkerMessage } from '../../../shared/protocol/messages.ts';
import type { Folded } from '../../train/trainer.ts';
import { joinRecipe, sumRecipe } from './adding.ts';
import { foldRecipe } from './folding.ts';
import type { Recipe, Tools } from './recipe.ts';

export class Making {
  private readonly tools: Tools;
  private readonly say: (message: WorkerMessage) => void;
  private round = -1;
  private readonly made = new Map<string, Promise<Folded>>(); // in this round

  constructor(tools: Tools, say: (message: WorkerMessage) => void) {
    this.tools = tools;
    this.say = say;
  }

  hear(message: RoomMessage): void {
    if (message.type === 'fold') void this.carryOut(message.round, foldRecipe(message, this.tools));
    if (message.type === 'sum') void this.carryOut(message.round, sumRecipe(message, this.tools));
    if (message.type === 'join') void this.carryOut(message.round, joinRecipe(message, this.tools));
  }

  /** Makes it once, and says what came of it as often as the room asks. */
  private async carryOut(round: number, { key, make, answer }: Recipe): Promise<void> {
    if (round !== this.round) this.made.clear();
    this.round = round;
    const making = this.made.get(key) ?? make();
    this.made.set(key, making);
    try {
      this.say(answer(await making));
    } catch {
      this.made.delete(key); // the round was over first, or it failed
    }
  }
}
