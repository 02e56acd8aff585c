// What a worker and the room of a job say to each other over one WebSocket: a discriminated union per direction, as JSON
// text. Tensors never travel here, only their SHA-256 (lower-case hex). Every message is parsed whole at the boundary;
// both sides ignore nothing: an unknown field or type is refused with `invalid_message`.

import { z } from 'zod';
import { utf8 } from '../bytes.ts';
import { LoomError } from '../errors.ts';

/** Bumped when a message or frame changes its meaning; version.ts says which earlier ones a room still speaks. */
export const protocolVersion = 4;
/** UTF-8 bytes of one JSON message from a worker. */
export const maxMessageBytes = 256 * 1024;
/** UTF-8 bytes of one JSON message from a room: a welcome carries the log since the checkpoint. */
export const maxRoomMessageBytes = 1024 * 1024;
/** Keeps a socket alive without waking the room: the text a worker sends, at least every `silenceMs / 3`, and the answer. */
export const pingText = 'ping';
export const pongText = 'pong';
/** A socket that said nothing for so long, not even a ping, is closed. */
export const silenceMs = 90_000;

/** Pieces that a payload is cut into where a round adds up. */
export const maxSegments = 32;

export const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits');
export const workerId = z.string().regex(/^w-[0-9a-z]{8,32}$/, 'is no worker id such as w-1a2b3c4d5e6f');
export const peerId = z.string().regex(/^[0-9a-zA-Z-]{4,64}$/);
const round = z.int().min(0);
const finite = z.number();
const count = z.int().min(0);

export const backendInfo = z.strictObject({
  kind: z.enum(['webgpu', 'cpu']),
  adapter: z.string().max(200), // what people are shown: 'NVIDIA H100', 'SwiftShader', 'CPU (WASM SIMD)'
});

export const peer = z.strictObject({
  workerId,
  peerId,
  kind: z.enum(['page', 'node']),
  adapter: z.string().max(200),
  group: count, // workers of the same group exchange what they trained
});

export const topologyKind = z.enum(['mesh', 'ring', 'groups', 'tree']);

/**
 * One accepted contribution of a closed round. Order in the list is the order in which it is applied. With `folds` it is what
 * a group made of so many contributions, and `workerId` one that has it.
 */
export const acceptedContribution = z.strictObject({
  workerId,
  hash,
  bytes: count,
  tokens: count,
  folds: z.int().min(2).optional(),
  staleness: z.int().min(1).optional(), // it was trained from the agreed state of so many rounds before
});

/** A closed round: what turns the state of `round` into that of `round + 1`. */
export const closedRound = z.strictObject({
  round,
  accepted: z.array(acceptedContribution),
  stateHash: hash.nullable(), // state after applying, once the workers agreed on it
  learningRate: z.number().min(0).optional(), // of the step that all take together, where gradients are exchanged
});

/** A worker's part in an open round. */
export const assignment = z.strictObject({
  round,
  slot: count, // its place in the order of application
  seed: z.uint32(), // seeds this slot's batches; no two slots or rounds share one
  steps: z.int().min(1), // local optimizer steps, scaled to the worker's speed
  learningRate: z.number().min(0),
  evaluate: z.boolean(), // measure validation loss on the agreed state before training
  deadlineMs: count, // unix milliseconds after which the room may close the round without this worker
  // The round adds up: commit so many pieces of the payload as well, and show neither before the room asks for them.
  segments: z.int().min(2).max(maxSegments).optional(),
});

export const lease = z.strictObject({
  kind: z.enum(['checkpoint', 'artifact']),
  fence: count, // grows with every lease of the job; an upload with an older one is refused
  round, // upload the agreed state of this round
  expiresMs: count,
});

export const storedCheckpoint = z.strictObject({ round, stateHash: hash, bytes: count });

export const traffic = z.strictObject({
  bytesSent: count,
  bytesReceived: count,
  peers: count,
  bytesPerSecond: z.number().min(0).optional(), // that its links were measured to carry away from it
});

/** A shard that another worker trained, to be computed again from the agreed state of its round. */
export const audit = z.strictObject({
  round,
  hash, // of the payload that is to be compared
  slot: count,
  seed: z.uint32(),
  steps: z.int().min(1),
  learningRate: z.number().min(0),
});

/** First message on the socket. `holds` is the agreed state it still has from an earlier connection. */
export const hello = z.strictObject({
  type: z.literal('hello'),
  version: z.int(), // the newest it speaks
  oldest: z.int().optional(), // and the oldest; by default it speaks one
  token: z.string().max(4096),
  peerId,
  kind: z.enum(['page', 'node']),
  backend: backendInfo,
  tokensPerSecond: z.number().min(0),
  holds: z.strictObject({ round, stateHash: hash }).nullable(),
});

