// A joiner's checkpoint, from several peers at once. It asks every peer for the list of the state's pieces, takes the list that
// most of them name, draws pieces from all of these, each checked by its hash, and asks another peer for one that is wrong,
// missing or slow. What peers do not deliver is read from the coordinator's store. Whether list and pieces were true shows in
// the state's hash, which the caller checks: peers that lie together cost a download, never a wrong state.

import { sha256Hex } from '../../../shared/bytes.ts';
import type { Bytes } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { StoredCheckpoint } from '../../../shared/protocol/messages.ts';
import { decodePieceList } from '../../../shared/protocol/piece-list.ts';
import type { PieceList } from '../../../shared/protocol/piece-list.ts';
import type { Bell } from '../../timing/wait.ts';
import type { PeerLink } from '../links/peer-link.ts';
import { StatePieces } from './state-pieces.ts';
import type { Missing } from './state-pieces.ts';

/** Bytes of the checkpoint's file at the coordinator. */
export type ReadStored = (offset: number, length: number) => Promise<Uint8Array>;

export interface FetchedState {
  readonly bytes: Bytes;
  readonly peers: number; // that delivered pieces
  readonly fromPeers: number; // bytes
  readonly fromStore: number;
}

export interface StateFetchOptions {
  checkpoint: StoredCheckpoint;
  links: () => readonly PeerLink[]; // open ones
  isDialling: () => boolean; // further ones may open soon
  readStored: ReadStored;
  changed: Bell; // rings when something arrived, a peer lacks it, or a link changed
  patienceMs: number; // how long a peer may be silent about what we asked it for
  signal: AbortSignal;
}

/** A first dial takes a second; the coordinator's store would have answered meanwhile, so nobody is waited for longer. */
const introductionMs = 3_000;
/** When one peer has named its list, the others have so long to name theirs. */
const electionMs = 500;
const listsTried = 2;
const piecesInFlight = 2; // a peer
const strikesAtMost = 2;
/** A piece that comes slower than this is slow, though it moves. */
const slowBytesPerMs = 64;

export class StateFetch {
  private readonly options: StateFetchOptions;
  private readonly asked = new Set<PeerLink>();
  private readonly listed = new Map<PeerLink, string>();
  private readonly tooSlow = new Set<PeerLink>();
  private readonly drawing = new Set<PeerLink>();
  private readonly helpers = new Set<PeerLink>();
  private wantedList: string | null = null;
  private listPayload: Uint8Array | null = null;
  private pieces: StatePieces | null = null; // once there is a list
  private fromPeers = 0;
  private inFlight = 0; // pieces that a peer was asked for and may still bring

  constructor(options: StateFetchOptions) {
    this.options = options;
  }

  /** Null when no peer holds the checkpoint. @throws LoomError `invalid_frame` when the store contradicts the list */
  async run(): Promise<FetchedState | null> {
    const list = await this.findList();
    if (list === null) return null;
    const pieces = new StatePieces(list);
    this.pieces = pieces;
    await this.draw(pieces);
    if (this.fromPeers === 0 || this.options.signal.aborted) return null;
    const fromStore = await this.readRest(pieces, list.pieceBytes);
    return { bytes: pieces.file, peers: this.helpers.size, fromPeers: this.fromPeers, fromStore };
  }

  /** Whether this payload came already, so that a second copy need not be put together. */
  holds(hash: string): boolean {
    return this.pieces?.has(hash) === true;
  }

  /** A payload arrived whole and hashes right. False when it is nothing of ours. */
  take(hash: string, payload: Uint8Array): boolean {
    if (hash === this.wantedList) this.listPayload = payload;
    else if (this.pieces?.place(hash, payload) !== true) return this.holds(hash);
    else this.fromPeers += payload.length;
    return true;
  }

  /** A peer names the list of a state that it holds. */
  hear(link: PeerLink, stateHash: string, list: string): void {
    if (stateHash === this.options.checkpoint.stateHash && this.asked.has(link)) this.listed.set(link, list);
  }

  // ---- Which pieces there are.

  private async findList(): Promise<PieceList | null> {
    await this.introduce();
    const votes = new Map<string, PeerLink[]>();
    for (const [link, list] of this.listed) votes.set(list, [...(votes.get(list) ?? []), link]);
    const ranked = [...votes].toSorted(([, a], [, b]) => b.length - a.length);
    for (const [hash, links] of ranked.slice(0, listsTried)) {
      const list = await this.fetchList(hash, links);
      if (list !== null) return list;
    }
    return null;
  }

