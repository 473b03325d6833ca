/** Why a block cannot be decoded. The caller adds the file and the block; a Problem never leaves raster/tiff. */
export class Problem extends Error {}
