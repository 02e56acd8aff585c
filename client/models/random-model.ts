// A decoder that a manifest describes by its sizes: bytes for tokens, first parameters drawn from the job's seed.

import { utf8 } from '../../shared/bytes.ts';
import type { GptSettings, LlamaSettings } from '../../shared/manifest/model.ts';
import { bytesTokenizer, bytesTokenizerJson } from './tokens/bytes-tokenizer.ts';
import type { DecoderShape } from './decoder.ts';
import { gptFiles } from './files/gpt-files.ts';
import { initialParameters } from './initial-parameters.ts';
import { llamaConfig, toLlamaArrays } from './files/llama-files.ts';
import type { LlamaShape } from './llama.ts';
import type { Model } from './model.ts';
import { jsonFile, weightsFile } from './files/model-files.ts';
import { toNamedArrays } from './files/named-arrays.ts';

export function randomModel(settings: GptSettings | LlamaSettings): Model {
  const shape = shapeOf(settings);
  return {
    shape,
    window: shape.context,
    tokenizer: bytesTokenizer,
    initialParameters: (plan, seed) => initialParameters(plan, shape, seed),
    files: (plan, parameters) => [
      ...(shape.kind === 'gpt'
        ? gptFiles(shape, plan, parameters)
        : [
            weightsFile(toLlamaArrays(shape, toNamedArrays(plan, parameters))),
            jsonFile('config.json', llamaConfig(shape)),
          ]),
      { name: 'tokenizer.json', bytes: utf8(bytesTokenizerJson()) },
    ],
  };
}

function shapeOf(settings: GptSettings | LlamaSettings): DecoderShape {
  const vocabulary = bytesTokenizer.vocabulary;
  return settings.kind === 'gpt' ? { ...settings, vocabulary } : { ...llamaShape(settings), vocabulary };
}

/** Tied, as small models are, with 8/3 C of hidden width, so that a gated layer has as many parameters as one of 4 C. */
function llamaShape(settings: LlamaSettings): Omit<LlamaShape, 'vocabulary'> {
  const { kind, layers, heads, width, context, ropeTheta } = settings;
  return {
    kind,
    layers,
    heads,
    kvHeads: settings.kvHeads ?? heads,
    headSize: width / heads,
    width,
    hidden: settings.hidden ?? 16 * Math.ceil(width / 6),
    context,
    rotary: { base: ropeTheta },
    epsilon: 1e-6,
    qkvBias: false,
    tied: true,
  };
}