  private async introduce(): Promise<void> {
    const until = Date.now() + introductionMs;
    let electedAt = Infinity;
    while (Date.now() < Math.min(until, electedAt) && !this.options.signal.aborted) {
      this.askAll();
      if (this.listed.size > 0) electedAt = Math.min(electedAt, Date.now() + electionMs);
      const isAnswered = [...this.asked].every((link) => this.listed.has(link) || this.lacksState(link));
      if (isAnswered && !this.options.isDialling()) return;
      await this.options.changed.wait(100);
    }
  }

  private askAll(): void {
    const { round, stateHash } = this.options.checkpoint;
    for (const link of this.options.links()) {
      if (this.asked.has(link)) continue;
      this.asked.add(link);
      link.want(round, stateHash);
    }
  }

  private lacksState(link: PeerLink): boolean {
    return link.lacks(this.options.checkpoint.stateHash);
  }

  private async fetchList(hash: string, links: readonly PeerLink[]): Promise<PieceList | null> {
    this.wantedList = hash;
    this.listPayload = null;
    for (const link of links) {
      const bytes = this.options.checkpoint.bytes / 1024; // 32 of each 64 KiB, and some patience
      await this.ask(link, hash, bytes, () => this.listPayload !== null);
      if (this.listPayload !== null) return this.readList(this.listPayload);
    }
    return null;
  }

  private readList(payload: Uint8Array): PieceList | null {
    try {
      return decodePieceList(payload, this.options.checkpoint.bytes);
    } catch {
      return null; // whoever named it lied
    }
  }

  // ---- The pieces.

  /** Until all pieces are here, or nobody is left who could bring one. */
  private async draw(pieces: StatePieces): Promise<void> {
    while (pieces.missing.size > 0 && !this.options.signal.aborted) {
      this.askAll();
      for (const link of this.able()) {
        if (this.drawing.has(link)) continue;
        this.drawing.add(link);
        for (let i = 0; i < piecesInFlight; i++) void this.drawFrom(link, pieces);
      }
      if (this.inFlight === 0 && this.able().every((link) => this.next(link, pieces) === undefined)) return;
      await this.options.changed.wait(100);
    }
  }

  /** Peers with the same list that still answer. */
  private able(): PeerLink[] {
    const { signal } = this.options;
    const open = this.options.links();
    const able = [...this.listed].filter(([link, list]) => list === this.wantedList && open.includes(link));
    return signal.aborted ? [] : able.map(([link]) => link).filter((link) => !this.tooSlow.has(link));
  }

  private async drawFrom(link: PeerLink, pieces: StatePieces): Promise<void> {
    for (let strikes = 0; pieces.missing.size > 0 && this.able().includes(link);) {
      const piece = this.next(link, pieces);
      if (piece === undefined) {
        await this.options.changed.wait(100);
        continue;
      }
      piece.asked.add(link);
      piece.askedAt = Date.now();
      this.inFlight += 1;
      const isHere = await this.ask(link, piece.hash, piece.bytes, () => pieces.has(piece.hash));
      this.inFlight -= 1;
      if (isHere) this.helpers.add(link);
      else if (++strikes >= strikesAtMost) this.tooSlow.add(link);
    }
    this.options.changed.ring();
  }

  /** A piece that nobody was asked for; then one that others are slow to bring. */
  private next(link: PeerLink, { missing }: StatePieces): Missing | undefined {
    const all = [...missing.values()];
    const late = Date.now() - this.options.patienceMs;
    return (
      all.find(({ asked }) => asked.size === 0) ??
      all.find(
        ({ asked, askedAt, hash }) => !asked.has(link) && (askedAt < late || [...asked].every((l) => l.lacks(hash))),
      )
    );
  }

  /** True when it came, by whatever way; false when this peer lacks it, falls silent or is slow. */
  private async ask(link: PeerLink, hash: string, bytes: number, isHere: () => boolean): Promise<boolean> {
    const { round } = this.options.checkpoint;
    const { patienceMs, signal, changed } = this.options;
    link.want(round, hash);
    const slowAt = Date.now() + patienceMs + bytes / slowBytesPerMs;
    let [progress, movedAt] = [0, Date.now()];
    while (!isHere()) {
      const now = Date.now();
      if (link.progress(hash) !== progress) [progress, movedAt] = [link.progress(hash), now];
      if (link.lacks(hash) || now > slowAt || now - movedAt > patienceMs || signal.aborted) return false;
      await changed.wait(100);
    }
    return true;
  }

  // ---- What peers did not bring.

  private async readRest(pieces: StatePieces, pieceBytes: number): Promise<number> {
    let sum = 0;
    for (const { offset, length } of pieces.gaps()) {
      const bytes = await this.options.readStored(offset, length);
      sum += bytes.length;
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        pieces.place(sha256Hex(piece), piece);
      }
    }
    if (pieces.missing.size === 0) return sum;
    throw new LoomError('invalid_frame', 'the stored checkpoint has other pieces than peers say', { where: 'pieces' });
  }
}
