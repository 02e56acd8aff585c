// `loomos tune`: measures tile shapes of matrix products on this machine's GPU, and keeps the fastest for later jobs.

import { join } from 'node:path';
import { halfToggles, openDawn } from '../../../kernels/device/dawn.ts';
import { tableName } from '../../../kernels/tune/table.ts';
import type { TunedClass } from '../../../kernels/tune/tune-products.ts';
import { tuneDevice } from '../../../kernels/tune/tuned-device.ts';
import { LoomError } from '../../../shared/errors.ts';
import { openModel } from '../../models/open-model.ts';
import { projectFolder } from '../../node/embed/project.ts';
import { lmPlans } from '../../train/lm/lm-plans.ts';
import { fileTuningStore } from '../../train/thread/tuning-store.node.ts';
import { columns } from '../columns.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { readManifestFile } from '../job/manifest-file.ts';

const minute = 60_000;

export const tune: Command = {
  name: 'tune',
  summary: "measure this GPU's fastest tiles for the products of a job",
  details: `
Tries a few tile shapes for each class of matrix products in the job's training step, compares every one with the
reference, and keeps the fastest in .loomos/tuning, under a name made of the adapter, its driver and the kernels.
Workers do the same by themselves for at most three seconds; this takes its time, and says what it found.`,
  arguments: ['MANIFEST'],
  run: async ({ arguments: [file], terminal }) => {
    const { model, optimizer, precision } = (await readManifestFile(file!)).spec;
    if (model.kind === 'pretrained')
      throw new LoomError('invalid_request', 'a pretrained model has no sizes in its manifest', {
        where: 'spec.model',
        allowed: 'gpt or llama with the sizes of that model',
      });
    const opened = await openDawn({ toggles: halfToggles });
    if ('reason' in opened) throw new LoomError('no_backend', opened.reason);
    const { device } = opened;
    if (device.info.isSoftware)
      throw new LoomError('no_backend', `${device.info.adapter} is no GPU: its kernels have no tiles to choose`);
    const store = fileTuningStore(join(projectFolder, '.loomos', 'tuning'));
    const options = { now: () => performance.now(), measureMs: 200, patienceMs: 10 * minute };
    const plan = lmPlans(openModel(model, null), optimizer).training;
    const tuned = await tuneDevice(device, { plan, precision }, store, options);
    const name = tableName(device.tuning!.key);
    device.destroy();
    terminal.result({ adapter: device.info.adapter, table: name, tuned }, describe(tuned, device.info.adapter, name));
    return exitCode.ok;
  },
};

function describe(tuned: readonly TunedClass[], adapter: string, name: string): string {
  if (tuned.length === 0) return `${adapter}: every product of this job is tuned already (.loomos/tuning/${name}.json)`;
  const rows = tuned.map(({ shapeClass, choice, microseconds, untunedMicroseconds, refused }) => [
    shapeClass,
    `${choice.tile}`,
    `${choice.parts}`,
    microseconds.toFixed(0),
    untunedMicroseconds.toFixed(0),
    `${refused}`,
  ]);
  return [
    adapter,
    columns([['product', 'tile', 'parts', 'us', 'us before', 'refused'], ...rows]),
    `kept in .loomos/tuning/${name}.json`,
  ].join('\n');
}
