/** The deepest zoom: its TileIDs are below 2^53, its coordinates fit 32 bits. */
export const MAX_ZOOM = 26
