/** Why a block cannot be decoded, before it is known which block of which file it is. Never leaves raster/tiff. */
export class Problem extends Error {}
