// `loomos bans list` and `loomos bans lift WORKER`: workers that were found lying, and letting one take part again.

import type { BanView } from '../../../shared/api/schemas.ts';
import { columns } from '../columns.ts';
import { clientOf, coordinatorOptions } from '../coordinator.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

export const bansList: Command = {
  name: 'bans list',
  summary: 'workers that may take part in no job, and why',
  options: coordinatorOptions,
  run: async (call) => {
    const bans = await clientOf(call).listBans();
    call.terminal.result({ bans }, bans.length === 0 ? 'nobody is banned' : columns([header, ...bans.map(row)]));
    return exitCode.ok;
  },
};

export const bansLift: Command = {
  name: 'bans lift',
  summary: 'let a banned worker take part again, as a newcomer',
  arguments: ['WORKER'],
  options: coordinatorOptions,
  run: async (call) => {
    const ban = await clientOf(call).liftBan(call.arguments[0]!);
    call.terminal.result(ban, `${ban.workerId} may take part again`);
    return exitCode.ok;
  },
};

const header = ['WORKER', 'SINCE', 'UNTIL', 'JOB', 'WHY'];

function row({ workerId, since, until, jobId, reason }: BanView): string[] {
  return [workerId, dayOf(since), dayOf(until), jobId, reason];
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
