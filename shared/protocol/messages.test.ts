import { expect, test } from 'vitest';
import { LoomError } from '../errors.ts';
import {
  maxMessageBytes,
  maxRoomMessageBytes,
  parseRoomMessage,
  parseWorkerMessage,
  protocolVersion,
} from './messages.ts';
import type { RoomMessage, WorkerMessage } from './messages.ts';

const hash = 'ab'.repeat(32);
const workerId = 'w-00000001';
const traffic = { bytesSent: 1, bytesReceived: 2, peers: 3 };
const contribution = { workerId, hash, bytes: 10, tokens: 20 };
const closed = { round: 3, accepted: [contribution], stateHash: null };
const checkpoint = { round: 2, stateHash: hash, bytes: 1000 };
const peer = { workerId, peerId: 'peer-1', kind: 'node', adapter: 'CPU', group: 0 } as const;
const hello = {
  type: 'hello',
  version: protocolVersion,
  token: 'secret',
  peerId: 'peer-1',
  kind: 'page',
  backend: { kind: 'webgpu', adapter: 'GPU' },
  tokensPerSecond: 12.5,
  holds: { round: 2, stateHash: hash },
} as const;
const commit = {
  type: 'commit',
  round: 1,
  hash,
  bytes: 10,
  tokens: 20,
  loss: 2.5,
  seconds: 1,
  validation: null,
  traffic,
} as const;
const lease = { kind: 'checkpoint', fence: 1, round: 2, expiresMs: 5 } as const;

const workerMessages: WorkerMessage[] = [
  hello,
  commit,
  { type: 'received', round: 1, hashes: [hash] },
  { type: 'folded', round: 1, node: 3, hash, bytes: 10 },
  { type: 'summed', round: 1, node: 0, segment: 2, hash },
  { ...commit, pieces: [hash, hash] },
  { type: 'missing', round: 1, hashes: [hash] },
  { type: 'applied', round: 2, stateHash: hash, traffic },
  { type: 'uploaded', kind: 'checkpoint', fence: 1, round: 2, stateHash: hash, bytes: 5, evaluation: null },
  { type: 'declined', kind: 'artifact', fence: 1, reason: 'no' },
  { type: 'pause' },
  { type: 'resume' },
  { type: 'leave', reason: 'closed the page' },
];

const roomMessages: RoomMessage[] = [
  {
    type: 'welcome',
    version: protocolVersion,
    workerId,
    jobId: 'j-1',
    round: 4,
    stateHash: null,
    checkpoint,
    log: [closed],
    topology: 'mesh',
    peers: [peer],
  },
  { type: 'peers', topology: 'groups', peers: [peer] },
  {
    type: 'assign',
    assignment: { round: 1, slot: 0, seed: 2 ** 32 - 1, steps: 5, learningRate: 0.1, evaluate: true, deadlineMs: 9 },
  },
  { type: 'committed', round: 1, contributions: [contribution] },
  { type: 'fold', round: 1, node: 3, inputs: [contribution, { ...contribution, folds: 2 }] },
  {
    type: 'sum',
    round: 1,
    node: 0,
    segment: 2,
    segments: 3,
    inputs: [contribution, contribution],
    pieces: [hash, hash],
  },
  {
    type: 'join',
    round: 1,
    node: 0,
    folds: 3,
    sums: [
      { workerId, hash },
      { workerId, hash },
    ],
  },
  { type: 'close', closed },
  { type: 'agreed', round: 4, stateHash: hash },
  { type: 'checkpointed', checkpoint },
  { type: 'resync', reason: 'wrong', round: 4, stateHash: hash, checkpoint: null, log: [] },
  { type: 'relay', round: 1, hashes: [hash] },
  { type: 'lease', lease },
  { type: 'finish', state: 'completed', reason: '' },
  { type: 'refused', code: 'conflict', message: 'no', where: 'fence', allowed: '2' },
];

function faultOf(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    return error instanceof LoomError ? error.toJSON() : error;
  }
}

