import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { expect, test } from 'vitest';
import { choosePort } from './port.ts';

const host = '127.0.0.1';

/** A server that holds a port of its own. */
async function holder(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

test('a fixed port that a dying process still holds is waited for, and that is said', async () => {
  const { server, port } = await holder();
  const said: string[] = [];
  const log = (line: string): void => {
    said.push(line);
    server.close();
  };
  expect(await choosePort({ host, preferred: port, isFixed: true, log })).toBe(port);
  expect(said).toEqual([`port ${port} is taken: waiting up to 15 s for whoever has it to end`]);
});

test('a fixed port that stays taken is a conflict, a preferred one gives way', async () => {
  const { server, port } = await holder();
  const log = (): void => undefined;
  const fixed = choosePort({ host, preferred: port, isFixed: true, log, patienceMs: 0 });
  await expect(fixed).rejects.toMatchObject({ code: 'conflict', where: '--port' });
  expect(await choosePort({ host, preferred: port, isFixed: false, log })).not.toBe(port);
  server.close();
});
