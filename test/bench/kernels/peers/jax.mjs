// @jax-js/jax, written as its documentation does it: whole steps under `jit`. Its arrays are consumed by what they are given to;
// `.ref` keeps one. Untyped, because the package is installed only when a benchmark runs.

import { meanSize } from '../work.ts';

/** @param jax the package's module */
export async function openJax(jax) {
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  const { numpy: np, jit } = jax;
  const finish = (arrays) => jax.blockUntilReady(arrays.map((array) => array.ref));
  const matrix = (data, shape) => np.array(data, { dtype: np.float32 }).reshape(shape);

  return {
    name: 'jax',
    async gemm({ n, a, b }) {
      const [left, right] = [matrix(a, [n, n]), matrix(b, [n, n])];
      const product = jit((x, y) => np.matmul(x, y));
      let last = left;
      // Each product has the last one as its left operand: what nobody waits for is never computed.
      return {
        run() {
          last = product(last, right.ref);
        },
        finish: () => finish([last]),
      };
    },
    async attention({ batch, time, heads, headSize, qkv }) {
      const x = matrix(qkv, [batch, time, 3 * heads * headSize]);
      const attend = jit((all) => attention(jax, all, batch, time, heads, headSize));
      return waitForAll(() => attend(x.ref), finish);
    },
    async adamw({ elements, gradients }) {
      const update = jit((p, m, v, g) => adamwStep(np, p, m, v, g));
      const gradient = matrix(gradients, [elements]);
      let state = [0, 0, 0].map(() => np.zeros([elements]));
      return {
        run() {
          state = update(...state, gradient.ref);
        },
        finish: () => finish(state),
      };
    },
    trainStep: async (task) => openTrainStep(jax, task, matrix, finish),
    async forward({ shape, parameters, tokens }) {
      const model = Object.fromEntries(
        Object.entries(parameters).map(([name, { data, shape: size }]) => [name, matrix(data, size)]),
      );
      const ids = np.array(Int32Array.from(tokens), { dtype: np.int32 });
      const forward = jit((tree, x) => gptLogits(jax, shape, tree, x));
      const compute = () => forward(jax.tree.ref(model), ids.ref);
      return { ...waitForAll(compute, finish), check: async () => meanSize(await compute().data()) };
    },
  };
}

function openTrainStep(jax, { shape, parameters, tokens, targets }, matrix, finish) {
  const { numpy: np, jit } = jax;
  const names = Object.keys(parameters);
  const tree = Object.fromEntries(names.map((name) => [name, matrix(parameters[name].data, parameters[name].shape)]));
  const [ids, wanted] = [tokens, targets].map((data) => np.array(Int32Array.from(data), { dtype: np.int32 }));
  const lossOf = (model, x, y) => gptLoss(jax, shape, model, x, y);
  const step = jit((model, means, variances, x, y) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(jax.tree.ref(model), x, y);
    const next = names.map((name) => adamwStep(np, model[name], means[name], variances[name], gradients[name]));
    const pick = (part) => Object.fromEntries(names.map((name, i) => [name, next[i][part]]));
    return [pick(0), pick(1), pick(2), loss];
  });
  const zeros = () => Object.fromEntries(names.map((name) => [name, np.zeros(parameters[name].shape)]));
  let state = [tree, zeros(), zeros()];
  let loss = null;
  return {
    run() {
      if (loss) loss.dispose();
      const [model, means, variances, value] = step(...state, ids.ref, wanted.ref);
      state = [model, means, variances];
      loss = value;
    },
    finish: () => finish([loss, ...Object.values(state[0])]),
    check: async () => (await loss.ref.data())[0],
  };
}

/** Keeps every result until it is waited for: one that is thrown away before is never computed. */
function waitForAll(compute, finish) {
  let results = [];
  return {
    run() {
      results.push(compute());
    },
    async finish() {
      await finish(results);
      for (const array of results) array.dispose();
      results = [];
    },
  };
}

/** AdamW without bias correction, clipping and decay: the least work that can be called AdamW. */
function adamwStep(np, p, m, v, g) {
  const mean = m.mul(0.9).add(g.ref.mul(0.1));
  const variance = v.mul(0.95).add(g.ref.mul(g).mul(0.05));
  const next = p.sub(mean.ref.mul(1e-3).div(np.sqrt(variance.ref).add(1e-8)));
  return [next, mean, variance];
}

/** qkv [B, T, 3 H D] -> [B * T, H D] */
function attention({ numpy: np, nn }, qkv, batch, time, heads, headSize) {
  const [q, k, v] = np.split(qkv, 3, -1).map((part) => part.reshape([batch, time, heads, headSize]));
  return nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([batch * time, heads * headSize]);
}

function gptLoss(jax, shape, model, tokens, targets) {
  const { numpy: np, nn } = jax;
  const logits = gptLogits(jax, shape, model, tokens);
  const picked = nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, shape.vocabulary));
  return np.sum(picked).mul(-1 / (shape.batch * shape.context));
}

function gptLogits(jax, { layers, heads, width, context, vocabulary, batch }, model, tokens) {
  const { numpy: np, nn } = jax;
  const used = (name) => model[`transformer.${name}`].ref;
  const norm = (x, name) =>
    nn
      .standardize(x, -1, { epsilon: 1e-5 })
      .mul(used(`${name}.weight`))
      .add(used(`${name}.bias`));
  const linear = (x, name) => np.matmul(x, used(`${name}.weight`)).add(used(`${name}.bias`));
  const embedded = np.matmul(nn.oneHot(tokens, vocabulary), used('wte.weight')).reshape([batch, context, width]);
  let x = embedded.add(used('wpe.weight')).reshape([batch * context, width]);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(norm(x.ref, `h.${i}.ln_1`), `h.${i}.attn.c_attn`).reshape([batch, context, 3 * width]);
    x = x.add(linear(attention(jax, qkv, batch, context, heads, width / heads), `h.${i}.attn.c_proj`));
    const wide = nn.gelu(linear(norm(x.ref, `h.${i}.ln_2`), `h.${i}.mlp.c_fc`));
    x = x.add(linear(wide, `h.${i}.mlp.c_proj`));
  }
  return np.matmul(norm(x, 'ln_f'), np.transpose(used('wte.weight')));
}
