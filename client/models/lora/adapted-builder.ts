// Lists a model with LoRA adapters (Hu et al. 2021, arXiv:2106.09685) without the model's knowing: what it declares as parameters
// becomes frozen state, and each targeted linear layer x W gets s x A^T B^T beside it, whose A and B are the parameters.

import { scale } from '../../../kernels/elementwise/scale.ts';
import { sum } from '../../../kernels/elementwise/sum.ts';
import { matmul } from '../../../kernels/matmul/matmul.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Attributes, DType, Kernel, Op, Tensor, View } from '../../../kernels/plan/op.ts';
import { declareQuantized } from '../../../kernels/quantize/quantized-builder.ts';
import type { QuantizedWeight } from '../../../kernels/quantize/quantized-builder.ts';
import { quantizedMatmul } from '../../../kernels/quantize/quantized-matmul.ts';
import type { AdapterSettings } from '../../../shared/manifest/adapter.ts';
import { isTable } from '../tables.ts';

/** A linear layer with an adapter. */
export interface AdaptedLayer {
  readonly module: string; // 'transformer.h.0.attn.c_attn'
  readonly layout: 'nn' | 'nt'; // its weight is [in, out], or [out, in]
}

/** Of the state that holds a frozen parameter, or its packed words and scales. */
export const frozenPrefix = 'frozen.';

/** The matrix of a linear layer. */
interface FrozenWeight {
  readonly module: string;
  readonly shape: readonly number[];
  /** Null: it lies as it is. */
  readonly quantized: QuantizedWeight | null;
}

/** Everything but parameters and products goes to the builder that the plan is listed on. */
export class AdaptedBuilder extends PlanBuilder {
  readonly layers: AdaptedLayer[] = [];
  readonly #plan: PlanBuilder;
  readonly #settings: AdapterSettings;
  readonly #weights = new Map<Tensor, FrozenWeight>();

  constructor(plan: PlanBuilder, settings: AdapterSettings) {
    super();
    this.#plan = plan;
    this.#settings = settings;
  }

  override parameter(name: string, shape: readonly number[]): Tensor {
    const { quantize } = this.#settings;
    if (shape.length !== 2 || isTable(name)) return this.#plan.state(frozenPrefix + name, shape);
    const module = name.replace(/\.weight$/, '');
    if (quantize === 'none') {
      const weight = this.#plan.state(frozenPrefix + name, shape);
      this.#weights.set(weight, { module, shape, quantized: null });
      return weight;
    }
    const quantized = declareQuantized(this.#plan, frozenPrefix + name, shape, quantize);
    this.#weights.set(quantized.handle, { module, shape, quantized });
    return quantized.handle;
  }

  override op(kernel: Kernel, inputs: readonly Tensor[], attributes: Attributes = {}, names: readonly string[] = []) {
    const weight = kernel === matmul ? this.#weights.get(inputs[1]!) : undefined;
    if (!weight) return this.#plan.op(kernel, inputs, attributes, names);
    if (!isTarget(weight.module, this.#settings.targets)) return this.#frozenProduct(weight, inputs, attributes, names);
    const [base] = this.#frozenProduct(weight, inputs, attributes, ['frozen']);
    return this.#plan.op(
      sum,
      [base, this.#adapter(weight, inputs[0]!, attributes['layout'] as 'nn' | 'nt')],
      {},
      names,
    );
  }

  #frozenProduct(
    { quantized }: FrozenWeight,
    [x, weight, ...bias]: readonly Tensor[],
    attributes: Attributes,
    names: readonly string[],
  ) {
    if (quantized === null) return this.#plan.op(matmul, [x!, weight!, ...bias], attributes, names);
    const inputs = [x!, ...quantized.packed, ...bias];
    return this.#plan.op(quantizedMatmul, inputs, { ...attributes, ...quantized.attributes }, names);
  }

  /** s x A^T B^T. */
  #adapter({ module, shape }: FrozenWeight, x: Tensor, layout: 'nn' | 'nt'): Tensor {
    const { rank, alpha } = this.#settings;
    const [inputs, outputs] = layout === 'nn' ? [shape[0]!, shape[1]!] : [shape[1]!, shape[0]!];
    const a = this.#plan.parameter(`${module}.lora_A.weight`, [rank, inputs], { decay: true });
    const b = this.#plan.parameter(`${module}.lora_B.weight`, [outputs, rank], { decay: true });
    this.layers.push({ module, layout });
    const [low] = this.#plan.op(matmul, [x, a], { layout: 'nt' }, ['adapter']); // [R, rank]
    const [scaled] = this.#plan.op(scale, [low], { factor: alpha / rank }, ['adapter']);
    return this.#plan.op(matmul, [scaled, b], { layout: 'nt' }, ['adapter'])[0]; // [R, out]
  }

  override input(name: string, shape: readonly number[], dtype?: DType): Tensor {
    return this.#plan.input(name, shape, dtype);
  }

  override state(...declared: Parameters<PlanBuilder['state']>): Tensor {
    return this.#plan.state(...declared);
  }

  override constant(name: string, shape: readonly number[], data: View): Tensor {
    return this.#plan.constant(name, shape, data);
  }

  override temporary(...declared: Parameters<PlanBuilder['temporary']>): Tensor {
    return this.#plan.temporary(...declared);
  }

  override segment<T>(list: () => T): T {
    return this.#plan.segment(list);
  }

  override opInto(...call: Parameters<PlanBuilder['opInto']>): void {
    this.#plan.opInto(...call);
  }

  override update(...call: Parameters<PlanBuilder['update']>): void {
    this.#plan.update(...call);
  }

  override list(op: Op): void {
    this.#plan.list(op);
  }

  override readable(tensor: Tensor): Tensor {
    return this.#plan.readable(tensor);
  }
}

/** As PEFT matches: the whole name of a module, or its last parts. */
export function isTarget(module: string, targets: AdapterSettings['targets']): boolean {
  return targets === 'all-linear' || targets.some((target) => module === target || module.endsWith(`.${target}`));
}
