// `loomos cluster join`: a node on this machine that may lead the cluster; it runs a command while it does.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { LoomError } from '../../../shared/errors.ts';
import type { ClusterNode } from '../../sdk/cluster-node.ts';
import { clientOf, coordinatorOptions, coordinatorUrl } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Call, Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { wholeNumber } from '../parse.ts';

/** Runs $1, and ends all of its process group as soon as we are gone, however we went: our end of its standard input closes. */
const guarded = `
exec 3<&0 </dev/null
(cat <&3; trap '' TERM; kill -TERM 0; sleep 8; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&-
exec sh -c "$1"`;

/** A command that does not end when its node leads no more is ended. */
const graceMs = 8000;

export const clusterJoin: Command = {
  name: 'cluster join',
  summary: 'take part in leading the cluster; run a command while this node leads',
  details: `
Of all nodes that join, one leads. Where it vanishes another takes over within its lease. The command is ended (SIGTERM) before
the next leader begins; it finds LOOMOS_FENCE in its environment, with which \`loomos\` commands are refused once another leads.

  loomos cluster join --node a --run './submit-nightly.sh'`,
  options: {
    ...coordinatorOptions,
    node: { value: 'NAME', summary: 'name of this node' },
    run: { value: 'COMMAND', summary: 'what to run in a shell while this node leads' },
    observer: { summary: 'watch, and never lead' },
    lease: { value: 'SECONDS', summary: 'how long a silent leader is waited for', default: '15' },
  },
  endsItself: true,
  run: async (call) => {
    const { terminal, signal } = call;
    const node = clientOf(call).joinCluster({
      nodeId: nameOf(call),
      observer: call.options['observer'] === true,
      leaseMs: wholeNumber(textOption(call, 'lease')!, 'lease', 1, 600) * 1000,
    });
    const service = new Service(textOption(call, 'run') ?? null, call, node);
    node.onRoleChange(async (before, now) => {
      const fence = now === 'leader' ? `, fence ${node.fence}` : '';
      const text = `${node.nodeId}: ${before} -> ${now}${fence}`;
      terminal.print(terminal.isJson ? JSON.stringify({ nodeId: node.nodeId, before, now, fence: node.fence }) : text);
      if (now === 'leader') service.start();
      else await service.stop();
    });
    terminal.say(`${node.nodeId} takes part in ${coordinatorUrl(call)} (Ctrl-C leaves)`);
    const stop = (): void => void node.stop().catch(() => undefined); // `done` says it too
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await node.done;
    return service.code ?? exitCode.ok;
  },
};

function nameOf(call: Call): string {
  const name = textOption(call, 'node') ?? '';
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  throw new LoomError('invalid_request', name === '' ? 'is missing' : `cannot be '${name}'`, {
    where: '--node',
    allowed: 'letters, digits, . _ -',
  });
}

/** The command of a leader. When it ends by itself, the node leaves with its exit code. */
class Service {
  code: number | null = null;
  readonly #command: string | null;
  readonly #call: Call;
  readonly #node: ClusterNode<unknown>;
  #child: ChildProcess | null = null;

  constructor(command: string | null, call: Call, node: ClusterNode<unknown>) {
    this.#command = command;
    this.#call = call;
    this.#node = node;
  }

  start(): void {
    if (this.#command === null) return;
    const token = textOption(this.#call, 'token');
    const env = {
      ...process.env,
      LOOMOS_COORDINATOR: coordinatorUrl(this.#call),
      LOOMOS_FENCE: String(this.#node.fence),
      ...(token !== undefined && { LOOMOS_OWNER_TOKEN: token }),
    };
    const child = spawn('sh', ['-c', guarded, 'sh', this.#command], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env,
      detached: true, // a process group of its own, so that all of it can be ended
    });
    this.#child = child;
    const over = (code: number | null): void => {
      child.stdin.end();
      if (this.#child !== child) return; // we ended it
      this.code = code ?? exitCode.failed;
      void this.#node.stop().catch(() => undefined);
    };
    child.on('exit', over);
    child.on('error', ({ message }) => {
      this.#call.terminal.say(`the command could not be started: ${message}`);
      over(null);
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    signalGroup(child, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  }
}

/** The shell and what it started. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // it has just ended
  }
}
