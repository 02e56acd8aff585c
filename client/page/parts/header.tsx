// The name of the place, and whether the coordinator answers.

import type { PageState } from '../state.ts';

export function Header({ state }: { state: PageState }) {
  return (
    <header class="header">
      <a class="skip" href="#job">
        Skip to the job
      </a>
      <h1 class="brand">
        <Mark />
        LoomOS
      </h1>
      <p class="header-note" role="status">
        {state.link === 'offline' ? 'The coordinator does not answer. Trying again.' : ''}
      </p>
    </header>
  );
}

/** Three warp threads and two weft threads, over and under. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path class="warp" d="M6 2v4m0 6v10M12 2v10m0 6v4M18 2v4m0 6v10" />
      <path class="weft" d="M2 9h7m6 0h7M2 15h1m6 0h6m6 0h1" />
    </svg>
  );
}
