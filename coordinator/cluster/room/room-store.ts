// A room's memory in the SQLite of its Durable Object: the round's state, what the ledger has yet to be told, the log and the
// uploads. Values are cut into pieces, because a row must stay below 2 MB and nothing local enforces it.

import type { LogLine } from '../../../shared/api/schemas.ts';
import type { LedgerEventDraft } from '../../../shared/ledger/events.ts';
import type { RoomState } from '../../../shared/rounds/types.ts';
import { upgraded } from '../../../shared/rounds/upgrade/upgrade.ts';
import { changes, documentsOf, stateOf } from './documents.ts';
import type { LogText } from './log-lines.ts';

const maxPieceLength = 400_000; // UTF-16 units, at most 1.2 MB
const maxLogLines = 5_000;

export interface Upload {
  kind: 'checkpoint' | 'artifact' | 'relay';
  name: string; // round, file name, payload hash
  fence: number; // 0 for the relay
  round: number;
  storeKey: string;
  bytes: number;
}

export class RoomStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** False for an object that was only asked about: it must not keep storage. */
  get exists(): boolean {
    return this.#sql.exec(`select 1 from sqlite_master where name = 'value'`).toArray().length > 0;
  }

  create(): void {
    this.#sql.exec(`
      create table if not exists value (name text, piece integer, json text not null, primary key (name, piece)) without rowid;
      create table if not exists outbox (seq integer primary key autoincrement, event text not null);
      create table if not exists log (seq integer primary key autoincrement, at integer not null, level text not null, text text not null);
      create table if not exists upload (kind text, name text, fence integer, round integer not null, store_key text not null, bytes integer not null,
        primary key (kind, name, fence)) without rowid`);
  }

  transaction(work: () => void): void {
    this.#storage.transactionSync(work);
  }

  // Values: the documents of the room's state, and a few facts beside it.

  read<T>(name: string): T | null {
    const pieces = this.#sql
      .exec<{ json: string }>('select json from value where name = ? order by piece', name)
      .toArray();
    return pieces.length === 0 ? null : (JSON.parse(pieces.map(({ json }) => json).join('')) as T);
  }

  write(name: string, value: unknown): void {
    const json = JSON.stringify(value);
    const pieces = Math.ceil(json.length / maxPieceLength);
    for (let piece = 0; piece < pieces; piece++) {
      this.#sql.exec(
        'insert or replace into value values (?, ?, ?)',
        name,
        piece,
        json.slice(piece * maxPieceLength, (piece + 1) * maxPieceLength),
      );
    }
    this.#sql.exec('delete from value where name = ? and piece >= ?', name, pieces);
  }

  #delete(name: string): void {
    this.#sql.exec('delete from value where name = ?', name);
  }

  /** The stored state, brought to what this build knows if an earlier one stored it. */
  readState(): RoomState {
    const stored = stateOf((name) => this.read(`room.${name}`));
    const state = upgraded(stored);
    if (state !== stored) this.transaction(() => this.writeState(stored, state));
    return state;
  }

  /** Stores what differs from `before`, which is what is stored now; null for nothing. */
  writeState(before: RoomState | null, after: RoomState): void {
    const { written, deleted } = changes(before === null ? new Map() : documentsOf(before), documentsOf(after));
    for (const [name, value] of written) this.write(`room.${name}`, value);
    for (const name of deleted) this.#delete(`room.${name}`);
  }

  // Outbox: events on their way to the ledger. Their keys make a repeated append harmless.

  /** Returns the row's number, which is never used twice. */
  enqueue(event: LedgerEventDraft): number {
    return this.#sql
      .exec<{ seq: number }>('insert into outbox (event) values (?) returning seq', JSON.stringify(event))
      .one().seq;
  }

  outbox(): { seq: number; event: LedgerEventDraft }[] {
    const rows = this.#sql.exec<{ seq: number; event: string }>('select seq, event from outbox order by seq').toArray();
    return rows.map(({ seq, event }) => ({ seq, event: JSON.parse(event) as LedgerEventDraft }));
  }

  clearOutbox(): void {
    this.#sql.exec('delete from outbox');
  }

  // Log lines.

  log(at: number, { level, text }: LogText): LogLine {
    const { seq } = this.#sql
      .exec<{ seq: number }>('insert into log (at, level, text) values (?, ?, ?) returning seq', at, level, text)
      .one();
    this.#sql.exec('delete from log where seq <= ?', seq - maxLogLines);
    return { seq, at, level, text };
  }

  logAfter(seq: number): LogLine[] {
    return this.#sql
      .exec('select seq, at, level, text from log where seq > ? order by seq', seq)
      .toArray() as unknown as LogLine[];
  }

  // Uploads.

  addUpload({ kind, name, fence, round, storeKey, bytes }: Upload): void {
    this.#sql.exec(
      'insert or replace into upload values (?, ?, ?, ?, ?, ?)',
      kind,
      name,
      fence,
      round,
      storeKey,
      bytes,
    );
  }

  /** The newest first. */
  uploads(kind: Upload['kind']): Upload[] {
    return this.#sql
      .exec(
        'select kind, name, fence, round, store_key as storeKey, bytes from upload where kind = ? order by fence desc, name',
        kind,
      )
      .toArray() as unknown as Upload[];
  }

  forgetUpload({ kind, name, fence }: Upload): void {
    this.#sql.exec('delete from upload where kind = ? and name = ? and fence = ?', kind, name, fence);
  }
}
