// What a WebGPU adapter is called, and whether there is a GPU behind it. Apart, so that a page can ask before it trains.

/** A WebGPU adapter that runs on the CPU: SwiftShader, lavapipe, WARP. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${info.architecture} ${info.description}`);
}

/** For people: 'NVIDIA H100', 'SwiftShader Device (software)'. Browsers tell only vendor and architecture. */
export function adapterName(info: GPUAdapterInfo): string {
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'unnamed GPU';
  return isSoftware(info) ? `${name} (software)` : name;
}
