// Unpacks the brotli archives that @sparticuz/chromium brings along (SwiftShader, for machines without a GPU driver).

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Folder with SwiftShader's Vulkan driver and loader, unpacked on first use; null where the package brings none. */
export function swiftShaderFolder(root) {
  const archive = join(root, 'node_modules', '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br');
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(archive)) return null;
  const folder = join(root, '.loomos', 'driver', 'swiftshader');
  if (!existsSync(folder)) untar(archive, folder);
  return folder;
}

// Unpacks beside the target and renames, so that a folder which exists is whole.
function untar(archive, folder) {
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const tar = spawnSync('tar', ['-xf', '-', '-C', partial], { input: brotliDecompressSync(readFileSync(archive)) });
  if (tar.status !== 0) throw new Error(`tar could not unpack ${archive}: ${tar.stderr}`);
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else someone else was faster
  }
}
