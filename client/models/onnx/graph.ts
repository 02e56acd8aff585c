// An ONNX graph as it is listed, and its file (onnx/onnx.proto, IR version 8, opset 17: what every runtime of today reads). Values
// are strings, the names that ONNX links nodes by.

import { concat } from '../../../shared/bytes.ts';
import type { Bytes } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import { Message } from './protobuf.ts';

const irVersion = 8;
const opset = 17;
/** What one protobuf message may have; larger models would need their weights in files beside it. */
const mostBytes = 2 ** 31 - 1;

const floatType = 1;
const int64Type = 7;
type ElementType = typeof floatType | typeof int64Type;

/** Integers that are not negative; a number that ONNX wants as a float is { float }. */
export type Attribute = number | readonly number[] | { readonly float: number };

export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  readonly #names = new Set<string>();
  #count = 0;

  /** @param axes a length, or a name for any length */
  input(name: string, type: 'int64' | 'float32', axes: readonly (string | number)[]): string {
    this.#inputs.push(valueInfo(name, type === 'int64' ? int64Type : floatType, axes));
    return name;
  }

  output(name: string, axes: readonly (string | number)[]): void {
    this.#outputs.push(valueInfo(name, floatType, axes));
  }

  /** A weight or table, once a name. */
  floats(name: string, shape: readonly number[], data: Float32Array): string {
    if (this.#names.has(name)) return name;
    this.#names.add(name);
    this.#initializers.push(tensor(name, floatType, shape, littleEndian(data)));
    return name;
  }

  scalar(value: number): string {
    return this.floats(`scalar ${value}`, [], Float32Array.of(value));
  }

  /** A constant int64 scalar. */
  integer(value: number): string {
    return this.#int64s(`integer ${value}`, [], [value]);
  }

  /** A constant int64 vector: shapes, axes. */
  shape(...values: number[]): string {
    return this.#int64s(`shape ${values.join(' ')}`, [values.length], values);
  }

  /** A node with one output, which is returned. @param name of the output; a number without */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name?: string,
  ): string {
    const output = name ?? `${op} ${this.#count++}`;
    this.#add(op, inputs, [output], attributes);
    return output;
  }

  /** Parts of these lengths along an axis. */
  split(value: string, lengths: readonly number[], axis: number): string[] {
    const at = this.#count++;
    const outputs = lengths.map((_, part) => `Split ${at}.${part}`);
    this.#add('Split', [value, this.shape(...lengths)], outputs, { axis });
    return outputs;
  }

  /** @throws LoomError `invalid_request` for a model of 2 GiB or more */
  file(name: string, producer: string): Bytes {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, name);
    for (const weight of this.#initializers) graph.message(5, weight);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const model = new Message().integer(1, irVersion).text(2, producer).message(7, graph);
    model.message(8, new Message().text(1, '').integer(2, opset));
    if (model.length <= mostBytes) return concat(...model.pieces);
    throw new LoomError('invalid_request', `an ONNX file of ${model.length} bytes`, { allowed: `${mostBytes} bytes` });
  }

  #int64s(name: string, shape: readonly number[], values: readonly number[]): string {
    if (this.#names.has(name)) return name;
    this.#names.add(name);
    const bytes = new Uint8Array(8 * values.length);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true);
    this.#initializers.push(tensor(name, int64Type, shape, bytes));
    return name;
  }

  #add(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): void {
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, `node ${this.#nodes.length}`).text(4, op);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    this.#nodes.push(node);
  }
}

function attribute(name: string, value: Attribute): Message {
  const [float, integer, integers] = [1, 2, 7];
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, integer!);
  if ('float' in value) return message.float(2, value.float).integer(20, float!);
  for (const one of value) message.integer(8, one);
  return message.integer(20, integers!);
}

function tensor(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): Message {
  const message = new Message();
  for (const size of shape) message.integer(1, size);
  return message.integer(2, type).text(8, name).bytes(9, data);
}

function valueInfo(name: string, type: ElementType, axes: readonly (string | number)[]): Message {
  const shape = new Message();
  for (const axis of axes) {
    const dimension = new Message();
    shape.message(1, typeof axis === 'number' ? dimension.integer(1, axis) : dimension.text(2, axis));
  }
  const tensorType = new Message().integer(1, type).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensorType));
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
  return bytes;
}
