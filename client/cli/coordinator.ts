// Which coordinator a command talks to, and as whom.

import { join } from 'node:path';
import { LoomError } from '../../shared/errors.ts';
import { readHolder } from '../node/embed/claim.ts';
import { projectFolder } from '../node/embed/project.ts';
import { findOwnerToken } from '../node/embed/secrets.ts';
import { LoomOSClient } from '../sdk/client.ts';
import { textOption } from './command.ts';
import type { Call, Option } from './command.ts';

export const defaultPort = 8787;
/** Where `loomos up` keeps what its coordinator remembers. */
export const defaultData = join(projectFolder, '.loomos', 'coordinator');

export const coordinatorOptions: Readonly<Record<string, Option>> = {
  coordinator: { value: 'URL', summary: `where it answers; else LOOMOS_COORDINATOR, else the one on this machine` },
  token: { value: 'TOKEN', summary: 'owner token; else LOOMOS_OWNER_TOKEN, else that of the one on this machine' },
};

/**
 * The coordinator that the options, the environment or a running `loomos up` name.
 * @throws LoomError `invalid_request` when that is no address.
 */
export function coordinatorUrl(call: Call): string {
  const given = textOption(call, 'coordinator') ?? process.env['LOOMOS_COORDINATOR'];
  const url = given ?? readHolder(defaultData)?.url ?? `http://127.0.0.1:${defaultPort}`;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new LoomError('invalid_request', `'${url}' is no address`, {
    where: '--coordinator',
    allowed: 'http://… or https://…',
  });
}

export function clientOf(call: Call): LoomOSClient {
  const url = coordinatorUrl(call);
  const ownToken = isLocal(url) ? findOwnerToken(defaultData) : null;
  const ownerToken = textOption(call, 'token') ?? process.env['LOOMOS_OWNER_TOKEN'] ?? ownToken;
  const fence = fenceOf(process.env['LOOMOS_FENCE']);
  return new LoomOSClient({
    url,
    ...(ownerToken !== null && { ownerToken }),
    ...(fence !== null && { fence: () => fence }),
    attempts: 3,
  });
}

/** That of the leader whose command we are part of, see `loomos cluster join`. */
function fenceOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d+$/.test(text)) return Number(text);
  throw new LoomError('invalid_request', `'${text}' is no fence`, { where: 'LOOMOS_FENCE', allowed: 'a whole number' });
}

function isLocal(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
