// What was measured on one adapter, as text: kept in a file or a browser's database, or shipped. A table is believed only for the
// adapter, driver, features and kernels it was measured with.

import { sha256Hex, utf8 } from '../../shared/bytes.ts';
import { matmul } from '../generated/matmul.ts';
import { matmulPair } from '../generated/matmul-pair.ts';
import { tileRegistersPrelude } from '../generated/prelude/tile-registers.ts';
import type { TileChoice } from '../plan/tile-choice.ts';

/** Vendor, architecture, device, driver, features, kernels. */
export type TuningKey = Readonly<Record<string, string>>;

/** A place that keeps tables; both may fail quietly: a table can always be measured again. */
export interface TuningStore {
  load(name: string): Promise<string | null>;
  save(name: string, text: string): Promise<void>;
}

export function tuningKey(info: GPUAdapterInfo, features: ReadonlySet<string>): TuningKey {
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    driver: info.description,
    features: [...features].toSorted().join(' '),
    kernels: sha256Hex(
      utf8([matmul, matmulPair].map(({ matrices }) => matrices[128].code + tileRegistersPrelude).join('')),
    ).slice(0, 16),
  };
}

/** What a store calls a table. */
export function tableName(key: TuningKey): string {
  return `${key['vendor'] || 'gpu'}-${sha256Hex(utf8(JSON.stringify(key))).slice(0, 16)}`;
}

export function writeTable(key: TuningKey, choices: ReadonlyMap<string, TileChoice>): string {
  return `${JSON.stringify({ version: 1, key, choices: Object.fromEntries(choices) }, null, 2)}\n`;
}

/** The choices of a table; none for another adapter's, or for what is no table. */
export function readTable(text: string, key: TuningKey): Map<string, TileChoice> {
  const table = parse(text);
  if (table?.version !== 1 || JSON.stringify(table.key) !== JSON.stringify(key)) return new Map();
  const choices = Object.entries(table.choices ?? {}).filter(([, choice]) => isChoice(choice));
  return new Map(choices as [string, TileChoice][]);
}

function parse(text: string): { version?: unknown; key?: unknown; choices?: object } | null {
  try {
    return JSON.parse(text) as { version?: unknown; key?: unknown; choices?: object } | null;
  } catch {
    return null;
  }
}

function isChoice(value: unknown): value is TileChoice {
  const { tile, parts } = (value ?? {}) as Partial<TileChoice>;
  return (tile === 64 || tile === 128) && Number.isInteger(parts) && parts! >= 1 && parts! <= 16;
}
