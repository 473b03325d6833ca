// The tiles of a part of a zoom: every kind of archive names those that are there, no others, and each once.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { tileId, tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { openTileSet } from '../../src/interop/open.js'
import { createTiles } from '../../src/store/paths.js'
import { PmtilesReader } from '../../src/store/read/pmtiles-reader.js'
import { holdsUnder, type TileSet } from '../../src/store/read/tile-set.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { mbtilesOf } from '../server/tile-files.js'

const ZOOMS = [0, 3, 9, 12]
const BYTES = new Uint8Array([0xff, 0xd8, 0xff, 1])

/** Clusters and loners, the same each time. */
function somePlaces(): [z: number, x: number, y: number][] {
  const keys = new Set([0])
  for (const zoom of ZOOMS.slice(1)) {
    const count = 4 ** zoom
    for (let i = 0; i < 40; i++) {
      for (let n = 0; n <= (i % 5) * 4; n += (i % 3) + 1)
        keys.add(zoomBase(zoom) + ((i * 3246599 + n) % count))
    }
  }
  return [...keys].map((key) => tileIdToZxy(key))
}

/** In a sealed file, one with a tail and tiles that were removed, a foreign archive, an MBTiles and a folder. */
async function archivesOf(
  places: readonly [number, number, number][],
  directory: string,
): Promise<Record<string, TileSet>> {
  const at = (name: string): string => join(directory, name)
  const flat = (name: string, seals: boolean): void => {
    const writer = createTiles(at(name), { tailRecords: 60 })
    const others = seals ? [] : places.map(([z, x, y]) => [z, x ^ 1, y] as const).filter(([z]) => z > 0)
    for (const [z, x, y] of others) writer.append(z, x, y, BYTES, TileType.jpeg)
    for (const [z, x, y] of places) writer.append(z, x, y, BYTES, TileType.jpeg)
    const wanted = new Set(places.map((place) => tileId(...place)))
    for (const place of others) if (!wanted.has(tileId(...place))) writer.remove(...place)
    writer.commit()
    if (seals) writer.seal()
    writer.close()
  }
  flat('sealed.pmtiles', true)
  flat('growing.pmtiles', false)
  mbtilesOf(
    at('some.mbtiles'),
    places.map(([z, x, y]) => ({ z, x, y, bytes: BYTES })),
    {},
  )
  for (const [z, x, y] of places) {
    const file = at(`folder/${z}/${x}/${y}.jpg`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, BYTES)
  }
  return {
    sealed: await openTileSet(at('sealed.pmtiles')),
    growing: await openTileSet(at('growing.pmtiles')),
    foreign: PmtilesReader.open(new MemoryFile({ bytes: readFileSync(at('sealed.pmtiles')) })),
    mbtiles: await openTileSet(at('some.mbtiles')),
    folder: await openTileSet(at('folder')),
  }
}

t.test('tiles of a range', async (t) => {
  const places = somePlaces()
  const archives = await archivesOf(places, t.testdir())
  const names = (tiles: Iterable<{ z: number; x: number; y: number }>): string[] =>
    [...tiles].map(({ z, x, y }) => `${z}/${x}/${y}`).sort()
  for (const [kind, tiles] of Object.entries(archives)) {
    let found = 0
    for (const zoom of ZOOMS) {
      const side = 2 ** zoom
      const ranges = [
        { minX: -5, minY: -5, maxX: side + 5, maxY: side + 5 },
        { minX: side, minY: 0, maxX: side + 3, maxY: side },
        { minX: side >> 1, minY: 1, maxX: (side >> 1) - 1, maxY: 0 },
        ...places
          .filter(([z], i) => z === zoom && i % 7 === 0)
          .flatMap(([, x, y], i) => [
            { minX: x, minY: y, maxX: x, maxY: y },
            { minX: x - i, minY: y - 1, maxX: x + 1, maxY: y + 2 * i },
            { minX: x - (side >> 2), minY: y, maxX: x + (side >> 3), maxY: y + (side >> 2) },
          ]),
      ]
      for (const range of ranges) {
        const wanted = places
          .filter(
            ([z, x, y]) =>
              z === zoom && x >= range.minX && x <= range.maxX && y >= range.minY && y <= range.maxY,
          )
          .map(([z, x, y]) => ({ z, x, y }))
        t.same(
          names(tiles.tiles({ zoom, range })),
          names(wanted),
          `${kind}: ${JSON.stringify(range)} of zoom ${zoom}`,
        )
        found += wanted.length
      }
    }
    t.ok(found > 1000, `${found} tiles in all`)
  }
  for (const tiles of Object.values(archives)) tiles.close()
})

t.test('whether anything lies under a place', async (t) => {
  const places = somePlaces()
  const archives = await archivesOf(places, t.testdir())
  const under = (z: number, x: number, y: number, depth: number): boolean =>
    places.some(([pz, px, py]) => pz === z + depth && px >> depth === x && py >> depth === y)
  for (const [kind, tiles] of Object.entries(archives)) {
    let [wrong, yes, no] = [0, 0, 0]
    for (let z = 0; z <= 8; z++) {
      for (let i = 0; i < Math.min(60, 4 ** z); i++) {
        const [, x, y] = tileIdToZxy(zoomBase(z) + ((i * 7919) % 4 ** z))
        for (const depth of [0, 1, 3, 4]) {
          const is = under(z, x, y, depth)
          if (is) yes++
          else no++
          if (holdsUnder(tiles, z, x, y, depth) !== is) wrong++
        }
      }
    }
    t.equal(wrong, 0, `${kind}: ${yes} with, ${no} without`)
    t.ok(yes > 50 && no > 50)
  }
  for (const tiles of Object.values(archives)) tiles.close()
})
