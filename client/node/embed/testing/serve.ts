// A coordinator in a process of its own, for tests that kill it: `node serve.ts DATA [PORT]`. Prints where it answers as JSON.

import { startCoordinator } from '../embed.ts';

const [data = '', port = '0'] = process.argv.slice(2);
const { url, ownerToken } = await startCoordinator({
  data,
  port: Number(port),
  portIsFixed: port !== '0',
  page: false,
});
console.log(JSON.stringify({ url, ownerToken }));
