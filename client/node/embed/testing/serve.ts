// A coordinator in a process of its own, for tests that kill it: `node serve.ts DATA [PORT]`. Prints where it answers as JSON.

import { startCoordinator } from '../embed.ts';

const { url, ownerToken } = await startCoordinator({ data: process.argv[2]!, port: Number(process.argv[3] ?? 0), page: false });
console.log(JSON.stringify({ url, ownerToken }));
