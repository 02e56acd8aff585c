// 2 -> 3: a worker's voice has three states instead of two, vain waits and failed attempts to add up are counted, closed rounds
// say how many contributions they spent, and trials no longer remember when somebody was asked.

import { eachOf } from './stored.ts';
import type { Fields } from './stored.ts';
import type { Version3 } from './to-version-4.ts';

export interface Version2 extends Fields {
  readonly version: 2;
  readonly open: (Fields & { readonly parts: Readonly<Record<string, Part>> }) | null;
  readonly log: readonly Fields[];
  readonly court: Fields & { readonly trials: readonly Fields[] };
}

interface Part extends Fields {
  readonly isSilent: boolean;
  readonly commit: Fields | null;
  readonly received: readonly string[];
}

export function toVersion3(stored: Version2): Version3 {
  const { open, log, court } = stored;
  return {
    setbacks: { count: 0, until: 0 },
    ...stored,
    version: 3,
    open: open && { waitedMs: 0, ...open, parts: eachOf(open.parts, withVoice) },
    log: log.map((closed) => ({ spent: 0, ...closed })), // as if nothing could be undone: old payloads stay spent
    court: { ...court, trials: court.trials.map(({ askedAt: _, ...trial }) => trial) },
  } as unknown as Version3;
}

function withVoice({ isSilent, ...part }: Part): Fields {
  const hasSpoken = part.commit !== null || part.received.length > 0;
  return { ...part, voice: isSilent ? 'silent' : hasSpoken ? 'heard' : 'unheard' };
}
