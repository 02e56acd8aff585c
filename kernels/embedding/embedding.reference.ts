// References of the embedding kernels, which are also the CPU backend. R = B * T rows of width C.

import type { Op, View } from '../plan/op.ts';

export function embeddingReference(inputs: readonly View[], outputs: readonly View[], { inputs: [ids] }: Op): void {
  const [tokens, table, positions] = inputs;
  const out = outputs[0]!;
  const time = ids!.shape[1]!;
  const width = out.length / tokens!.length;
  for (let row = 0; row < tokens!.length; row++) {
    const from = tokens![row]! * width;
    for (let c = 0; c < width; c++) out[row * width + c] = table![from + c]!;
    if (positions) addRow(out, row * width, positions, (row % time) * width, width);
  }
}

/** Row numbers sorted by token, in order of appearance where tokens are the same, and the sorted tokens. */
export function tokenOrderReference([tokens]: readonly View[], [order, ranked]: readonly View[]): void {
  const rows = Array.from(tokens!, (_, row) => row).sort((a, b) => tokens![a]! - tokens![b]!);
  order!.set(rows);
  ranked!.set(rows.map((row) => tokens![row]!));
}

export function embeddingTableGradientReference(inputs: readonly View[], [out]: readonly View[]): void {
  const [order, ranked, gradient, addend] = inputs as [View, View, View, View?];
  const width = gradient.length / order.length;
  if (addend) out!.set(addend);
  else out!.fill(0);
  for (const [at, row] of order.entries()) addRow(out!, ranked[at]! * width, gradient, row * width, width);
}

export function embeddingPositionGradientReference([gradient]: readonly View[], [out]: readonly View[], op: Op): void {
  const [rows, width] = op.inputs[0]!.shape as [number, number];
  const time = op.attributes['time'] as number;
  out!.fill(0);
  for (let row = 0; row < rows; row++) addRow(out!, (row % time) * width, gradient!, row * width, width);
}

function addRow(out: View, to: number, from: View, at: number, width: number): void {
  for (let c = 0; c < width; c++) out[to + c] = out[to + c]! + from[at + c]!;
}
