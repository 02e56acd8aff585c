// The part of the SDK that needs Node: `import … from 'loomos/node'`.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDawn } from '../../kernels/device/dawn.ts';
import { ModelFolder } from '../models/generate/model-folder.ts';
import type { Fingerprint } from '../models/generate/fingerprint.ts';
import type { FingerprintVerdict } from '../../shared/verification/fingerprint.ts';
import type { StartOptions, Writer } from '../models/generate/model-folder.ts';

export type { Fingerprint } from '../models/generate/fingerprint.ts';
export { FingerprintRecorder, parseFingerprint } from '../models/generate/fingerprint.ts';
export type { Piece, StartOptions, WriteOptions, Writer } from '../models/generate/model-folder.ts';
export { ModelFolder } from '../models/generate/model-folder.ts';

/**
 * Opens a trained model: a folder that a job left, or one of Hugging Face's.
 * @throws LoomError `data_unavailable` that says what is wrong with the folder
 * @example
 * const model = await openModelFolder('out/demo');
 * await writeFile('model.onnx', model.onnx());
 */
export function openModelFolder(folder: string): Promise<ModelFolder> {
  const read = async (name: string): Promise<Uint8Array | null> => {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return null;
      throw error;
    }
  };
  return ModelFolder.open(read, folder);
}

/**
 * Starts a model on the fastest device of this machine: GPU, software WebGPU or CPU.
 * @throws LoomError `no_backend` when `backend` is 'webgpu' and there is none
 * @example
 * const writer = await startWriter(await openModelFolder('out/demo'));
 * const options = { tokens: 100, temperature: 0.8, topK: 40, topP: 0.95, seed: 1 };
 * for await (const { text } of writer.write('Call me', options)) process.stdout.write(text);
 * writer.close();
 */
export function startWriter(model: ModelFolder, options: StartOptions = {}): Promise<Writer> {
  return model.start(openDawn, options);
}

/**
 * Whether this model wrote the text of a fingerprint, which `writer.fingerprint` or `loomos generate --fingerprint` gave.
 * @throws LoomError `no_backend` when `backend` is 'webgpu' and there is none
 * @example
 * const fingerprint = parseFingerprint(await readFile('call.json', 'utf8'));
 * const { finding } = await checkText(await openModelFolder('out/demo'), fingerprint);
 */
export function checkText(
  model: ModelFolder,
  fingerprint: Fingerprint,
  options: Pick<StartOptions, 'backend'> = {},
): Promise<FingerprintVerdict> {
  return model.check(openDawn, fingerprint, options);
}