const workerMessage = z.discriminatedUnion('type', [
  hello,
  // Local training of `round` is done; the payload is on its way to the peers.
  z.strictObject({
    type: z.literal('commit'),
    round,
    hash,
    pieces: z.array(hash).max(maxSegments).optional(), // hashes of the payload's segments, where the assignment asks for them
    bytes: count, // of the encoded payload
    tokens: count, // trained on; the contribution's weight
    loss: finite, // mean training loss over the local steps, nats per token
    seconds: z.number().min(0), // spent training
    validation: z.strictObject({ loss: finite, tokens: count }).nullable(),
    traffic,
  }),
  // These committed payloads of `round` arrived whole and hash right.
  z.strictObject({ type: z.literal('received'), round, hashes: z.array(hash).max(1024) }),
  // What `measure` asked for: losses on the same held-out text, of the agreed state and with one contribution alone added; null
  // after one that does not decode to finite numbers.
  z.strictObject({
    type: z.literal('measured'),
    round,
    before: finite,
    after: z.array(z.strictObject({ hash, loss: finite.nullable() })).max(1024),
  }),
  // What `audit` asked for: how like the payload is to the shard computed again; null if that could not be done.
  z.strictObject({
    type: z.literal('audited'),
    hash,
    likeness: z.strictObject({ cosine: finite, error: z.number().min(0) }).nullable(),
  }),
  // What `confirm` asked for: the hash of the state in the stored checkpoint; null if it cannot be read as one.
  z.strictObject({ type: z.literal('confirmed'), fence: count, stateHash: hash.nullable() }),
  // The group's payloads, made into one as `fold` asked.
  z.strictObject({ type: z.literal('folded'), round, node: count, hash, bytes: count }),
  // One segment of what all committed, added up as `sum` asked.
  z.strictObject({ type: z.literal('summed'), round, node: count, segment: count, hash }),
  // No peer and no relay delivers these committed or accepted payloads. Said again every few seconds until it is over:
  // each time the room asks another holder to put them on the relay.
  z.strictObject({ type: z.literal('missing'), round, hashes: z.array(hash).min(1).max(1024) }),
  // The worker now holds the state of `round` (after catching up, or after applying round - 1). An accepted payload that
  // does not decode changes nothing: every worker skips it alike.
  z.strictObject({ type: z.literal('applied'), round, stateHash: hash, traffic }),
  // The leased upload is stored. For an artifact, `evaluation` is the loss on the whole validation part.
  z.strictObject({
    type: z.literal('uploaded'),
    kind: z.enum(['checkpoint', 'artifact']),
    fence: count,
    round,
    stateHash: hash,
    bytes: count,
    evaluation: z.strictObject({ loss: finite, tokens: count, unigramLoss: finite, bigramLoss: finite }).nullable(),
  }),
  // The worker cannot do what the lease asks; the room leases to someone else.
  z.strictObject({
    type: z.literal('declined'),
    kind: z.enum(['checkpoint', 'artifact']),
    fence: count,
    reason: z.string().max(500),
  }),
  z.strictObject({ type: z.literal('pause') }),
  z.strictObject({ type: z.literal('resume') }),
  // The worker wants to leave without harm: it finishes its part of the open round, takes no further one, and goes when the
  // room says `released`, or when it can wait no longer. Said again after a lost connection.
  z.strictObject({ type: z.literal('drain'), reason: z.string().max(500) }),
  z.strictObject({ type: z.literal('leave'), reason: z.string().max(500) }),
]);

