// 3 -> 4: courts no longer count whose word helped to convict: every word weighs the same.

import type { RoomState } from '../types.ts';
import { eachOf } from './stored.ts';
import type { Fields } from './stored.ts';

export interface Version3 extends Fields {
  readonly version: 3;
  readonly court: Fields & { readonly standings: Readonly<Record<string, Fields>> };
}

export function toVersion4(stored: Version3): RoomState {
  const standings = eachOf(stored.court.standings, ({ proven: _, ...standing }) => standing);
  return { ...stored, version: 4, court: { ...stored.court, standings } } as unknown as RoomState;
}
