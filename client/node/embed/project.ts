// Where the project lies: client/node/embed is three folders below its root.

import { join } from 'node:path';

export const projectFolder = join(import.meta.dirname, '..', '..', '..');
