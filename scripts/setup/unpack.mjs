// Unpacks what the npm package @sparticuz/chromium brings along (Linux x64) into .loomos/: SwiftShader, for machines without
// a GPU driver, and Chromium for the tests in a browser.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Folder with SwiftShader's Vulkan driver and loader, unpacked on first use; null where the package brings none. */
export function swiftShaderFolder(root) {
  return unpack(root, 'swiftshader', (folder) => untar(archive(root, 'swiftshader.tar.br'), folder));
}

/**
 * Chromium, unpacked on first use with the SwiftShader it renders with, or null where there is none. `env` helps bare
 * systems: the package's own NSS libraries and fonts, where the system has none.
 * @returns {{ executablePath: string, env: Record<string, string> } | null}
 */
export function chromium(root) {
  const folder = unpack(root, 'chromium', (partial) => {
    for (const name of ['swiftshader', 'al2023', 'fonts']) untar(archive(root, `${name}.tar.br`), partial);
    const file = join(partial, 'chromium');
    writeFileSync(file, brotliDecompressSync(readFileSync(archive(root, 'chromium.br'))));
    chmodSync(file, 0o755);
  });
  if (folder === null) return null;
  const executablePath = join(folder, 'chromium');
  const lacksLibraries = /not found/.test(String(spawnSync('ldd', [executablePath]).stdout));
  const lacksFonts = !existsSync('/etc/fonts/fonts.conf');
  return {
    executablePath,
    env: {
      ...(lacksLibraries && { LD_LIBRARY_PATH: join(folder, 'lib') }),
      ...(lacksFonts && { FONTCONFIG_PATH: folder }),
    },
  };
}

const archive = (root, name) => join(root, 'node_modules', '@sparticuz', 'chromium', 'bin', name);

// Fills a folder beside the target and renames it, so that a folder which exists is whole. Its name carries the package's
// version, so that an update unpacks anew.
function unpack(root, name, fill) {
  const packageFile = join(root, 'node_modules', '@sparticuz', 'chromium', 'package.json');
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(packageFile)) return null;
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8'));
  const folder = join(root, '.loomos', 'unpacked', `${name}-${version}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  fill(partial);
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else someone else was faster
  }
  return folder;
}

function untar(file, folder) {
  const tar = spawnSync('tar', ['-xf', '-', '-C', folder], { input: brotliDecompressSync(readFileSync(file)) });
  if (tar.status !== 0) throw new Error(`tar could not unpack ${file}: ${tar.error?.message ?? tar.stderr}`);
}
