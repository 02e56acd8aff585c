// Builds the page into dist/page, which the coordinator's assets binding serves. The gallery is not an entry, so it and its
// examples exist only while `vite` serves the sources.

import { defineConfig, type Plugin } from 'vite';

/** Nothing is loaded from, or sent to, any other place than the coordinator. WebAssembly is the CPU backend. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Only in the build: the development server puts styles and scripts inline. */
function contentSecurityPolicy(): Plugin {
  const tag = {
    tag: 'meta',
    attrs: { 'http-equiv': 'Content-Security-Policy', content: policy },
    injectTo: 'head-prepend',
  } as const;
  return { name: 'content-security-policy', apply: 'build', transformIndexHtml: () => [tag] };
}

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
  },
  worker: { format: 'es' },
  plugins: [contentSecurityPolicy()],
});
