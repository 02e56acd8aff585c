// The largest elements of each block of 4096 of the flat vector: see block-stream.ts.

import type { CodecBody } from './body.ts';
import { topkBlockElements } from '../../../../kernels/compress/records.ts';
import { readBlocks, streamSizes, writeBlocks } from './block-stream.ts';
import type { Blocks, BlockSettings } from './block-stream.ts';

export function topkBody(settings: BlockSettings): CodecBody {
  return {
    id: 3,
    sizes: (elements) => streamSizes(settings, topkBlocks(elements)),
    write: (difference, body) => writeBlocks(settings, topkBlocks(difference.length), difference, body),
    read: (body, difference) => readBlocks(settings, topkBlocks(difference.length), body, difference),
  };
}

export function topkBlocks(elements: number): Blocks {
  return (visit) => {
    for (let start = 0; start < elements; start += topkBlockElements)
      visit(start, Math.min(topkBlockElements, elements - start));
  };
}
