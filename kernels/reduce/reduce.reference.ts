// Reference of the reduce kernel, which is also the CPU backend: plain float64 sums from the left.

import type { Op, View } from '../plan/op.ts';

export function reduceReference([x]: readonly View[], [out]: readonly View[], { attributes }: Op): void {
  let total = 0;
  if (attributes['squared']) for (let i = 0; i < x!.length; i++) total += x![i]! * x![i]!;
  else for (let i = 0; i < x!.length; i++) total += x![i]!;
  out![0] = total;
}
