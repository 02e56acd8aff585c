// How a product is cut into tiles. The autotuner of an adapter makes these choices, the device carries them, products ask them.

/** Tiles of 64 or 128, and the parts that the sum over k is cut into. */
export interface TileChoice {
  readonly tile: 64 | 128;
  readonly parts: number;
}

/** Choices by shape class, measured on one adapter. */
export type TileChoices = ReadonlyMap<string, TileChoice>;
