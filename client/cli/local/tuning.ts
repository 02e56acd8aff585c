// Measuring what `loomos tune` measures, apart from the command: the kernels are loaded only when they are wanted.

import { join } from 'node:path';
import { halfToggles, openDawn } from '../../../kernels/device/dawn.ts';
import { tableName } from '../../../kernels/tune/table.ts';
import type { TunedClass } from '../../../kernels/tune/tune-products.ts';
import { tuneDevice } from '../../../kernels/tune/tuned-device.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { openModel } from '../../models/open-model.ts';
import { projectFolder } from '../../node/embed/project.ts';
import { lmPlans } from '../../train/lm/lm-plans.ts';
import { fileTuningStore } from '../../train/thread/tuning-store.node.ts';

const options = { now: () => performance.now(), measureMs: 200, patienceMs: 600_000 };

export interface Tuning {
  readonly adapter: string;
  readonly table: string; // its name in .loomos/tuning
  readonly tuned: readonly TunedClass[];
}

/**
 * Finds the fastest tiles for the products of a job on this machine's GPU, and keeps them in .loomos/tuning.
 * @throws LoomError `no_backend` without a GPU, `invalid_request` for a model whose sizes the manifest does not name
 */
export async function tuneFor({ spec: { model, optimizer, precision } }: Manifest): Promise<Tuning> {
  if (model.kind === 'pretrained')
    throw new LoomError('invalid_request', 'a pretrained model has no sizes in its manifest', {
      where: 'spec.model',
      allowed: 'gpt or llama with the sizes of that model',
    });
  const opened = await openDawn({ toggles: halfToggles });
  if ('reason' in opened) throw new LoomError('no_backend', opened.reason);
  const { device } = opened;
  const { adapter, isSoftware } = device.info;
  try {
    if (isSoftware) throw new LoomError('no_backend', `${adapter} is no GPU: its kernels have no tiles to choose`);
    const store = fileTuningStore(join(projectFolder, '.loomos', 'tuning'));
    const plan = lmPlans(openModel(model, null), optimizer).training;
    const tuned = await tuneDevice(device, { plan, precision }, store, options);
    return { adapter, table: tableName(device.tuning!.key), tuned };
  } finally {
    device.destroy();
  }
}
