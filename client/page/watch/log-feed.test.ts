import { expect, test } from 'vitest';
import type { LogLine } from '../../../shared/api/schemas.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { createLogFeed } from './log-feed.ts';

const line = (seq: number): LogLine => ({ seq, at: 0, level: 'info', text: `line ${seq}` });

/** Logs that never end by themselves: one line, then silence until they are given up. */
function endlessLogs() {
  const open = new Set<string>();
  const client = {
    async *followLogs(id: string, { signal }: { signal: AbortSignal }) {
      open.add(id);
      yield line(0);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      open.delete(id);
    },
  };
  return { open, client: client as unknown as LoomOSClient };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test('follows one job at a time', async () => {
  const { open, client } = endlessLogs();
  const heard: string[] = [];
  const feed = createLogFeed(client, (id, { seq }) => heard.push(`${id} ${seq}`));
  feed.follow('a');
  feed.follow('a');
  await settled();
  expect([...open]).toEqual(['a']);
  feed.follow('b');
  await settled();
  expect([...open]).toEqual(['b']);
  feed.follow(null);
  await settled();
  expect([...open]).toEqual([]);
  expect(heard).toEqual(['a 0', 'b 0']);
});
