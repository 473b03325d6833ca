// SRTM .hgt: every size, places from names, heights as GDAL reads them.

import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openRaster } from '../../src/raster/open.js'
import { withoutGdal } from '../helpers/gdal.js'
import { randomFrom } from '../helpers/random.js'
import { isOneSentence, outcomeOf, sameAsGdal } from './against-gdal.js'

function writeHgt(file: string, columns: number, rows: number): void {
  const random = randomFrom(columns)
  const bytes = Buffer.alloc(columns * rows * 2)
  for (let i = 0; i < columns * rows; i++) {
    const height = random() < 0.01 ? -32768 : Math.round(2000 * Math.sin(i / 977) + 500 * random())
    bytes.writeInt16BE(height, 2 * i)
  }
  writeFileSync(file, bytes)
}

t.test('heights and places are those of GDAL', { skip: withoutGdal }, async (t) => {
  const cases: readonly (readonly [string, number, number])[] = [
    ['N33W084.hgt', 1201, 1201],
    ['s05e010.hgt', 1201, 1201],
    ['N55E010.hgt', 1801, 3601],
    ['S01W001.SRTMGL1.hgt', 3601, 3601],
  ]
  for (const [name, columns, rows] of cases) {
    await t.test(name, async (t) => {
      const dir = t.testdir()
      writeHgt(join(dir, name), columns, rows)
      await sameAsGdal(t, join(dir, name), dir)
    })
  }
})

t.test('heights below and above zero, and nothing', async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'N00E000.hgt')
  const bytes = Buffer.alloc(1201 * 1201 * 2)
  for (const [i, height] of [0, -1, 8848, -430, -32768, 32767].entries()) bytes.writeInt16BE(height, 2 * i)
  writeFileSync(file, bytes)
  const source = await openRaster(file, { view: { kind: 'values', bands: [1] } })
  const { data, mask } = await source.read(0, { x: 0, y: 0, width: 6, height: 1 })
  t.same([...mask!], [255, 255, 255, 255, 0, 255])
  t.same(
    [0, 1, 2, 3, 5].map((i) => data[i]),
    [0, -1, 8848, -430, 32767],
  )
  t.equal(source.info.crs.epsg, 4326)
  t.equal(source.info.maskKind, 'binary')
  await source.close()
  const all = await openRaster(file, { view: { kind: 'values', bands: [1] }, nodata: [] })
  t.equal(
    (await all.read(0, { x: 0, y: 0, width: 6, height: 1 })).mask,
    undefined,
    'nodata can be switched off',
  )
  await t.rejects(all.read(0, { x: 1200, y: 0, width: 2, height: 1 }), RangeError)
  await t.rejects(all.read(1, { x: 0, y: 0, width: 1, height: 1 }), RangeError)
  await all.close()
  await t.rejects(openRaster(file, { view: { kind: 'values', bands: [2] } }), { code: 'BAD_OPTION' })
})

t.test('sizes and names that say nothing are refused', async (t) => {
  const dir = t.testdir()
  const refused = async (name: string, bytes: number, code: string, says: RegExp): Promise<void> => {
    const file = join(dir, name)
    writeFileSync(file, '')
    truncateSync(file, bytes)
    const { code: got, message } = await outcomeOf(file)
    t.equal(got, code, message)
    t.match(message, says)
    t.ok(isOneSentence(message), message)
  }
  await refused('N33W084.hgt', 1000, 'SOURCE_CORRUPT', /1000 bytes.*2884802/)
  await refused('N33W085.hgt', 0, 'SOURCE_CORRUPT', /0 bytes/)
  await refused('heights.hgt', 1201 * 1201 * 2, 'SOURCE_UNSUPPORTED', /N33W084\.hgt; rename/)
  await refused('N99W084.hgt', 1201 * 1201 * 2, 'SOURCE_UNSUPPORTED', /rename/)
})
