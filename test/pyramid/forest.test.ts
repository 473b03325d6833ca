import fc from 'fast-check'
import t from 'tap'
import { parentRange, type TileRange } from '../../src/grid/tiles/cover.js'
import { countAll, unionRanges } from '../../src/grid/tiles/ranges.js'
import { countUnits, tilesOfUnit, type Unit, unitsOf } from '../../src/pyramid/plan/forest.js'
import type { PlanLevel } from '../../src/pyramid/plan/plan.js'
import { PlannedTiles } from '../../src/pyramid/plan/planned-tiles.js'
import { rootsOf, subtreeAt } from '../../src/pyramid/plan/roots.js'

/** Tiles of each zoom and their parents up to `minZoom`. */
function levelsOf(own: ReadonlyMap<number, readonly TileRange[]>, minZoom: number): PlanLevel[] {
  const levels: PlanLevel[] = []
  let below: readonly TileRange[] = []
  for (let zoom = Math.max(...own.keys()); zoom >= minZoom; zoom--) {
    below = unionRanges([...(own.get(zoom) ?? []), ...below.map((range) => parentRange(range))])
    levels.unshift({ zoom, ranges: below, tiles: countAll(below) })
  }
  return levels
}

const key = (zoom: number, x: number, y: number): string => `${zoom}/${x}/${y}`

function tilesIn(levels: readonly PlanLevel[]): string[] {
  return levels.flatMap(({ zoom, ranges }) =>
    ranges.flatMap(({ minX, minY, maxX, maxY }) => {
      const tiles: string[] = []
      for (let y = minY; y <= maxY; y++) for (let x = minX; x <= maxX; x++) tiles.push(key(zoom, x, y))
      return tiles
    }),
  )
}

const MAX = 7
const ownRanges = fc
  .array(
    fc
      .tuple(fc.integer({ min: 1, max: MAX }), fc.nat(), fc.nat(), fc.nat(5), fc.nat(5))
      .map(([zoom, x, y, w, h]) => {
        const n = 2 ** zoom
        const range: TileRange = {
          minX: x % n,
          minY: y % n,
          maxX: Math.min(n - 1, (x % n) + w),
          maxY: Math.min(n - 1, (y % n) + h),
        }
        return [zoom, range] as const
      }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => {
    const own = new Map<number, TileRange[]>()
    for (const [zoom, range] of list) own.set(zoom, [...(own.get(zoom) ?? []), range])
    return own
  })

t.test('every planned tile is in one unit, children come before their parents, and counts agree', (t) => {
  fc.assert(
    fc.property(ownRanges, fc.nat(3), fc.nat(2), (own, treeDepth, lowest) => {
      const maxZoom = Math.max(...own.keys())
      const minZoom = Math.min(lowest, ...own.keys())
      const levels = levelsOf(own, minZoom)
      const plan = { levels, treeDepth, isUniform: false, minZoom, maxZoom }
      const planned = new PlannedTiles(levels)
      const units = [...unitsOf(plan)]
      const seen = new Map<string, number>()
      let tiles = 0
      for (const [i, unit] of units.entries()) {
        tiles += tilesOfUnit(plan, unit)
        for (const tile of tilesOf(unit, planned)) {
          if (seen.has(tile)) throw new Error(`${tile} is in two units`)
          seen.set(tile, i)
        }
      }
      for (const tile of tilesIn(levels)) {
        const [zoom, x, y] = tile.split('/').map(Number) as [number, number, number]
        const at = seen.get(tile)
        if (at === undefined) throw new Error(`${tile} is in no unit`)
        if (zoom === minZoom) continue
        if (seen.get(key(zoom - 1, x >> 1, y >> 1))! < at) throw new Error(`${tile} comes after its parent`)
      }
      const subtrees = units.filter((unit) => unit.kind === 'subtree').length
      const counted = countUnits(plan)
      const roots = rootsOf(plan)
      const text = (unit: Unit): string => JSON.stringify(unit)
      const picked = Array.from({ length: subtrees }, (_, n) => text(subtreeAt(roots, n)))
      const walked = units.filter((unit) => unit.kind === 'subtree').map(text)
      if (picked.sort().join() !== walked.sort().join()) return false
      return (
        tiles === seen.size &&
        seen.size === tilesIn(levels).length &&
        counted.subtrees === subtrees &&
        counted.units === units.length
      )
    }),
    { numRuns: 300 },
  )
  t.end()
})

/** Its tiles, looked for one by one. */
function tilesOf(unit: Unit, planned: PlannedTiles): string[] {
  if (unit.kind === 'parent') return [key(unit.zoom, unit.x, unit.y)]
  const found: string[] = []
  for (let zoom = unit.zoom; zoom <= MAX; zoom++) {
    const side = 2 ** (zoom - unit.zoom)
    for (let y = unit.y * side; y < (unit.y + 1) * side; y++) {
      for (let x = unit.x * side; x < (unit.x + 1) * side; x++) {
        if (!planned.has(zoom, x, y)) continue
        if (zoom > unit.base) throw new Error('a subtree has tiles deeper than its base')
        found.push(key(zoom, x, y))
      }
    }
  }
  return found
}

t.test('units of billions of tiles with cities in them are counted and begun at once', (t) => {
  const base: TileRange = { minX: 0, minY: 0, maxX: 2 ** 16 - 1, maxY: 2 ** 16 - 1 }
  const cities = Array.from({ length: 5000 }, (_, i): TileRange => {
    const minX = ((i * 7919) % 1000) * 260
    const minY = ((i * 104_729) % 997) * 260
    return { minX, minY, maxX: minX + 70, maxY: minY + 50 }
  })
  const levels = levelsOf(
    new Map([
      [16, [base]],
      [18, unionRanges(cities)],
    ]),
    0,
  )
  const plan = { levels, treeDepth: 4, isUniform: false, minZoom: 0, maxZoom: 18 }
  const { subtrees, units } = countUnits(plan)
  t.ok(levels.reduce((sum, { tiles }) => sum + tiles, 0) > 5e9)
  t.ok(subtrees > 4 ** 12 && units > subtrees)
  const roots = rootsOf(plan)
  t.equal(
    roots.reduce((sum, { count }) => sum + count, 0),
    subtrees,
  )
  t.match(subtreeAt(roots, subtrees - 1), { kind: 'subtree', base: 18 })
  const first = unitsOf(plan).next().value
  t.equal(first?.kind, 'subtree')
  const planned = new PlannedTiles(levels)
  let inCities = 0
  for (let i = 0; i < 200_000; i++) if (planned.has(18, (i * 7919) % 260_000, (i * 31) % 259_220)) inCities++
  t.ok(inCities > 0 && inCities < 200_000)
  t.end()
})
