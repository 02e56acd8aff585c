// The ledger in a corner: how many events, their root, and a button that recomputes it here from the events themselves.

import { formatCount, shortHash } from '../format.ts';
import type { Actions, LedgerCheck, PageState } from '../state.ts';

export function Ledger({ state, actions }: { state: PageState; actions: Actions }) {
  const { ledger, check } = state;
  return (
    <section class="ledger" aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      <p>
        Every round and every accepted piece of work is an event in a log that can only grow. You need not trust it:
        check it.
      </p>
      {ledger !== null && (
        <p class="root">
          {formatCount(ledger.events)} events · root <code title={ledger.root}>{shortHash(ledger.root)}</code>
        </p>
      )}
      <button type="button" onClick={actions.verifyLedger} disabled={ledger === null || check.state === 'running'}>
        Verify in this tab
      </button>
      <p class={`check ${check.state}`} role="status">
        {checkText(check)}
      </p>
    </section>
  );
}

function checkText(check: LedgerCheck): string {
  switch (check.state) {
    case 'none':
      return '';
    case 'running':
      return `Hashed ${formatCount(check.checked)} of ${formatCount(check.events)} events…`;
    case 'verified':
      return `Verified. ${formatCount(check.events)} events, hashed here, give the coordinator’s root ${shortHash(check.root)}.`;
    case 'failed':
      return `Not verified: ${check.reason}.`;
  }
}
