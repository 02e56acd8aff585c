import { expect, test } from 'vitest';
import { describeWgsl } from './wgsl.mjs';

const code = `
// @group(0) @binding(9) var<storage, read> commented: array<f32>;
override rows: u32;
@id(7) override scale: f32 = 1.5;
override unused: bool;
const lanes = 64u;
struct Pair { rows_of: u32, other: f32 };

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<atomic<u32>>;
@group(0) @binding(1) var<storage> b: array<f32>; /* read when nothing is said */
var<workgroup> partial: array<f32, rows>;

fn helper(x: f32) -> f32 { if (x > 0) { return b[0]; } return scale; }

@compute @workgroup_size(lanes)
fn all(@builtin(global_invocation_id) id: vec3u) { partial[0] = helper(a[id.x].x); atomicAdd(&out[0], 1); }

@compute @workgroup_size(1) fn alone() { atomicStore(&out[1], 2u); }
`;

test('an entry point has the bindings and overrides that it reaches, through functions and workgroup memory', () => {
  expect(describeWgsl(code, 'x.wgsl').all).toEqual({
    bindings: [
      { number: 0, name: 'a', access: 'read', type: 'array<vec4f>' },
      { number: 1, name: 'b', access: 'read', type: 'array<f32>' },
      { number: 2, name: 'out', access: 'write', type: 'array<atomic<u32>>' },
    ],
    required: ['rows'],
    optional: ['scale'],
  });
});

test('an entry point has nothing that only others reach', () => {
  const { alone } = describeWgsl(code, 'x.wgsl');
  expect(alone.bindings.map(({ name }) => name)).toEqual(['out']);
  expect([...alone.required, ...alone.optional]).toEqual([]);
});

test('two entry points may use one binding number for different things, but none may use it twice', () => {
  const shared = `
    @group(0) @binding(0) var<storage, read> a: array<f32>;
    @group(0) @binding(0) var<storage, read> b: array<f32>;`;
  const apart = `${shared} @compute @workgroup_size(1) fn f() { _ = a[0]; } @compute @workgroup_size(1) fn g() { _ = b[0]; }`;
  expect(Object.keys(describeWgsl(apart, 'x.wgsl'))).toEqual(['f', 'g']);
  const twice = `${shared} @compute @workgroup_size(1) fn f() { _ = a[0] + b[0]; }`;
  expect(() => describeWgsl(twice, 'x.wgsl')).toThrow('x.wgsl: f: a and b are both at binding 0');
});

test('a file without an entry point is refused', () => {
  expect(() => describeWgsl('const x = 1;', 'x.wgsl')).toThrow('x.wgsl: no @compute function');
});
