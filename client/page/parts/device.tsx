// This visitor's device: the offer before, and the instruments while it contributes.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { WorkerSnapshot } from '../../worker/events.ts';
import { formatBytes, formatCount, formatDuration, formatRate, formatShare } from '../format.ts';
import { isContributing, type Actions, type PageState } from '../state.ts';
import { announcement, phaseText, sentence, stepText } from '../words.ts';

export function Device({ state, actions }: { state: PageState; actions: Actions }) {
  const isWorking = isContributing(state);
  const snapshot = useSteady(state.contribution);
  return (
    <section class="device" aria-label="This device" tabIndex={-1} ref={useKeptFocus(isWorking)}>
      {snapshot !== null && isWorking ? (
        <Working state={state} snapshot={snapshot} actions={actions} />
      ) : (
        <Offer state={state} actions={actions} />
      )}
      <p class="hidden" role="status">
        {announcement(snapshot)}
      </p>
    </section>
  );
}

/** Between two rounds a worker waits for a moment. Only a wait that lasts is shown, and read aloud, as one. */
function useSteady(snapshot: WorkerSnapshot | null): WorkerSnapshot | null {
  const isWaiting = snapshot?.phase === 'idle' && snapshot.jobId !== null;
  const [isLasting, setLasting] = useState(false);
  useEffect(() => {
    if (!isWaiting) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), 1500);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  return isWaiting && !isLasting ? { ...snapshot, phase: 'exchanging' } : snapshot;
}

/** Contribute and Stop vanish when they are pressed: the focus stays in this section, not at the top of the page. */
function useKeptFocus(isWorking: boolean) {
  const section = useRef<HTMLElement>(null);
  const was = useRef(isWorking);
  useLayoutEffect(() => {
    if (was.current === isWorking) return;
    was.current = isWorking;
    if (document.activeElement === document.body) section.current!.focus({ preventScroll: true });
  }, [isWorking]);
  return section;
}

function Offer({ state, actions }: { state: PageState; actions: Actions }) {
  const { gpu, contribution } = state;
  return (
    <>
      <h2 class="offer">Lend this tab to a model in training.</h2>
      <p>
        Open tabs and headless workers train one language model together. Each computes on its own, then sends what it
        learnt straight to the others.
      </p>
      <button class="primary" type="button" onClick={actions.contribute} disabled={gpu.state === 'checking'}>
        {gpu.state === 'missing' ? 'Contribute this CPU' : 'Contribute this GPU'}
      </button>
      <p class="adapter">
        {gpu.state === 'ready' ? `${gpu.adapter} · WebGPU` : gpu.state === 'checking' ? 'Looking for WebGPU' : gpu.why}
      </p>
      {contribution !== null && <LastRun snapshot={contribution} />}
      <ul class="terms">
        <li>Nothing is installed, and none of your files are read.</li>
        <li>It uses power and some network; a slider sets how much.</li>
        <li>Close the tab and you are out. The job goes on.</li>
      </ul>
    </>
  );
}

/** Why the last contribution ended, and what it came to. */
function LastRun({ snapshot }: { snapshot: WorkerSnapshot }) {
  const work =
    snapshot.tokensTrained > 0
      ? ` Accepted from this device: ${formatCount(snapshot.tokensTrained)} tokens in ${snapshot.roundsAccepted} rounds.`
      : '';
  return (
    <p class={snapshot.phase === 'failed' ? 'notice bad' : 'notice'}>
      {snapshot.phase === 'stopped' ? 'You stopped.' : sentence(snapshot.reason)}
      {work}
    </p>
  );
}

function Working({ state, snapshot, actions }: { state: PageState; snapshot: WorkerSnapshot; actions: Actions }) {
  const isPaused = snapshot.phase === 'paused';
  const job = state.jobs.find(({ id }) => id === snapshot.jobId);
  return (
    <>
      <Phase snapshot={snapshot} isFinishing={job?.state === 'finishing' && !isPaused} />
      {snapshot.warning !== '' && <p class="notice bad">{snapshot.warning}</p>}
      <Readouts snapshot={snapshot} jobTokens={job?.tokens ?? 0} />
      <div class="controls">
        <button
          type="button"
          onClick={isPaused ? actions.resume : actions.pause}
          disabled={snapshot.phase === 'finished'}
        >
          {isPaused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" onClick={actions.stop}>
          Stop
        </button>
        <LoadSlider load={state.load} setLoad={actions.setLoad} />
      </div>
      <Notes state={state} snapshot={snapshot} />
    </>
  );
}

function Phase({ snapshot, isFinishing }: { snapshot: WorkerSnapshot; isFinishing: boolean }) {
  const { phase, step, steps } = snapshot;
  const isCounting = !isFinishing && (phase === 'training' || phase === 'exchanging');
  return (
    <>
      <h2 class="phase">{isFinishing ? 'Finishing' : phaseText(snapshot)}</h2>
      <progress class="steps" max={Math.max(1, steps)} value={isCounting ? step : 0} aria-label="Steps of this round" />
      <p class="steps-text">{isFinishing ? 'The model is being measured and stored.' : stepText(snapshot)}</p>
    </>
  );
}

function Readouts({ snapshot, jobTokens }: { snapshot: WorkerSnapshot; jobTokens: number }) {
  const { backend, exchange, jobId, tokensPerSecond, tokensTrained } = snapshot;
  const share = jobId === null ? '–' : formatShare(jobTokens > 0 ? Math.min(1, tokensTrained / jobTokens) : 0);
  return (
    <dl class="readouts">
      <Readout name="Runs on" value={backend === null ? '–' : backend.adapter} isText />
      <Readout name="Speed" value={jobId === null ? '0' : formatRate(tokensPerSecond)} unit="tokens/s" />
      <Readout name="Share of the work" value={share} unit={`${formatCount(tokensTrained)} tokens`} />
      <Readout name="Sent" value={formatBytes(exchange.bytesSent)} />
      <Readout name="Received" value={formatBytes(exchange.bytesReceived)} />
    </dl>
  );
}

function Readout({ name, value, unit, isText }: { name: string; value: string; unit?: string; isText?: boolean }) {
  return (
    <div class={isText ? 'readout wide' : 'readout'}>
      <dt>{name}</dt>
      <dd>
        {value}
        {unit !== undefined && <span class="unit"> {unit}</span>}
      </dd>
    </div>
  );
}

function LoadSlider({ load, setLoad }: { load: number; setLoad: (fraction: number) => void }) {
  const percent = Math.round(load * 100);
  return (
    <label class="load">
      <span>Load</span>
      <input
        type="range"
        min={5}
        max={100}
        step={5}
        value={percent}
        aria-valuetext={`${percent}% of the time`}
        onInput={(event) => setLoad(event.currentTarget.valueAsNumber / 100)}
      />
      <output>{percent}%</output>
    </label>
  );
}

/** What the visitor may want to know about this run: the choice of backend, the screen, a browser that slows us down. */
function Notes({ state, snapshot }: { state: PageState; snapshot: WorkerSnapshot }) {
  return (
    <div class="notes">
      {state.gpu.state === 'missing' && <p>{state.gpu.why}</p>}
      {snapshot.backend !== null && (
        <p>
          {snapshot.backend.why} The model has {formatCount(snapshot.backend.parameterCount)} parameters.
        </p>
      )}
      {state.awake && <p>The screen stays on while this tab contributes.</p>}
      {state.throttledMs > 2000 && (
        <p>
          While this tab was hidden, the browser held it up for {formatDuration(state.throttledMs)} at a time. In a
          window of its own it runs at full speed.
        </p>
      )}
    </div>
  );
}
