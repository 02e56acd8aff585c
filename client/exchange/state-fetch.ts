// A joiner's checkpoint, from several peers at once. It asks every peer for the list of the state's pieces, takes the list that
// most of them name, draws pieces from all of these, each checked by its hash, and asks another peer for one that is wrong,
// missing or slow. What peers do not deliver is read from the coordinator's store. Whether list and pieces were true shows in
// the state's hash, which the caller checks: peers that lie together cost a download, never a wrong state.

import { sha256Hex } from '../../shared/bytes.ts';
import type { Bytes } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { StoredCheckpoint } from '../../shared/protocol/messages.ts';
import { decodePieceList, pieceLength } from '../../shared/protocol/piece-list.ts';
import type { PieceList } from '../../shared/protocol/piece-list.ts';
import type { Bell } from '../timing/wait.ts';
import type { PeerLink } from './peer-link.ts';

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
const storedBytesAtOnce = 8 * 2 ** 20;

/** A piece that has not come yet. Equal pieces are one. */
interface Missing {
  readonly hash: string;
  readonly places: readonly number[];
  readonly asked: Set<PeerLink>;
  askedAt: number;
}

export class StateFetch {
  private readonly options: StateFetchOptions;
  private readonly asked = new Set<PeerLink>();
  private readonly listed = new Map<PeerLink, string>();
  private readonly tooSlow = new Set<PeerLink>();
  private readonly drawing = new Set<PeerLink>();
  private readonly helpers = new Set<PeerLink>();
  private wantedList: string | null = null;
  private listPayload: Uint8Array | null = null;
  private list: PieceList | null = null;
  private file: Bytes = new Uint8Array(0);
  private readonly missing = new Map<string, Missing>();
  private readonly here = new Set<string>();
  private fromPeers = 0;
  private inFlight = 0; // pieces that a peer was asked for and may still bring

  constructor(options: StateFetchOptions) {
    this.options = options;
  }

  /** Null when no peer holds the checkpoint. @throws LoomError `invalid_frame` when the store contradicts the list */
  async run(): Promise<FetchedState | null> {
    const list = await this.findList();
    if (list === null) return null;
    this.begin(list);
    await this.draw();
    if (this.fromPeers === 0 || this.options.signal.aborted) return null;
    const fromStore = await this.readRest(list);
    return { bytes: this.file, peers: this.helpers.size, fromPeers: this.fromPeers, fromStore };
  }

  /** Whether this payload came already, so that a second copy need not be put together. */
  holds(hash: string): boolean {
    return this.here.has(hash);
  }

  /** A payload arrived whole and hashes right. False when it is nothing of ours. */
  take(hash: string, payload: Uint8Array): boolean {
    if (hash === this.wantedList) this.listPayload = payload;
    else if (!this.place(hash, payload)) return this.here.has(hash);
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

  private begin(list: PieceList): void {
    this.list = list;
    this.file = new Uint8Array(list.fileBytes);
    const places = new Map<string, number[]>();
    for (const [index, hash] of list.hashes.entries()) places.set(hash, [...(places.get(hash) ?? []), index]);
    for (const [hash, of] of places) this.missing.set(hash, { hash, places: of, asked: new Set(), askedAt: 0 });
  }

  // ---- The pieces.

  /** Until all pieces are here, or nobody is left who could bring one. */
  private async draw(): Promise<void> {
    while (this.missing.size > 0 && !this.options.signal.aborted) {
      this.askAll();
      for (const link of this.able()) {
        if (this.drawing.has(link)) continue;
        this.drawing.add(link);
        for (let i = 0; i < piecesInFlight; i++) void this.drawFrom(link);
      }
      if (this.inFlight === 0 && this.able().every((link) => this.next(link) === undefined)) return;
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

  private async drawFrom(link: PeerLink): Promise<void> {
    for (let strikes = 0; this.missing.size > 0 && this.able().includes(link);) {
      const piece = this.next(link);
      if (piece === undefined) {
        await this.options.changed.wait(100);
        continue;
      }
      piece.asked.add(link);
      piece.askedAt = Date.now();
      const bytes = pieceLength(this.list!, piece.places[0]!);
      this.inFlight += 1;
      const isHere = await this.ask(link, piece.hash, bytes, () => this.here.has(piece.hash));
      this.inFlight -= 1;
      if (isHere) this.helpers.add(link);
      else if (++strikes >= strikesAtMost) this.tooSlow.add(link);
    }
    this.options.changed.ring();
  }

  /** A piece that nobody was asked for; then one that others are slow to bring. */
  private next(link: PeerLink): Missing | undefined {
    const all = [...this.missing.values()];
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

  private place(hash: string, payload: Uint8Array): boolean {
    const piece = this.missing.get(hash);
    if (piece === undefined || this.list === null) return false;
    const { pieceBytes } = this.list;
    // A list may lie about what lies where; the state's hash will tell, but nothing may be written beside its place.
    for (const index of piece.places)
      this.file.set(payload.subarray(0, pieceLength(this.list, index)), index * pieceBytes);
    this.missing.delete(hash);
    this.here.add(hash);
    return true;
  }

  // ---- What peers did not bring.

  private async readRest(list: PieceList): Promise<number> {
    let sum = 0;
    for (const { offset, length } of this.gaps(list)) {
      const bytes = await this.options.readStored(offset, length);
      sum += bytes.length;
      for (let at = 0; at < bytes.length; at += list.pieceBytes)
        this.placeStored(bytes.subarray(at, at + list.pieceBytes));
    }
    if (this.missing.size === 0) return sum;
    throw new LoomError('invalid_frame', 'the stored checkpoint has other pieces than peers say', { where: 'pieces' });
  }

  private placeStored(piece: Uint8Array): void {
    this.place(sha256Hex(piece), piece);
  }

  /** Stretches of missing pieces, so that few requests read them. */
  private gaps(list: PieceList): { offset: number; length: number }[] {
    const gaps: { offset: number; length: number }[] = [];
    for (const [index, hash] of list.hashes.entries()) {
      if (!this.missing.has(hash)) continue;
      const [offset, length] = [index * list.pieceBytes, pieceLength(list, index)];
      const last = gaps.at(-1);
      if (last !== undefined && last.offset + last.length === offset && last.length + length <= storedBytesAtOnce)
        last.length += length;
      else gaps.push({ offset, length });
    }
    return gaps;
  }
}
