// Entry of the Worker in which a page's model writes.

import { expose } from 'comlink';
import { openBrowserGpu } from '../../../kernels/device/browser.ts';
import { WriterService } from './serve-writer.ts';

expose(new WriterService(openBrowserGpu, () => new Promise((resolve) => setTimeout(resolve))));
