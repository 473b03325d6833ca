// Texts of numbers, read as GDAL 3.6 reads them (values from gdalinfo on TIFFs with these GDAL_NODATA tags).
import t from 'tap'
import { atof, atofM } from '../../src/raster/gdal-number.js'

const TEXTS: readonly (readonly [text: string, value: number])[] = [
  ['0', 0],
  ['255', 255],
  ['-9999', -9999],
  ['+7', 7],
  [' 7', 7],
  ['7 ', 7],
  ['\t7', 7],
  ['0,0', 0],
  ['1,5', 1.5],
  ['7,', 7],
  ['7,8,9', 7.8],
  ['1,000.5', 1],
  ['1.000,5', 1],
  ['7 7 7', 7],
  ['7;8', 7],
  ['"7"', 0],
  ['none', 0],
  ['n/a', 0],
  ['1e2', 100],
  ['-3.4028234663852886e+38', -3.4028234663852886e38],
  ['.5', 0.5],
  ['5.', 5],
  ['0x10', 16],
  ['nan', Number.NaN],
  ['NaN', Number.NaN],
  ['-nan', Number.NaN],
  ['-1.#IND', Number.NaN],
  ['1.#QNAN', Number.NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['infinity', Infinity],
  ['1.#INF', Infinity],
]

t.test('texts', (t) => {
  for (const [text, value] of TEXTS)
    t.ok(Object.is(atofM(text), value), `${JSON.stringify(text)}: ${atofM(text)}`)
  t.equal(atof('1,5'), 1, 'where no comma is a decimal point')
  t.end()
})
