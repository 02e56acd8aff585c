// Which GPU driver scripts/setup chose for this process and its workers.

import type { Terminal } from '../terminal.ts';

/** Says it in one line, with the reason; nothing when the command was started without the set-up. */
export function sayDriver(terminal: Terminal): void {
  const why = process.env['LOOMOS_DRIVER_WHY'];
  if (why !== undefined) terminal.say(`WebGPU in Node: ${why}`);
}