const roomMessage = z.discriminatedUnion('type', [
  // Answer to hello: everything needed to catch up. State(round) = checkpoint (or the seed's initial state if null) + log.
  // `committed` and `assign` follow where they apply; a lease from before is over. The worker repeats what a lost
  // connection may have swallowed: `applied` once it holds the state, of the open round its `commit` and `received`, and
  // `pause` if it is paused.
  z.strictObject({
    type: z.literal('welcome'),
    version: z.int(), // the one they speak from here on
    workerId,
    jobId: z.string(),
    round, // the open round, or the one that opens next
    stateHash: hash.nullable(), // of the agreed state of `round`; null until someone reports it
    checkpoint: storedCheckpoint.nullable(),
    log: z.array(closedRound),
    topology: topologyKind,
    peers: z.array(peer), // present members that the receiver works with, itself included
  }),
  // Where many hear of others at once, links are dialled over so many milliseconds: each at some moment, or when it is needed.
  z.strictObject({
    type: z.literal('peers'),
    topology: topologyKind,
    peers: z.array(peer),
    dialMs: count.optional(),
  }),
  // Train now. The same assignment may come again (after a lost connection): go on, or commit again. Another one for the
  // same round replaces it: the round was given up and opened anew.
  z.strictObject({ type: z.literal('assign'), assignment }),
  // Workers of one's group committed: their payloads may be pulled from them (or from the relay) if they do not come by
  // themselves. Whoever has one already says `received`, also if it said so before. In a job with verification all are told at
  // once, when all have committed; before that nobody shows its payload to anyone.
  z.strictObject({ type: z.literal('committed'), round, contributions: z.array(acceptedContribution).min(1) }),
  // Measure these committed contributions on at most so many tokens of held-out text that the seed draws; say `measured`.
  z.strictObject({
    type: z.literal('measure'),
    round,
    seed: z.uint32(),
    tokens: z.int().min(1),
    contributions: z.array(acceptedContribution).min(1),
  }),
  // Instead of training, compute these shards again; say `audited` for each.
  z.strictObject({ type: z.literal('audit'), audits: z.array(audit).min(1) }),
  // Read the stored checkpoint and say `confirmed`: the log before it is forgotten only then.
  z.strictObject({ type: z.literal('confirm'), fence: count, round }),
  // What others found when they checked this worker: whether its work counts, and if not why. A banned one is refused instead.
  z.strictObject({ type: z.literal('standing'), state: z.enum(['good', 'quarantined']), reason: z.string() }),
  // Make one payload of these, in this order, publish it and say `folded`. Every member of the node gets the same bytes.
  z.strictObject({ type: z.literal('fold'), round, node: count, inputs: z.array(acceptedContribution).min(2) }),
  // Add up one of so many segments of these contributions, in this order, from the pieces with these hashes; hold the sum for
  // those who ask, and say `summed`.
  z.strictObject({
    type: z.literal('sum'),
    round,
    node: count,
    segment: count,
    segments: z.int().min(2).max(maxSegments),
    inputs: z.array(acceptedContribution).min(2),
    pieces: z.array(hash).min(2), // in the order of the inputs
  }),
  // All segments are added up: join the sums that these workers have into one payload, hold it and say `folded`.
  z.strictObject({
    type: z.literal('join'),
    round,
    node: count,
    folds: z.int().min(2), // contributions in it
    sums: z.array(z.strictObject({ workerId, hash })).min(2).max(maxSegments), // in the order of the segments
  }),
  z.strictObject({ type: z.literal('close'), closed: closedRound }),
  // The state of `round`, so after applying round - 1.
  z.strictObject({ type: z.literal('agreed'), round, stateHash: hash }),
  // A later checkpoint: payloads of rounds before it need not be held any more.
  z.strictObject({ type: z.literal('checkpointed'), checkpoint: storedCheckpoint }),
  // Catch up from the checkpoint and the log, as after a welcome: the worker's state is not the agreed one, the job was
  // rewound, or the log it replays has moved on. A worker that holds the state of `round` with this hash says `applied`.
  z.strictObject({
    type: z.literal('resync'),
    reason: z.string(),
    round,
    stateHash: hash.nullable(),
    checkpoint: storedCheckpoint.nullable(),
    log: z.array(closedRound),
  }),
  // A worker needs this payload and cannot get it from a peer: whoever holds it puts it on the relay.
  z.strictObject({ type: z.literal('relay'), round, hashes: z.array(hash) }),
  z.strictObject({ type: z.literal('lease'), lease }),
  // To a worker that drains: nothing depends on it any more. It says `leave`.
  z.strictObject({ type: z.literal('released') }),
  z.strictObject({
    type: z.literal('finish'),
    state: z.enum(['completed', 'failed', 'cancelled']),
    reason: z.string(),
  }),
  // The sender's last message was refused. The socket stays open unless the code is unauthorized or unsupported_version.
  z.strictObject({
    type: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    where: z.string().optional(),
    allowed: z.string().optional(),
  }),
]);

export type WorkerMessage = z.infer<typeof workerMessage>;
export type RoomMessage = z.infer<typeof roomMessage>;
export type Peer = z.infer<typeof peer>;
export type Topology = z.infer<typeof topologyKind>;
export type BackendInfo = z.infer<typeof backendInfo>;
export type Assignment = z.infer<typeof assignment>;
export type AcceptedContribution = z.infer<typeof acceptedContribution>;
export type ClosedRound = z.infer<typeof closedRound>;
export type Audit = z.infer<typeof audit>;
export type Lease = z.infer<typeof lease>;
export type StoredCheckpoint = z.infer<typeof storedCheckpoint>;
export type Traffic = z.infer<typeof traffic>;

/** Parses what a worker sent. Throws `message_too_large` or `invalid_message`, naming the field. */
export function parseWorkerMessage(text: string): WorkerMessage {
  return parse(workerMessage, text, maxMessageBytes);
}

/** Parses what a room sent. Throws `message_too_large` or `invalid_message`, naming the field. */
export function parseRoomMessage(text: string): RoomMessage {
  return parse(roomMessage, text, maxRoomMessageBytes);
}

function parse<T>(schema: z.ZodType<T>, text: string, maxBytes: number): T {
  if (isLongerThan(maxBytes, text)) {
    throw new LoomError('message_too_large', `message of ${text.length} characters`, { allowed: `${maxBytes} bytes` });
  }
  const result = schema.safeParse(parseJson(text));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new LoomError('invalid_message', issue?.message ?? 'does not parse', {
    where: issue?.path.join('.') || 'message',
  });
}

/** Counts UTF-8 bytes only where characters leave it open: one is at most three bytes. */
function isLongerThan(maxBytes: number, text: string): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && utf8(text).length > maxBytes);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LoomError('invalid_message', 'not JSON', { cause });
  }
}
