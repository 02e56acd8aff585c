// The whole page as a function of its state.

import { Device } from './parts/device.tsx';
import { Header } from './parts/header.tsx';
import { JobPanel } from './parts/job.tsx';
import { RecentJobs } from './parts/jobs.tsx';
import { Ledger } from './parts/ledger.tsx';
import type { Actions, PageState } from './state.ts';

export function App({ state, actions }: { state: PageState; actions: Actions }) {
  return (
    <>
      <Header state={state} />
      <div class="columns">
        <Device state={state} actions={actions} />
        <JobPanel state={state} actions={actions} />
      </div>
      <footer class="footer">
        <RecentJobs state={state} />
        <Ledger state={state} actions={actions} />
      </footer>
    </>
  );
}
