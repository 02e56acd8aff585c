// @tensorflow/tfjs with its WebGPU backend, written with its own gradients and optimizer. Untyped, because the packages are
// installed only when a benchmark runs.

import { meanSize } from '../work.ts';

/** @param tf the bundle of core, gradients and backend that install.mjs makes, loaded where there is a `window` */
export async function openTfjs(tf) {
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs found no WebGPU');
  await tf.ready();
  /** Waits for everything submitted so far, by reading one element. */
  const finish = async (tensor) => {
    const one = tf.tidy(() => tf.slice(tf.reshape(tensor, [-1]), [0], [1]));
    await one.data();
    one.dispose();
  };
  const keepLast = (compute) => {
    let last = null;
    return {
      run() {
        last?.dispose();
        last = tf.tidy(compute);
      },
      finish: () => finish(last),
      last: () => last,
    };
  };

  return {
    name: 'tfjs',
    async gemm({ n, a, b }) {
      const [left, right] = [tf.tensor2d(a, [n, n]), tf.tensor2d(b, [n, n])];
      return keepLast(() => tf.matMul(left, right));
    },
    async attention({ batch, time, heads, headSize, qkv }) {
      const x = tf.tensor2d(qkv, [batch * time, 3 * heads * headSize]);
      const mask = causalMask(tf, time);
      return keepLast(() => attention(tf, x, mask, batch, time, heads));
    },
    async adamw({ elements, gradients }) {
      const p = tf.variable(tf.zeros([elements]), true, 'p');
      const gradient = tf.tensor1d(gradients);
      const optimizer = tf.train.adam(1e-3, 0.9, 0.95, 1e-8);
      return { run: () => tf.tidy(() => optimizer.applyGradients({ p: gradient })), finish: () => finish(p) };
    },
    trainStep: async (task) => openTrainStep(tf, task, finish),
    async forward({ shape, parameters, tokens }) {
      const model = Object.fromEntries(
        Object.entries(parameters).map(([name, { shape: size, data }]) => [name, tf.tensor(data, size)]),
      );
      const ids = tf.tensor1d(Int32Array.from(tokens), 'int32');
      const mask = causalMask(tf, shape.context);
      const work = keepLast(() => gptLogits(tf, shape, model, ids, mask));
      return { ...work, check: async () => meanSize(await work.last().data()) };
    },
  };
}

function openTrainStep(tf, { shape, parameters, tokens, targets }, finish) {
  const model = Object.fromEntries(
    Object.entries(parameters).map(([name, { shape: size, data }]) => [
      name,
      tf.variable(tf.tensor(data, size), true, name),
    ]),
  );
  const [ids, wanted] = [tokens, targets].map((data) => tf.tensor1d(Int32Array.from(data), 'int32'));
  const oneHot = tf.oneHot(wanted, shape.vocabulary);
  const mask = causalMask(tf, shape.context);
  const optimizer = tf.train.adam(1e-3, 0.9, 0.95, 1e-8);
  const last = tf.variable(tf.scalar(0), false);
  return {
    run() {
      const cost = optimizer.minimize(() => gptLoss(tf, shape, model, ids, oneHot, mask), true);
      last.assign(cost);
      cost.dispose();
    },
    finish: () => finish(model['transformer.wte.weight']),
    check: async () => (await last.data())[0],
  };
}

/** [T, T]: 0 for what a position sees, else so low that its weight is 0. */
function causalMask(tf, time) {
  const values = Float32Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? -1e9 : 0));
  return tf.tensor2d(values, [time, time]);
}

/** qkv [B T, 3 C] -> [B T, C] */
function attention(tf, qkv, mask, batch, time, heads) {
  const width = qkv.shape[1] / 3;
  const split = (part) => tf.transpose(tf.reshape(part, [batch, time, heads, width / heads]), [0, 2, 1, 3]); // [B, H, T, D]
  const [q, k, v] = tf.split(qkv, 3, 1).map(split);
  const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads)), mask);
  return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [batch * time, width]);
}

function gptLoss(tf, shape, model, tokens, targets, mask) {
  return tf.losses.softmaxCrossEntropy(targets, gptLogits(tf, shape, model, tokens, mask));
}

function gptLogits(tf, { layers, heads, width, context, batch }, model, tokens, mask) {
  const used = (name) => model[`transformer.${name}`];
  const norm = (x, name) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const scaled = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    return tf.add(tf.mul(scaled, used(`${name}.weight`)), used(`${name}.bias`));
  };
  const linear = (x, name) => tf.add(tf.matMul(x, used(`${name}.weight`)), used(`${name}.bias`));
  const embedded = tf.reshape(tf.gather(used('wte.weight'), tokens), [batch, context, width]);
  let x = tf.reshape(tf.add(embedded, used('wpe.weight')), [batch * context, width]);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(norm(x, `h.${i}.ln_1`), `h.${i}.attn.c_attn`);
    x = tf.add(x, linear(attention(tf, qkv, mask, batch, context, heads), `h.${i}.attn.c_proj`));
    const wide = gelu(tf, linear(norm(x, `h.${i}.ln_2`), `h.${i}.mlp.c_fc`));
    x = tf.add(x, linear(wide, `h.${i}.mlp.c_proj`));
  }
  return tf.matMul(norm(x, 'ln_f'), used('wte.weight'), false, true);
}

function gelu(tf, x) {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}
