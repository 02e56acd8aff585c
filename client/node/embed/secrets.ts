// The secrets of an embedded coordinator: made once, kept in its data folder, readable by the user alone.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Secrets extends Record<string, string> {
  LOOMOS_SECRET: string; // signs worker tokens
  LOOMOS_OWNER_TOKEN: string; // what a job owner authenticates with
}

const fileName = 'secrets.json';

/** The folder's secrets, made on first use. LOOMOS_OWNER_TOKEN in the environment takes precedence. */
export function readSecrets(data: string): Secrets {
  const file = join(data, fileName);
  if (!existsSync(file)) {
    const secrets = { LOOMOS_SECRET: token(), LOOMOS_OWNER_TOKEN: token() };
    writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  }
  const secrets = JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  const given = process.env['LOOMOS_OWNER_TOKEN'];
  return given === undefined ? secrets : { ...secrets, LOOMOS_OWNER_TOKEN: given };
}

/** The owner token that a coordinator embedded on this machine left in its data folder, or null. */
export function findOwnerToken(data: string): string | null {
  return existsSync(join(data, fileName)) ? readSecrets(data).LOOMOS_OWNER_TOKEN : null;
}

function token(): string {
  return randomBytes(24).toString('base64url');
}
