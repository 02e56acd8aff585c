// A model with LoRA adapters as a `Model`: its parameters are the adapters, its own are frozen, and its files hold both the merged
// model and the adapter alone.

import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { View } from '../../../kernels/plan/op.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { dequantize, quantize } from '../../../kernels/quantize/format.ts';
import { quantizedValues } from '../../../kernels/quantize/quantized-builder.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { AdapterSettings } from '../../../shared/manifest/adapter.ts';
import { createRandom } from '../../../shared/random.ts';
import { listDecoder } from '../decoder.ts';
import type { Model } from '../model.ts';
import { toNamedArrays } from '../files/named-arrays.ts';
import { windows } from '../sequence.ts';
import { isTable } from '../tables.ts';
import { AdaptedBuilder, frozenPrefix } from './adapted-builder.ts';
import type { AdaptedLayer } from './adapted-builder.ts';
import { adapterFiles } from './peft.ts';

const initialStream = 0x6c6f7261; // 'lora': keeps these draws apart from other uses of the seed

/**
 * @param seed the job's, of the frozen weights where they are drawn
 * @throws LoomError `invalid_manifest` for a target that no linear layer has
 */
export function adaptModel(model: Model, settings: AdapterSettings, seed: number): Model {
  const layers = adaptedLayers(model, settings);
  const basePlan = listForward(model);
  checkRank(settings, layers, basePlan);
  const base = model.initialParameters(basePlan, seed);
  if (settings.quantize !== 'none') roundMatrices(basePlan, base, settings.quantize);
  return {
    ...model,
    shape: { ...model.shape, adapter: settings },
    initialParameters,
    frozen: () => frozenValues(basePlan, base, settings),
    files: (plan, parameters) => {
      const merged = base.slice();
      for (const layer of layers) addAdapter(merged, basePlan, parameters, plan, layer, settings);
      return [
        ...model.files(basePlan, merged),
        ...adapterFiles(model.shape, settings, layers, toNamedArrays(plan, parameters)),
      ];
    },
  };
}

/** A as PEFT draws it, evenly within 1 / sqrt(in); B zero, so that training begins at the frozen model. */
function initialParameters(plan: Plan, seed: number): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(plan.parameterCount);
  for (const [index, { name, shape, offset, elements }] of plan.parameters.entries()) {
    if (!name.endsWith('.lora_A.weight')) continue;
    const random = createRandom(seed, initialStream, index);
    const bound = 1 / Math.sqrt(shape[1]!);
    for (let i = 0; i < elements; i++) flat[offset + i] = (2 * random.uniform() - 1) * bound;
  }
  return flat;
}

function listForward(model: Model, builder = new PlanBuilder()): Plan {
  listDecoder(builder, model.shape, windows(builder, builder.input('tokens', [1, 2], 'u32')));
  return builder.finish();
}

function adaptedLayers(model: Model, settings: AdapterSettings): readonly AdaptedLayer[] {
  const list = (targets: AdapterSettings['targets']) => {
    const plan = new PlanBuilder();
    const builder = new AdaptedBuilder(plan, { ...settings, targets });
    listDecoder(builder, model.shape, windows(plan, plan.input('tokens', [1, 2], 'u32')));
    return builder.layers;
  };
  if (settings.targets === 'all-linear') return list('all-linear');
  for (const target of settings.targets)
    if (list([target]).length === 0) throw unknownTarget(target, list('all-linear'));
  return list(settings.targets);
}

/** An adapter that is as large as the layer would train more and learn less. */
function checkRank({ rank }: AdapterSettings, layers: readonly AdaptedLayer[], plan: Plan): void {
  const adapted = plan.parameters.filter(({ name }) => layers.some(({ module }) => name === `${module}.weight`));
  const most = Math.floor(Math.min(...adapted.flatMap(({ shape }) => shape)) / 2);
  if (rank <= most) return;
  throw new LoomError('invalid_manifest', `rank ${rank} is too large for this model`, {
    where: 'spec.adapter.rank',
    allowed: `1 to ${most}`,
  });
}

function unknownTarget(target: string, layers: readonly AdaptedLayer[]): LoomError {
  const names = new Set(layers.map(({ module }) => module.split('.').at(-1)!));
  return new LoomError('invalid_manifest', `no linear layer is named ${target}`, {
    where: 'spec.adapter.targets',
    allowed: [...names].join(', '),
  });
}

/** What the programs of an adapted plan hold besides parameters, by the name of the state. */
function frozenValues(plan: Plan, base: Float32Array, { quantize: format }: AdapterSettings): Map<string, View> {
  const values = new Map<string, View>();
  for (const { name, shape, data } of toNamedArrays(plan, base)) {
    if (format === 'none' || !isLinear(name, shape)) {
      values.set(frozenPrefix + name, data);
      continue;
    }
    for (const [state, packed] of quantizedValues(frozenPrefix + name, data, format)) values.set(state, packed);
  }
  return values;
}

/** Makes the matrices what a device will compute with, so that the merged model is the one whose loss was measured. */
function roundMatrices(plan: Plan, base: Float32Array, format: QuantizedFormat): void {
  for (const { name, shape, data } of toNamedArrays(plan, base)) {
    if (isLinear(name, shape)) data.set(dequantize(quantize(data, format)));
  }
}

function isLinear(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && !isTable(name);
}

/** W += alpha / rank * B A, in the layout of W. */
function addAdapter(
  merged: Float32Array,
  basePlan: Plan,
  parameters: Float32Array,
  plan: Plan,
  { module, layout }: AdaptedLayer,
  { rank, alpha }: AdapterSettings,
): void {
  const find = (of: Plan, flat: Float32Array, name: string) => {
    const { offset, elements, shape } = of.parameters.find((parameter) => parameter.name === `${module}.${name}`)!;
    return { data: flat.subarray(offset, offset + elements), shape };
  };
  const weight = find(basePlan, merged, 'weight').data;
  const a = find(plan, parameters, 'lora_A.weight');
  const b = find(plan, parameters, 'lora_B.weight').data;
  const inputs = a.shape[1]!;
  const outputs = b.length / rank;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      let product = 0;
      for (let r = 0; r < rank; r++) product += b[o * rank + r]! * a.data[r * inputs + i]!;
      const at = layout === 'nn' ? i * outputs + o : o * inputs + i;
      weight[at] = weight[at]! + (alpha / rank) * product;
    }
  }
}
