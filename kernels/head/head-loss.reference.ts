// References of the LM head's cross-entropy: the logits of one row at a time. x [R, C], table [V, C].

import type { View } from '../plan/op.ts';

export function headLossReference([x, table, targets]: readonly View[], outputs: readonly View[]): void {
  const [loss, weight, logsumexps] = outputs as [View, View, View];
  const [rows, width] = [targets!.length, x!.length / targets!.length];
  let total = 0;
  let counted = 0;
  for (let row = 0; row < rows; row++) {
    const logits = logitsOf(x!, table!, row, width);
    const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const lse = highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
    logsumexps[row] = lse;
    const target = targets![row]!;
    if (target >= logits.length) continue;
    total += lse - logits[target]!;
    counted++;
  }
  weight[0] = counted === 0 ? 0 : 1 / counted;
  loss[0] = counted === 0 ? 0 : total / counted;
}

/** [x, table, targets, weight, logsumexp, gradient of the loss] -> [gradient of x, gradient of the table?]. */
export function headLossGradientReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [x, table, targets, weight, logsumexps, gradient] = inputs as [View, View, View, View, View, View];
  const [dx, dTable] = outputs as [View, View?];
  const width = x.length / targets.length;
  dx.fill(0);
  dTable?.fill(0);
  for (const [row, target] of targets.entries()) {
    const logits = logitsOf(x, table, row, width);
    if (target >= logits.length) continue;
    for (const [v, logit] of logits.entries()) {
      const slope = (Math.exp(logit - logsumexps[row]!) - Number(v === target)) * weight[0]! * gradient[0]!;
      for (let c = 0; c < width; c++) {
        dx[row * width + c] = dx[row * width + c]! + slope * table[v * width + c]!;
        if (dTable) dTable[v * width + c] = dTable[v * width + c]! + slope * x[row * width + c]!;
      }
    }
  }
}

function logitsOf(x: View, table: View, row: number, width: number): number[] {
  return Array.from({ length: table.length / width }, (_, v) => {
    let logit = 0;
    for (let c = 0; c < width; c++) logit += x[row * width + c]! * table[v * width + c]!;
    return logit;
  });
}
