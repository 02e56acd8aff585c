// The agreed state as a file: safetensors that any tool opens, with the round in its metadata. The outer momentum, which a
// late joiner needs to go on, lies beside the parameters under a prefix.

import type { Plan } from '../../kernels/plan/plan.ts';
import { LoomError } from '../../shared/errors.ts';
import type { AgreedState } from '../../shared/rounds/state.ts';
import { fromNamedArrays, toNamedArrays } from '../models/files/named-arrays.ts';
import { readSafetensors, writeSafetensors } from '../models/files/safetensors.ts';
import type { Bytes } from '../../shared/bytes.ts';

const momentumPrefix = 'outer_momentum.';

export function writeCheckpoint(plan: Plan, { round, parameters, momentum }: AgreedState): Bytes {
  const momenta = momentum === null ? [] : toNamedArrays(plan, momentum, momentumPrefix);
  return writeSafetensors({
    tensors: [...toNamedArrays(plan, parameters), ...momenta],
    metadata: { format: 'pt', round: String(round) },
  });
}

/** @throws LoomError `invalid_frame` for a file that is no checkpoint of this plan */
export function readCheckpoint(plan: Plan, bytes: Uint8Array): AgreedState {
  const { tensors, metadata } = readSafetensors(bytes);
  const round = Number(metadata['round'] ?? NaN);
  if (!Number.isSafeInteger(round) || round < 0) {
    throw new LoomError('invalid_frame', `round ${metadata['round']}`, { where: 'safetensors.__metadata__.round' });
  }
  const momenta = tensors.filter(({ name }) => name.startsWith(momentumPrefix));
  return {
    round,
    parameters: fromNamedArrays(
      plan,
      tensors.filter((array) => !momenta.includes(array)),
    ),
    momentum:
      momenta.length === 0
        ? null
        : fromNamedArrays(
            plan,
            momenta.map((array) => ({ ...array, name: array.name.slice(momentumPrefix.length) })),
          ),
  };
}
