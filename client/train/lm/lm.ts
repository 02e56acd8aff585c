// Language modelling: a GPT predicts each next token. Local steps of AdamW or SGD on windows drawn from the assignment's
// seed; the optimizer's moments stay with the worker from round to round (DiLoCo), while parameters begin at the agreed ones.
// Where gradients are exchanged a local step is a batch whose gradient is added, and parameters stay the agreed ones.

import type { Device, Program } from '../../../kernels/device/device.ts';
import { elementsOf } from '../../../kernels/plan/op.ts';
import { utf8 } from '../../../shared/bytes.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import type { Assignment } from '../../../shared/protocol/messages.ts';
import { createRandom } from '../../../shared/random.ts';
import type { Random } from '../../../shared/random.ts';
import { TokenGenerator } from '../../models/generate/token-generator.ts';
import { frozenPrefix } from '../../models/lora/adapted-builder.ts';
import { adaptModel } from '../../models/lora/adapted-model.ts';
import { openModel } from '../../models/open-model.ts';
import type { Model } from '../../models/model.ts';
import { sumsName, writeBatchNumber, writeShare } from './accumulation.ts';
import type { Algorithm, Job, LocalResult, LocalRun, OnProgress } from '../algorithm.ts';
import { choosePrompt } from './choose-prompt.ts';
import { clippedTo } from './clip.ts';
import { countLosses } from './count-models.ts';
import { createBatch, drawBatch, drawWindows, evaluationWindows, splitData } from './data.ts';
import type { Batch, Dataset } from './data.ts';
import { writeDropoutSeed } from './dropout.ts';
import { evaluate, finalEvaluationTokens, roundEvaluationTokens } from './evaluate.ts';
import type { Evaluation } from './evaluate.ts';
import { lmPlans } from './lm-plans.ts';
import type { LmPlans } from './lm-plans.ts';
import { LossLog } from './loss-log.ts';
import { writeHyper } from './optimizers.ts';
import type { Pace } from '../pace.ts';
import type { Artifact } from '../trainer.ts';

type Spec = Manifest['spec'];

/** Steps whose loss is not read back yet: enough to keep a GPU busy, few enough to stop soon. */
const stepsInFlight = 2;
/** Of the text that an artifact shows. */
const sampled = { promptTokens: 48, tokens: 600, temperature: 0.8, topK: 40, topP: 1 };

/**
 * @throws LoomError `data_unavailable` when the data is too small for the manifest's context and validation fraction, or the
 *   weights to begin with are no model
 */
export function languageModel({ manifest: { spec }, data, weights }: Job): Algorithm {
  const whole = openModel(spec.model, weights ?? null);
  const model = spec.adapter ? adaptModel(whole, spec.adapter, spec.seed) : whole;
  const dataset = splitData(model.tokenizer.encode(data), spec.data.validationFraction, model.window);
  const { recompute } = spec.runtime;
  const plans = lmPlans(model, { ...spec.optimizer, recompute, exchange: spec.rounds.exchange });
  return {
    plan: plans.training,
    tokensPerBatch: spec.optimizer.batchSize * model.window,
    initialParameters: () => model.initialParameters(plans.training, spec.seed),
    async open(device) {
      const { precision } = spec;
      const training = await device.compile(plans.training, { precision });
      for (const [name, values] of model.frozen?.() ?? []) training.write(name, values);
      const adding = plans.adding && (await device.compile(plans.adding, { precision, shareWith: training }));
      const evaluation = await device.compile(plans.evaluation, { precision, shareWith: training });
      return new LanguageModelRun(spec, model, dataset, plans, device, { training, adding, evaluation });
    },
  };
}

interface Programs {
  readonly training: Program;
  readonly adding: Program | null; // see LmPlans
  readonly evaluation: Program;
}

/** Which of an assignment's local steps one is. */
type StepPlace = Pick<Assignment, 'steps' | 'learningRate'> & { readonly step: number };

class LanguageModelRun implements LocalRun {
  readonly #spec: Spec;
  readonly #model: Model;
  readonly #dataset: Dataset;
  readonly #plans: LmPlans;
  readonly #device: Device;
  readonly #programs: Programs;
  #optimizerSteps = 0; // since this worker began, for AdamW's bias correction

  constructor(spec: Spec, model: Model, dataset: Dataset, plans: LmPlans, device: Device, programs: Programs) {
    this.#spec = spec;
    this.#model = model;
    this.#dataset = dataset;
    this.#plans = plans;
    this.#device = device;
    this.#programs = programs;
  }

  get program(): Program {
    return this.#programs.training;
  }

