// What metadata say of the values of a frast file.

/**
 * Metadata entry: 'rgb' in a frast file whose JPEGs have their colours right, which frast's own viewer shows swapped; 'bgr'
 * in another archive whose JPEGs were copied from frast as they are.
 */
export const CHANNEL_ORDER = 'channel_order'

/** Value of the metadata entry `encoding` in an archive whose tiles are terrain copied from frast as it is. */
export const RAW_TERRAIN = 'frast'
