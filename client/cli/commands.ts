// All commands, in the order of the help text.

import type { Command } from './command.ts';
import { bansLift, bansList } from './commands/bans.ts';
import { check } from './commands/check.ts';
import { clusterElect } from './commands/cluster-elect.ts';
import { clusterJoin } from './commands/cluster-join.ts';
import { clusterStatus } from './commands/cluster-status.ts';
import { demo } from './commands/demo.ts';
import { exportModel } from './commands/export.ts';
import { generate } from './commands/generate.ts';
import { init } from './commands/init.ts';
import { jobsCancel } from './commands/jobs-cancel.ts';
import { jobsDescribe } from './commands/jobs-describe.ts';
import { jobsDownload } from './commands/jobs-download.ts';
import { jobsList } from './commands/jobs-list.ts';
import { jobsLogs } from './commands/jobs-logs.ts';
import { jobsRestart } from './commands/jobs-restart.ts';
import { jobsSubmit } from './commands/jobs-submit.ts';
import { jobsWatch } from './commands/jobs-watch.ts';
import { ledgerBackup } from './commands/ledger-backup.ts';
import { ledgerVerify } from './commands/ledger-verify.ts';
import { run } from './commands/run.ts';
import { tune } from './commands/tune.ts';
import { up } from './commands/up.ts';
import { worker } from './commands/worker.ts';
import { workersList } from './commands/workers-list.ts';

export const commands: readonly Command[] = [
  demo,
  init,
  run,
  up,
  worker,
  tune,
  generate,
  check,
  exportModel,
  jobsSubmit,
  jobsList,
  jobsDescribe,
  jobsWatch,
  jobsLogs,
  jobsCancel,
  jobsRestart,
  jobsDownload,
  workersList,
  bansList,
  bansLift,
  ledgerVerify,
  ledgerBackup,
  clusterStatus,
  clusterJoin,
  clusterElect,
];
