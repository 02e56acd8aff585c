// Entry of a training thread in Node: WebGPU through Dawn where there is a driver, else the CPU backend.

import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { chooseDevice } from '../../../kernels/device/choose.ts';
import { halfToggles, openDawn } from '../../../kernels/device/dawn.ts';
import { openTuned } from '../../../kernels/tune/tuned-device.ts';
import { projectFolder } from '../../node/embed/project.ts';
import { LocalTrainer } from '../local-trainer.ts';
import { serveTrainer } from './remote.ts';
import { fileTuningStore } from './tuning-store.node.ts';

const store = fileTuningStore(join(projectFolder, '.loomos', 'tuning'));
const trainer = new LocalTrainer((plan, backend, precision) =>
  chooseDevice(() => openTuned(() => openDawn({ toggles: halfToggles }), { plan, precision }, store), plan, backend),
);
serveTrainer(trainer, workerData as MessagePort);
