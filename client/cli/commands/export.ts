// `loomos export DIR`: a trained model in another format.

import { join } from 'node:path';
import { LoomError } from '../../../shared/errors.ts';
import { textOption } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { checkFree, forceOption, writeNamed } from '../out-file.ts';

export const exportModel: Command = {
  name: 'export',
  summary: 'a trained model in another format: ONNX',
  details: `
Writes DIR/model.onnx: input_ids int64 [batch, time] -> logits [batch, time, vocabulary], batch and time as you like, with
standard operators (opset 17) that onnxruntime and onnxruntime-web run.

  loomos export out/demo --format onnx`,
  arguments: ['DIR'],
  options: {
    format: { value: 'FORMAT', summary: 'onnx', default: 'onnx' },
    out: { value: 'FILE', summary: 'the file to write (default DIR/model.onnx)' },
    ...forceOption,
  },
  run: async (call) => {
    const folder = call.arguments[0]!;
    const format = textOption(call, 'format');
    if (format !== 'onnx')
      throw new LoomError('invalid_request', `'${format}' is no format`, { where: '--format', allowed: 'onnx' });
    const file = textOption(call, 'out') ?? join(folder, 'model.onnx');
    checkFree(call, file, 'out');
    const { openModelFolder } = await import('../../sdk/node.ts'); // the kernels: nothing other commands need
    const bytes = (await openModelFolder(folder)).onnx();
    await writeNamed(file, bytes, 'out');
    call.terminal.result({ file, bytes: bytes.length }, `${file}: ${(bytes.length / 1e6).toFixed(1)} MB`);
    return exitCode.ok;
  },
};
