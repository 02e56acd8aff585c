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
import { jobsCancel } from './commands/jobs-cancel.ts';
import { jobsDescribe } from './commands/jobs-describe.ts';
import { jobsDownload } from './commands/jobs-download.ts';
import { jobsList } from './commands/jobs-list.ts';
import { jobsLogs } from './commands/jobs-logs.ts';
import { jobsSubmit } from './commands/jobs-submit.ts';
import { ledgerVerify } from './commands/ledger-verify.ts';
import { run } from './commands/run.ts';
import { tune } from './commands/tune.ts';
import { up } from './commands/up.ts';
import { worker } from './commands/worker.ts';

export const commands: readonly Command[] = [
  demo,
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
  jobsLogs,
  jobsCancel,
  jobsDownload,
  bansList,
  bansLift,
  ledgerVerify,
  clusterStatus,
  clusterJoin,
  clusterElect,
];
