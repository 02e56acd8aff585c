// The difference as it is: 4 bytes an element, exact. The control that every lossy codec is measured against.

import { LoomError } from '../../../../shared/errors.ts';
import type { DenseBody } from './body.ts';

export const float32Body: DenseBody = {
  id: 1,
  planes: [{ bytes: 4, perElements: 1 }],
  sizes: (elements) => ({ min: 4 * elements, max: 4 * elements }),
  write(difference, body) {
    for (let i = 0; i < difference.length; i++) body.setFloat32(4 * i, difference[i]!, true);
    return 4 * difference.length;
  },
  read(body, difference) {
    for (let i = 0; i < difference.length; i++) {
      const value = body.getFloat32(4 * i, true);
      if (!Number.isFinite(value)) throw new LoomError('invalid_frame', `element ${i} of a payload is ${value}`);
      difference[i] = value;
    }
  },
};
