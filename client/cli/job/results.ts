// Writes what a job left behind into a folder: the model's files as the coordinator has them, report.json and loss.svg.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobView } from '../../../shared/api/schemas.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { verifyLedger } from '../../sdk/verify-ledger.ts';
import { lossSvg } from './loss-svg.ts';
import { writeWhole } from '../out-file.ts';
import { buildReport } from './report.ts';
import type { Report } from './report.ts';

const sampleName = 'sample.txt';

export interface Results {
  report: Report;
  sample: string | null; // text that the trained model wrote
  files: string[]; // names in the folder
}

/** @throws LoomError `invalid_request` when the folder cannot be made. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const message = `${folder} cannot be made (${(cause as NodeJS.ErrnoException).code})`;
    throw new LoomError('invalid_request', message, { where: '--out', allowed: 'a folder that can be written', cause });
  }
}

/** @throws LoomError what the coordinator answers, or `invalid_request` when the folder cannot be made. */
export async function writeResults(client: LoomOSClient, job: JobView, folder: string): Promise<Results> {
  await makeFolder(folder);
  const files = await downloadArtifacts(client, job.id, folder);
  const report = buildReport({ job, ...(await client.jobMetrics(job.id)), ledger: await verifyLedger(client) });
  const title = `${job.name}: loss over ${job.round} rounds`;
  const own = {
    'report.json': `${JSON.stringify(report, null, 2)}\n`,
    'loss.svg': lossSvg({ title, ...report }),
  };
  for (const [name, text] of Object.entries(own)) await writeWhole(join(folder, name), text);
  const sample = files.get(sampleName);
  return {
    report,
    sample: sample === undefined ? null : new TextDecoder().decode(sample),
    files: [...files.keys(), ...Object.keys(own)],
  };
}

/** The artifacts' bytes by name, once they are written. */
async function downloadArtifacts(client: LoomOSClient, id: string, folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { name } of await client.listArtifacts(id)) {
    const bytes = await client.downloadArtifact(id, name);
    await writeWhole(join(folder, name), bytes);
    files.set(name, bytes);
  }
  return files;
}
