// A build that takes a second, and what it makes: for tests that interrupt it.
import type { BuildOptions } from '../../src/pyramid/build.js'
import { openTiles } from '../../src/store/read/open.js'
import { fixture } from '../helpers/paths.js'

/** Finer than the image deserves, so that there are many subtrees, each with its commit and checkpoint. */
export const smallBuild = (out: string): BuildOptions => ({
  sources: [fixture('ortho.tif')],
  out,
  zoom: [12, 20],
  bbox: [14.6285, 47.504, 14.6325, 47.507],
  resampling: 'nearest',
  format: 'jpeg',
  quality: 85,
  threads: 1,
  commitEverySeconds: 0,
  name: 'small',
})

/** Every tile by its TileID: type and bytes. */
export function tilesOf(path: string): Map<number, string> {
  const reader = openTiles(path)
  const tiles = new Map<number, string>()
  for (const { z, x, y, id } of reader.tiles()) {
    const tile = reader.get(z, x, y)!
    tiles.set(id, `${tile.type}:${Buffer.from(tile.bytes).toString('latin1')}`)
  }
  reader.close()
  return tiles
}
