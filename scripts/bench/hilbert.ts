// TileIDs: z/x/y to a place on the Hilbert curve and back, against the pmtiles package.
import { decodeTileId, tileId, tileIdToZxy } from '../../src/format/tile-id.js'
import { type Context, sized } from './context.js'
import { loadPmtiles } from './peers.js'
import { medianOf, type Report, ratios } from './report.js'
import { interleave, type Variant } from './rounds.js'
import { randomBytes } from './workload.js'

const ZOOM = 16

export async function benchHilbert(context: Context): Promise<Report> {
  const count = sized(context, 1_000_000, 200_000, 20_000)
  const notes: string[] = []
  const pmtiles = await loadPmtiles(notes)
  const random = new Uint16Array(randomBytes(count * 4, 1).buffer)
  const x = Int32Array.from({ length: count }, (_, i) => random[2 * i]!)
  const y = Int32Array.from({ length: count }, (_, i) => random[2 * i + 1]!)
  const ids = Float64Array.from({ length: count }, (_, i) => tileId(ZOOM, x[i]!, y[i]!))
  const idSum = ids.reduce((sum, id) => sum + id, 0)
  const xySum = x.reduce((sum, value, i) => sum + value + y[i]!, 0)

  const perCall = (name: string, expected: number, work: () => number): Variant => ({
    name,
    unit: 'ns',
    run: () => {
      const start = performance.now()
      const sum = work()
      const ns = ((performance.now() - start) * 1e6) / count
      if (sum !== expected) throw new Error(`${name} came to ${sum}, not ${expected}`)
      return ns
    },
  })
  const variants = [
    perCall('zxy → id, ours', idSum, () => {
      let sum = 0
      for (let i = 0; i < count; i++) sum += tileId(ZOOM, x[i]!, y[i]!)
      return sum
    }),
    perCall('id → zxy, ours', xySum, () => {
      let sum = 0
      for (let i = 0; i < count; i++) {
        const zxy = tileIdToZxy(ids[i]!)
        sum += zxy[1] + zxy[2]
      }
      return sum
    }),
    perCall('id → zxy, ours, into a buffer', xySum, () => {
      const zxy = new Int32Array(3)
      let sum = 0
      for (let i = 0; i < count; i++) {
        decodeTileId(ids[i]!, zxy)
        sum += zxy[1]! + zxy[2]!
      }
      return sum
    }),
  ]
  if (pmtiles !== undefined) {
    const { zxyToTileId, tileIdToZxy: theirs } = pmtiles
    variants.push(
      perCall('zxy → id, pmtiles', idSum, () => {
        let sum = 0
        for (let i = 0; i < count; i++) sum += zxyToTileId(ZOOM, x[i]!, y[i]!)
        return sum
      }),
      perCall('id → zxy, pmtiles', xySum, () => {
        let sum = 0
        for (let i = 0; i < count; i++) {
          const zxy = theirs(ids[i]!)
          sum += zxy[1] + zxy[2]
        }
        return sum
      }),
    )
  }
  const rows = await interleave(variants, context.rounds ?? sized(context, 9, 3, 1), 2, context.say)
  const of = (name: string): number => medianOf(rows, name)
  return {
    bench: 'hilbert',
    what: `${count.toLocaleString('en-US')} random tiles of zoom ${ZOOM}; every answer is added up and compared`,
    rows,
    ratios: ratios(
      { name: 'pmtiles / ours, zxy → id', value: of('zxy → id, pmtiles') / of('zxy → id, ours'), bar: '> 1' },
      { name: 'pmtiles / ours, id → zxy', value: of('id → zxy, pmtiles') / of('id → zxy, ours'), bar: '> 1' },
    ),
    notes,
  }
}