test.each(workerMessages.map((message) => [message.type, message] as const))('a worker may say %s', (_, message) => {
  expect(parseWorkerMessage(JSON.stringify(message))).toEqual(message);
  expect(faultOf(parseWorkerMessage, JSON.stringify({ ...message, extra: 1 }))).toMatchObject({
    code: 'invalid_message',
  });
  expect(faultOf(parseRoomMessage, JSON.stringify(message))).toMatchObject({ code: 'invalid_message', where: 'type' });
});

test.each(roomMessages.map((message) => [message.type, message] as const))('a room may say %s', (_, message) => {
  expect(parseRoomMessage(JSON.stringify(message))).toEqual(message);
  expect(faultOf(parseRoomMessage, JSON.stringify({ ...message, extra: 1 }))).toMatchObject({
    code: 'invalid_message',
  });
  expect(faultOf(parseWorkerMessage, JSON.stringify(message))).toMatchObject({
    code: 'invalid_message',
    where: 'type',
  });
});

test('every field of a message is required', () => {
  for (const key of Object.keys(hello)) {
    const { [key as 'token']: _, ...rest } = hello;
    expect(faultOf(parseWorkerMessage, JSON.stringify(rest))).toMatchObject({ code: 'invalid_message', where: key });
  }
});

test.each([
  ['a hash in capitals', { ...commit, hash: 'AB'.repeat(32) }, 'hash'],
  ['a short hash', { ...commit, hash: 'ab' }, 'hash'],
  ['a negative round', { ...commit, round: -1 }, 'round'],
  ['a fraction of a token', { ...commit, tokens: 0.5 }, 'tokens'],
  ['text for a number', { ...commit, loss: '2.5' }, 'loss'],
  ['a loss that JSON cannot hold', { ...commit, loss: Number.NaN }, 'loss'],
  ['a field inside that is wrong', { ...commit, traffic: { ...traffic, peers: 'x' } }, 'traffic.peers'],
  ['a strange peer id', { ...hello, peerId: 'a b' }, 'peerId'],
  ['a token over its limit', { ...hello, token: 'x'.repeat(5000) }, 'token'],
  ['too many hashes', { type: 'received', round: 1, hashes: Array.from({ length: 1025 }, () => hash) }, 'hashes'],
  ['nothing missing', { type: 'missing', round: 1, hashes: [] }, 'hashes'],
  ['an unknown type', { type: 'shout' }, 'type'],
  ['no type', {}, 'type'],
])('%s is refused with its place', (_, message, where) => {
  expect(faultOf(parseWorkerMessage, JSON.stringify(message))).toMatchObject({ code: 'invalid_message', where });
});

test.each(['', 'hello', '{', '[]', 'null', '5', '"x"'])('%j is no message', (text) => {
  expect(faultOf(parseWorkerMessage, text)).toMatchObject({ code: 'invalid_message' });
});

test('another version of the protocol parses, so that the room can say which one it speaks', () => {
  expect(parseWorkerMessage(JSON.stringify({ ...hello, version: 99 }))).toMatchObject({ version: 99 });
});

test('messages over the limit are refused unread, counted in UTF-8 bytes', () => {
  const padded = (length: number, letter: string) => JSON.stringify({ type: 'leave', reason: letter.repeat(length) });
  const tooLarge = { code: 'message_too_large', allowed: `${maxMessageBytes} bytes` };
  expect(faultOf(parseWorkerMessage, padded(maxMessageBytes, 'x'))).toMatchObject(tooLarge);
  expect(faultOf(parseWorkerMessage, padded(maxMessageBytes / 2, '€'))).toMatchObject(tooLarge);
  expect(faultOf(parseWorkerMessage, padded(maxMessageBytes / 2, 'x'))).toMatchObject({
    code: 'invalid_message',
    where: 'reason',
  });
  expect(faultOf(parseRoomMessage, padded(maxRoomMessageBytes, 'x'))).toMatchObject({ code: 'message_too_large' });
});

test('the longest log a room sends fits into a message', () => {
  const accepted = Array.from({ length: 2048 }, () => ({ ...contribution, bytes: 1e6, tokens: 1e5 }));
  const [welcome] = roomMessages;
  const text = JSON.stringify({ ...welcome, log: [{ ...closed, accepted }] });
  expect(parseRoomMessage(text)).toMatchObject({ type: 'welcome' });
});
