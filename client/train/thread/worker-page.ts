// Entry of a page's training Worker: WebGPU where the browser has it, else the CPU backend.

import { openBrowserGpu } from '../../../kernels/device/browser.ts';
import { chooseDevice } from '../../../kernels/device/choose.ts';
import { openTuned } from '../../../kernels/tune/tuned-device.ts';
import { LocalTrainer } from '../local-trainer.ts';
import { serveTrainer } from './remote.ts';
import { pageTuningStore } from './tuning-store-page.ts';

const trainer = new LocalTrainer((plan, backend, precision) =>
  chooseDevice(() => openTuned(openBrowserGpu, { plan, precision }, pageTuningStore), plan, backend),
);
serveTrainer(trainer, self as unknown as Worker);
