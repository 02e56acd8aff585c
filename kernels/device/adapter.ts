// What a WebGPU adapter is called, and whether there is a GPU behind it. Apart, so that a page can ask before it trains.

/** A WebGPU adapter that runs on the CPU: SwiftShader, lavapipe, WARP. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${info.architecture} ${info.description}`);
}

/** For people: 'NVIDIA H100', 'Apple Metal-3', 'Google SwiftShader (software)'. Browsers tell only vendor and architecture. */
export function adapterName(info: GPUAdapterInfo): string {
  const known = [info.vendor, info.architecture].filter((word) => word !== '').map(spell);
  const name = info.description || known.join(' ') || 'unnamed GPU';
  return isSoftware(info) ? `${name} (software)` : name;
}

const spellings: Readonly<Record<string, string>> = {
  nvidia: 'NVIDIA',
  amd: 'AMD',
  arm: 'Arm',
  swiftshader: 'SwiftShader',
};

/** Browsers give names in lower case with dashes: 'gen-12lp', 'rdna-3', 'metal-3'. */
function spell(word: string): string {
  return spellings[word] ?? word.replace(/^rdna/, 'RDNA').replace(/^[a-z]/, (letter) => letter.toUpperCase());
}
