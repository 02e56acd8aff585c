// A finished job's model writes for the visitor, on the visitor's device.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { lossUnit } from '../../../shared/manifest/model.ts';
import { formatBytes } from '../format.ts';
import type { Actions, ShownJob, Writing } from '../state.ts';
import { manifestOf, sentence, splitSample, writingText } from '../words.ts';
import { isBusy } from '../device/writing.ts';

interface Props {
  shown: ShownJob;
  writing: Writing | null; // of this job
  actions: Actions;
}

export function LetItWrite({ shown, writing, actions }: Props) {
  const unit = lossUnit(manifestOf(shown.job).spec.model);
  const bytes = shown.artifacts.find(({ name }) => name === 'model.safetensors')?.bytes ?? 0;
  return (
    <section class="writing" aria-labelledby="writing-title">
      <h3 id="writing-title">Let it write</h3>
      <p class="small">
        The model ({formatBytes(bytes)}) is loaded into this tab and runs on this device. What you type stays here.
      </p>
      <Form shown={shown} writing={writing} actions={actions} />
      {writing !== null && writing.phase !== 'failed' && <Text writing={writing} />}
      {writing !== null && (
        <p class={writing.phase === 'failed' ? 'notice bad' : 'notice'}>{writingText(writing, unit)}</p>
      )}
      <p class="hidden" role="status">
        {writing === null
          ? ''
          : { loading: 'Loading.', writing: 'Writing.', done: 'Done.', failed: sentence(writing.reason) }[
              writing.phase
            ]}
      </p>
    </section>
  );
}

/** One button starts and stops, so that it keeps the focus. */
function Form({ shown, writing, actions }: Props) {
  const [prompt, setPrompt] = useState(() => splitSample(shown.sample ?? '').prompt.trim());
  const [temperature, setTemperature] = useState(0.8);
  const [tokens, setTokens] = useState(300);
  const unit = lossUnit(manifestOf(shown.job).spec.model);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isBusy(writing)) actions.stopWriting();
    else actions.write({ prompt, temperature, tokens });
  };
  return (
    <form class="writing-form" onSubmit={submit}>
      <label class="wide">
        <span>Beginning of the text</span>
        <textarea
          rows={2}
          maxLength={4000}
          required
          spellcheck={false}
          value={prompt}
          onInput={(event) => setPrompt(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>Temperature: {temperature === 0 ? '0, always the likeliest' : temperature.toFixed(1)}</span>
        <input
          type="range"
          min={0}
          max={1.5}
          step={0.1}
          value={temperature}
          onInput={(event) => setTemperature(event.currentTarget.valueAsNumber)}
        />
      </label>
      <label>
        <span>Length in {unit}s</span>
        <input
          type="number"
          inputMode="numeric"
          min={1}
          max={5000}
          required
          value={tokens}
          onInput={(event) => setTokens(event.currentTarget.valueAsNumber)}
        />
      </label>
      <button type="submit" class={isBusy(writing) ? '' : 'primary'}>
        {isBusy(writing) ? 'Stop' : 'Write'}
      </button>
    </form>
  );
}

/** The text follows its end while it grows, unless the visitor scrolled away from there. */
function Text({ writing }: { writing: Writing }) {
  const box = useRef<HTMLQuoteElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (isAtEnd.current) box.current!.scrollTop = box.current!.scrollHeight;
  });
  return (
    <figure class="sample">
      <blockquote
        ref={box}
        tabIndex={0}
        aria-label="What it writes"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          (isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24)
        }
      >
        <span class="prompt">{writing.prompt}</span>
        {writing.text}
        {isBusy(writing) && <span class="caret" aria-hidden="true" />}
      </blockquote>
    </figure>
  );
}
