// What came out of a finished job: its loss beside count models on the same text, the files, and what the model writes.

import { lossUnit } from '../../../shared/manifest/model.ts';
import type { LossUnit } from '../../../shared/manifest/model.ts';
import { countedText } from '../chart/series.ts';
import { formatBytes, formatCount } from '../format.ts';
import type { ShownJob } from '../state.ts';
import { manifestOf, splitSample, verdict } from '../words.ts';

type Evaluation = NonNullable<ShownJob['job']['evaluation']>;

export function Result({ shown, evaluation }: { shown: ShownJob; evaluation: Evaluation }) {
  const unit = lossUnit(manifestOf(shown.job).spec.model);
  return (
    <section class="result" aria-labelledby="result-title">
      <h3 id="result-title">Result</h3>
      <p>{verdict(evaluation, unit)}</p>
      <Comparison evaluation={evaluation} unit={unit} />
      {shown.artifacts.length > 0 && <Downloads shown={shown} />}
      {shown.sample !== null && <Sample text={shown.sample} />}
    </section>
  );
}

function Comparison({ evaluation, unit }: { evaluation: Evaluation; unit: LossUnit }) {
  const { loss, unigramLoss, bigramLoss, tokens } = evaluation;
  const rows = [
    { name: 'This model', value: loss, isOurs: true },
    { name: `Counting pairs of ${countedText(unit)}`, value: bigramLoss, isOurs: false },
    { name: `Counting ${countedText(unit)}`, value: unigramLoss, isOurs: false },
  ];
  const longest = Math.max(...rows.map((row) => row.value));
  return (
    <>
      <dl class="comparison">
        {rows.map((row) => (
          <div key={row.name} class={row.isOurs ? 'ours' : ''}>
            <dt>{row.name}</dt>
            <dd>
              <span class="bar" style={{ inlineSize: `${(row.value / longest) * 100}%` }} />
              <span class="value">{row.value.toFixed(3)}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p class="small">
        Nats per {unit} on {formatCount(tokens)} {unit}s that were kept out of training. Lower is better.
      </p>
    </>
  );
}

function Downloads({ shown }: { shown: ShownJob }) {
  return (
    <ul class="downloads" aria-label="Downloads">
      {shown.artifacts.map(({ name, bytes }) => (
        <li key={name}>
          <a href={`/api/v1/jobs/${shown.job.id}/artifacts/${name}`} download={name}>
            {name}
          </a>
          <span class="size">{formatBytes(bytes)}</span>
        </li>
      ))}
    </ul>
  );
}

function Sample({ text }: { text: string }) {
  const { prompt, written } = splitSample(text);
  return (
    <figure class="sample">
      <figcaption>
        {prompt === '' ? 'What it writes' : 'What it writes after a few words of the text it was not trained on'}
      </figcaption>
      <blockquote>
        <span class="prompt">{prompt}</span>
        {written}
      </blockquote>
    </figure>
  );
}
