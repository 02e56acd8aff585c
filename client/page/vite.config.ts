// Builds the page into dist/page, which the coordinator's assets binding serves. The gallery is not an entry, so it and its
// examples exist only while `vite` serves the sources.

import { defineConfig } from 'vite';

const coordinator = { target: 'http://127.0.0.1:8787', ws: true };

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
  },
  worker: { format: 'es' },
  // `vite --config client/page/vite.config.ts` beside `npm start`: the sources, on the coordinator that runs there.
  server: { proxy: { '/api': coordinator, '/peerjs': coordinator } },
});
