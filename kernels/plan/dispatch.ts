// Makes dispatches from generated modules: tensors are given by the name of their binding in the WGSL, so that no binding
// number is ever typed by hand.

import { LoomError } from '../../shared/errors.ts';
import { storedScale } from './half.ts';
import type { Binding, DeviceTraits, Dispatch, Tensor } from './op.ts';

/** One .wgsl file as scripts/generate.mjs describes it. */
export interface WgslModule {
  readonly name: string; // the file's name without .wgsl
  readonly code: string;
  readonly entryPoints: Readonly<Record<string, EntryPoint>>;
}

export interface EntryPoint {
  /** The storage bindings that this entry point reaches. */
  readonly bindings: readonly BindingDescription[];
  readonly required: readonly string[]; // overrides without a default
  readonly optional: readonly string[];
}

export interface BindingDescription {
  readonly number: number; // of group 0
  readonly name: string;
  readonly access: 'read' | 'write';
  readonly type: string;
  /** The alias of f32 that its elements are; absent: they are what `type` says. */
  readonly stored?: string;
}

/** A part of a tensor: see Binding.range. */
export interface TensorSlice {
  readonly tensor: Tensor;
  readonly range: { readonly first: number; readonly elements: number };
}

type BindingName<P extends EntryPoint> = P['bindings'][number]['name'];

export interface DispatchCall<P extends EntryPoint, Name extends string> {
  readonly entryPoint: Name;
  readonly tensors: Readonly<Record<BindingName<P>, Tensor | TensorSlice>>;
  /** Values of the overrides; booleans count as 0 and 1. */
  readonly constants: Readonly<Record<P['required'][number], number | boolean>> &
    Readonly<Partial<Record<P['optional'][number], number | boolean>>>;
  readonly workgroups: readonly [number, number, number];
}

/**
 * One dispatch of an entry point.
 * @param call.tensors one for each binding that the entry point uses, by name
 * @throws LoomError `internal` for a number of workgroups that is not a positive integer
 */
export function dispatch<M extends WgslModule, Name extends keyof M['entryPoints'] & string>(
  module: M,
  call: DispatchCall<M['entryPoints'][Name], Name>,
): Dispatch {
  const { code, name } = module;
  const { entryPoint, workgroups } = call;
  const { bindings } = module.entryPoints[entryPoint]!;
  const tensors: Readonly<Record<string, Tensor | TensorSlice>> = call.tensors;
  const label = `${name}.${entryPoint}`;
  if (!workgroups.every((count) => Number.isSafeInteger(count) && count > 0)) {
    throw new LoomError('internal', `${label} with [${workgroups.join(', ')}] workgroups`);
  }
  const constants = Object.entries<number | boolean>(call.constants).map(([key, value]) => [key, Number(value)]);
  return inHalves(module.entryPoints[entryPoint]!, {
    label,
    code,
    entryPoint,
    constants: Object.fromEntries(constants),
    bindings: bindings.map((binding) => bind(binding, tensors[binding.name]!, module.entryPoints[entryPoint]!)),
    workgroups,
  });
}

function bind(described: BindingDescription, given: Tensor | TensorSlice, { optional }: EntryPoint): Binding {
  const { number, access, stored } = described;
  const place = 'tensor' in given ? given : { tensor: given };
  if (stored === undefined) return { ...place, number, access };
  const takesGradients = optional.includes(scaleName(stored));
  return { ...place, number, access, half: takesGradients ? 'activations and gradients' : 'activations' };
}

/** The override that says how many times its values an array of this type holds: `QkvGradient` has `qkv_gradient_scale`. */
function scaleName(stored: string): string {
  return `${stored.replace(/\B[A-Z]/g, '_$&').toLowerCase()}_scale`;
}

/** The dispatch with f16 in place of f32 where its tensors are stored so. */
function inHalves({ bindings: described }: EntryPoint, dispatch: Dispatch): Dispatch {
  const halves = dispatch.bindings.flatMap(({ tensor }, i) =>
    tensor.dtype === 'f16' ? [{ tensor, ...described[i]! }] : [],
  );
  if (halves.length === 0) return dispatch;
  let { code, constants } = dispatch;
  for (const { tensor, name, stored } of halves) {
    const scale = storedScale(tensor);
    if (stored === undefined) throw new LoomError('internal', `${dispatch.label} cannot have ${name} as f16`);
    code = code.replace(`alias ${stored} = f32;`, `alias ${stored} = f16;`);
    if (scale !== 1) constants = { ...constants, [scaleName(stored)]: scale };
  }
  return { ...dispatch, code: `enable f16;\n${code}`, constants };
}

/**
 * Workgroups for a number of independent items, spread over x and y where x alone has not enough. The WGSL counts
 * `workgroup_id.y * num_workgroups.x + workgroup_id.x`, and returns early beyond the last item.
 * @param items rows, elements, …
 * @param perWorkgroup items that one workgroup handles
 */
export function linearWorkgroups(items: number, perWorkgroup: number, traits: DeviceTraits): [number, number, number] {
  const groups = Math.ceil(items / perWorkgroup);
  const y = Math.ceil(groups / traits.maxWorkgroups);
  return [Math.ceil(groups / y), y, 1];
}
