// The flags of WebGPU's specification that we use. Their values are fixed there; Dawn has them only on an object, and the
// DOM library has no types for the globals.

export const bufferUsage = { mapRead: 0x1, copySource: 0x4, copyDestination: 0x8, storage: 0x80 } as const;
export const mapModeRead = 0x1;
export const shaderStageCompute = 0x4;
