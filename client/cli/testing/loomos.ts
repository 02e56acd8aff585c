// Runs the command line as its own process, as a user would.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dirname, '..', 'main.ts');

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  process: ChildProcess;
  ended: Promise<Ended>;
  /** What a pattern matches in either stream, once it does. Rejects when the process ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** What it has written so far, both streams. */
  transcript(): string;
}

/** Starts `loomos ARGS` in a folder. */
export function start(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const written = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      written[name] += chunk.toString();
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Ended>((resolve) => child.on('close', (status) => resolve({ status, ...written })));
  const transcript = (): string => written.stderr + written.stdout;
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(transcript());
        if (found === null) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      void ended.then(({ status }) =>
        reject(new Error(`ended with ${status} before it said ${pattern}:\n${transcript()}`)),
      );
      look();
    });
  return { process: child, ended, said, transcript };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'loomos-cli-'));
}

/** A folder with job.yaml, for a tiny model that two workers train, and my.txt, the text it names. */
export function projectFolderWith(text: string, runtime: string): string {
  const folder = newFolder();
  writeFileSync(join(folder, 'my.txt'), text);
  writeFileSync(
    join(folder, 'job.yaml'),
    `apiVersion: loomos.ai/v1
kind: TrainingJob
metadata: { name: own-text }
spec:
  algorithm: lm
  model: { kind: gpt, layers: 1, heads: 2, width: 32, context: 32 }
  data: { source: 'file:./my.txt', validationFraction: 0.1 }
  optimizer: { learningRate: 1.0e-2, batchSize: 8 }
  rounds: { innerSteps: 10 }
  resources: { workers: { min: 2 } }
  runtime: ${runtime}
`,
  );
  return folder;
}

const words = 'the whale the sea the ship the captain and the harpoon said nothing to nobody at all today'.split(' ');

/** Text that letter pairs do not explain: whole words, in an order of its own. */
export function textOf(count: number): string {
  return Array.from({ length: count }, (_, i) => words[(i * i + 3 * i) % words.length]).join(' ');
}
