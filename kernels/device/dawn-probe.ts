// The child process that dawn.ts looks at a driver from: exit 0 when it works, else 1 with the reason on stdout.

import { probeDawn } from './dawn.ts';

try {
  console.log(await probeDawn());
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
