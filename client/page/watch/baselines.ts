// The losses of count models on the job's own text, computed here from the text itself, so that the curve has something to
// be compared with before the job's own evaluation exists. Texts too large to fetch for that are left alone.

import type { JobView } from '../../../shared/api/schemas.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { byteVocabulary } from '../../models/tokens/bytes-tokenizer.ts';
import { countLosses } from '../../train/lm/count-models.ts';
import { evaluationWindows, splitData } from '../../train/lm/data.ts';
import { finalEvaluationTokens } from '../../train/lm/evaluate.ts';
import type { Baselines } from '../state.ts';
import { manifestOf } from '../words.ts';

const mostBytes = 4_000_000;

/** Null for a text that is too large, or has other tokens than its bytes. About 20 ms of work for a megabyte. */
export async function baselinesOf(
  job: JobView,
  client: Pick<LoomOSClient, 'downloadDataset'>,
): Promise<Baselines | null> {
  if (job.evaluation !== null) return job.evaluation;
  const { model, data } = manifestOf(job).spec;
  if (job.dataset.bytes > mostBytes || model.kind === 'pretrained') return null;
  const dataset = splitData(await client.downloadDataset(job.dataset.sha256), data.validationFraction, model.context);
  const windows = evaluationWindows(dataset.validation.length, model.context, finalEvaluationTokens);
  const { unigram, bigram } = countLosses(dataset, windows, byteVocabulary);
  return { unigramLoss: unigram, bigramLoss: bigram };
}
