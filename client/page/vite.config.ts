// Builds the page into dist/page, which the coordinator's assets binding serves. The gallery is not an entry, so it and its
// examples exist only while `vite` serves the sources.

import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
  },
  worker: { format: 'es' },
});
