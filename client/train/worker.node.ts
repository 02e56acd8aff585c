// Entry of a training thread in Node: WebGPU through Dawn where there is a driver, else the CPU backend.

import { workerData } from 'node:worker_threads';
import { chooseDevice } from '../../kernels/device/choose.ts';
import { halfToggles, openDawn } from '../../kernels/device/dawn.ts';
import { LocalTrainer } from './local-trainer.ts';
import { serveTrainer } from './remote.ts';

const trainer = new LocalTrainer((plan, backend) =>
  chooseDevice(() => openDawn({ toggles: halfToggles }), plan, backend),
);
serveTrainer(trainer, workerData as MessagePort);