  async train(start: Float32Array, assignment: Assignment, pace: Pace, progress: OnProgress): Promise<LocalResult> {
    const { batchSize, accumulate } = this.#spec.optimizer;
    const batch = createBatch(batchSize, this.#model.window);
    const tokensPerStep = batch.tokens.length * accumulate;
    const random = createRandom(assignment.seed);
    const log = new LossLog(assignment, tokensPerStep, pace, progress);
    this.#programs.training.writeParameters(start);
    for (let step = 0; step < assignment.steps; step++) {
      const losses = await this.#step(batch, random, { step, ...assignment }, pace);
      await log.push(meanOf(losses), stepsInFlight);
    }
    await log.drain();
    return {
      tokens: assignment.steps * tokensPerStep,
      loss: log.mean,
    };
  }

  gradient(): Promise<Float32Array> | null {
    const { rounds, optimizer } = this.#spec;
    if (rounds.exchange !== 'gradients') return null;
    return this.program.read(sumsName).then((sums) => clippedTo(optimizer.gradientClip, sums as Float32Array));
  }

  /** One local step over `accumulate` batches; returns the losses that are being read. */
  async #step(batch: Batch, random: Random, place: StepPlace, pace: Pace): Promise<Promise<ArrayLike<number>>[]> {
    const { optimizer } = this.#spec;
    const { training, adding } = this.#programs;
    const losses: Promise<ArrayLike<number>>[] = [];
    const addsUp = this.#spec.rounds.exchange === 'gradients';
    if (!addsUp) writeHyper(training, optimizer, place.learningRate, ++this.#optimizerSteps);
    for (let number = 0; number < optimizer.accumulate; number++) {
      const program = adding !== null && number < optimizer.accumulate - 1 ? adding : training;
      drawBatch(batch, this.#dataset.train, this.#model.window, random);
      program.write('tokens', batch.tokens);
      program.write('targets', batch.targets);
      if (optimizer.dropout > 0) writeDropoutSeed(program, random);
      if (adding !== null) writeBatchNumber(program, number, optimizer.accumulate);
      if (addsUp) writeShare(program, place.step * optimizer.accumulate + number, place.steps * optimizer.accumulate);
      await program.run();
      const loss = program.read('loss');
      loss.catch(() => {}); // when the device is lost, `run` says so first
      losses.push(loss);
      await pace.rest();
    }
    return losses;
  }

  evaluate(parameters: Float32Array, pace: Pace): Promise<Evaluation> {
    return this.#measure(parameters, roundEvaluationTokens, pace);
  }

  async sample(parameters: Float32Array, seed: number, tokens: number, pace: Pace): Promise<number> {
    const windows = drawWindows(this.#dataset.validation.length, this.#model.window, tokens, createRandom(seed));
    this.#programs.training.writeParameters(parameters);
    return (await evaluate(this.#programs.evaluation, this.#dataset.validation, windows, pace)).loss;
  }

  forget(): void {
    const { training } = this.#programs;
    this.#optimizerSteps = 0;
    for (const { name, role, shape, dtype } of training.plan.tensors) {
      const elements = elementsOf(shape);
      if (role === 'state' && !name.startsWith(frozenPrefix))
        training.write(name, dtype === 'u32' ? new Uint32Array(elements) : new Float32Array(elements));
    }
  }

  async artifact(parameters: Float32Array, pace: Pace): Promise<Artifact> {
    const { loss, tokens } = await this.#measure(parameters, finalEvaluationTokens, pace);
    const { unigram, bigram } = countLosses(
      this.#dataset,
      this.#windows(finalEvaluationTokens),
      this.#model.tokenizer.vocabulary,
    );
    return {
      files: [
        ...this.#model.files(this.#plans.training, parameters),
        { name: 'sample.txt', bytes: utf8(await this.#sample(pace)) },
      ],
      evaluation: { loss, tokens, unigramLoss: unigram, bigramLoss: bigram },
    };
  }

  #measure(parameters: Float32Array, tokens: number, pace: Pace): Promise<Evaluation> {
    this.#programs.training.writeParameters(parameters);
    return evaluate(this.#programs.evaluation, this.#dataset.validation, this.#windows(tokens), pace);
  }

  #windows(tokens: number) {
    return evaluationWindows(this.#dataset.validation.length, this.#model.window, tokens);
  }

  /** Text that the parameters last measured write after a few words of the validation part. */
  async #sample(pace: Pace): Promise<string> {
    const { shape, tokenizer, window } = this.#model;
    const options = { shareWith: this.#programs.training, capacity: window, precision: this.#spec.precision };
    const generator = await TokenGenerator.open(this.#device, shape, options);
    const prompt = choosePrompt(this.#dataset.validation, tokenizer, Math.min(sampled.promptTokens, window));
    const written: number[] = [];
    const draw = { ...sampled, seed: this.#spec.seed, rest: () => pace.rest() };
    try {
      for await (const token of generator.generate(prompt, draw)) written.push(token);
    } finally {
      generator.destroy(); // also when it was interrupted: the device is used again
    }
    return `${tokenizer.decode(prompt)}▸${tokenizer.decode(Uint32Array.from(written))}\n`;
  }
}

async function meanOf(losses: readonly Promise<ArrayLike<number>>[]): Promise<readonly number[]> {
  const values = await Promise.all(losses);
  return [values.reduce((sum, value) => sum + value[0]!, 0) / values.length];
}
