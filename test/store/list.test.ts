// Listing by rectangle: the same tiles a plain filter over all of them finds.
import t from 'tap'
import { tileBoundsLonLat } from '../../src/grid/tiles/mercator.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'

const file = new MemoryFile()
const writer = TileWriter.create(file)
for (let zoom = 0; zoom <= 5; zoom++)
  for (let x = 0; x < 2 ** zoom; x++)
    for (let y = 0; y < 2 ** zoom; y += 2) writer.append(zoom, x, y, Uint8Array.of(zoom, x, y))
writer.commit()
const reader = FlatReader.open(file.reopen(false))
const name = ({ z, x, y }: { z: number; x: number; y: number }): string => `${z}/${x}/${y}`

t.test('bbox', (t) => {
  const boxes: [number, number, number, number][] = [
    [-10, 40, 20, 60],
    [0.1, 0.1, 0.2, 0.2],
    [-180, -85, 180, 85],
    [170, -20, -170, 20],
    [-179.9, 84, -179, 90],
  ]
  for (const bbox of boxes) {
    const [west, south, east, north] = bbox
    const meets = (z: number, x: number, y: number): boolean => {
      const b = tileBoundsLonLat(z, x, y)
      const lon = west <= east ? b.west <= east && b.east > west : b.west <= east || b.east > west
      return lon && b.south < north && b.north >= south
    }
    const wanted = [...reader.tiles()].filter(({ z, x, y }) => meets(z, x, y)).map(name)
    t.same([...reader.tiles({ bbox })].map(name).sort(), wanted.sort(), `${bbox}`)
    t.same(
      [...reader.tiles({ bbox, zoom: 4 })].map(name).sort(),
      wanted.filter((tile) => tile.startsWith('4/')),
      `${bbox} at zoom 4`,
    )
  }
  t.end()
})

t.test('past the antimeridian, by either way of saying it', (t) => {
  const listed = (bbox: [number, number, number, number]): string[] => [...reader.tiles({ bbox })].map(name)
  const crossing = listed([170, -20, -170, 20])
  t.ok(crossing.some((tile) => tile.startsWith('5/0/')) && crossing.some((tile) => tile.startsWith('5/31/')))
  t.same(listed([170, -20, 190, 20]), crossing)
  t.same(listed([-190, -20, -170, 20]), crossing)
  t.same(listed([190, -20, 200, 20]), listed([-170, -20, -160, 20]))
  t.same(listed([-200, -20, 160, 20]), listed([-180, -20, 180, 20]), 'once around')
  t.end()
})

t.test('what is no rectangle', (t) => {
  t.throws(() => [...reader.tiles({ bbox: [0, 10, 1, 5] })], RangeError)
  t.throws(() => [...reader.tiles({ bbox: [0, Number.NaN, 1, 5] })], RangeError)
  t.throws(
    () => [...reader.tiles({ bbox: [0, 0, 1, 1], zoom: 1, range: { minX: 0, minY: 0, maxX: 0, maxY: 0 } })],
    TypeError,
  )
  // metres, and what lies beyond the poles
  t.throws(() => [...reader.tiles({ bbox: [1113194, 6446275, 1224514, 6621293] })], /look like metres/)
  t.throws(() => [...reader.tiles({ bbox: [2 ** 53, 0, 1, 1] })], RangeError)
  t.throws(() => [...reader.tiles({ bbox: [0, 0, 1, 91] })], RangeError)
  t.throws(() => [...reader.tiles({ range: { minX: 0, minY: 0, maxX: 0, maxY: 0 } })], TypeError)
  t.end()
})
