// Text of the command line to values: what is taken, and what is refused with which words.
import t from 'tap'
import {
  parseBands,
  parseBbox,
  parseColour,
  parseNodata,
  parseNumber,
  parseQuality,
  parseRescale,
  parseSize,
} from '../../src/cli/parse.js'

/** Every text is refused with a message that says what was expected. */
function refuses(t: Tap, parse: (text: string) => unknown, texts: readonly string[], message: RegExp): void {
  for (const text of texts) t.throws(() => parse(text), { code: 'commander.invalidArgument', message }, text)
}
type Tap = Pick<typeof t, 'throws'>

t.test('sizes: what is left out keeps the aspect', (t) => {
  t.same(parseSize('800x600'), { width: 800, height: 600 })
  t.same(parseSize('800×600'), { width: 800, height: 600 })
  t.same(parseSize('900x'), { width: 900 })
  t.same(parseSize('x600'), { height: 600 })
  t.same(parseSize('800'), { longer: 800 })
  refuses(t, parseSize, ['', 'x', '0', '0x5', '5x0', '-5x5', '1.5x2', '8 00', '1e3', '100000'], /800x600/)
  t.end()
})

t.test('a bbox is in degrees', (t) => {
  t.same(parseBbox('7.5,47.5,7.6,47.6'), [7.5, 47.5, 7.6, 47.6])
  t.same(parseBbox('179 -18 181 -16'), [179, -18, 181, -16], 'past the antimeridian')
  t.same(parseBbox('179,-18,-179,-16'), [179, -18, -179, -16], 'across the antimeridian')
  refuses(t, parseBbox, ['10,0,-10,1', '-84,33,-85,34'], /west must be less than east/)
  refuses(t, parseBbox, ['1,2,3', '1,2,3,x', ''], /west,south,east,north/)
  refuses(t, parseBbox, ['2,1,1,2', '1,2,2,1'], /less than/)
  refuses(t, parseBbox, ['0,0,1,91', '-600,0,1,1'], /these are not degrees: longitudes are from/)
  refuses(
    t,
    parseBbox,
    ['500000,5200000,501000,5201000'],
    /look like metres, and as web mercator .* 4\.49158,/,
  )
  refuses(t, parseBbox, ['2600000,1200000,2601000,99999999'], /look like metres\.$/)
  t.end()
})

t.test('bands', (t) => {
  t.same(parseBands('4'), [4])
  t.same(parseBands('4,3,2'), [4, 3, 2])
  t.same(parseBands(' 4 3, 2'), [4, 3, 2])
  refuses(t, parseBands, ['', '0', '1,2', '1,2,3,4', '1.5', 'red', '4,,2'], /one band, or three/)
  t.end()
})

t.test('nodata', (t) => {
  t.same(parseNodata('255'), [[255]])
  t.same(parseNodata('-9999.5'), [[-9999.5]])
  t.same(parseNodata('0,0,0'), [[0, 0, 0]])
  t.same(parseNodata('0,0,0;255,255,255'), [
    [0, 0, 0],
    [255, 255, 255],
  ])
  t.same(parseNodata(' 0 ; 1, 2 3 '), [[0], [1, 2, 3]])
  t.same(parseNodata('nan;-3.4e38;-inf'), [[Number.NaN], [-3.4e38], [Number.NEGATIVE_INFINITY]])
  t.same(parseNodata('none'), [])
  refuses(t, parseNodata, ['', ';', '1;', 'black', '0,x', '0x'], /expected one value or one per band/)
  t.end()
})

t.test('ranges of values', (t) => {
  t.equal(parseRescale('auto'), 'auto')
  t.equal(parseRescale('AUTO'), 'auto')
  t.same(parseRescale('0,3000'), [[0, 3000]])
  t.same(parseRescale('-1.5e3,2'), [[-1500, 2]])
  t.same(parseRescale('1,2,3,4,5,6'), [
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  t.same(parseRescale('255,0'), [[255, 0]], 'reversed')
  refuses(
    t,
    parseRescale,
    ['', '1', '1,2,3', '1,2,3,4', 'a,b', '1,', '1,Infinity'],
    /expected auto, or min,max/,
  )
  refuses(t, parseRescale, ['5,5', '1,2,3,3,4,5'], /min and max are the same/)
  t.end()
})

t.test('colours', (t) => {
  t.same(parseColour('1,2,3'), [1, 2, 3])
  t.same(parseColour('#ff8000'), [255, 128, 0])
  refuses(t, parseColour, ['', '1,2', '1,2,256', '-1,0,0', '1.5,0,0', '#ff80', 'white'], /red,green,blue/)
  t.end()
})

t.test('a quality, and others for some zooms', (t) => {
  t.equal(parseQuality('75'), 75)
  t.same(parseQuality('70,14:50'), { default: 70, byZoom: { 14: 50 } })
  t.same(parseQuality('14:50'), { byZoom: { 14: 50 } })
  t.same(parseQuality('16-18:80,70,17:60'), { default: 70, byZoom: { 16: 80, 17: 60, 18: 80 } })
  refuses(t, parseQuality, ['', '0', '101', '75.5', '14:', '14:0', 'best'], /from 1 to 100/)
  refuses(t, parseQuality, ['27:50', '9-3:50', ':50'], /zoom/)
  refuses(t, parseQuality, ['70,80'], /two qualities for all zoom levels, 70 and 80/)
  t.end()
})

t.test('numbers in a range', (t) => {
  const gamma = parseNumber(0, 100)
  t.equal(gamma('1.4'), 1.4)
  refuses(t, gamma, ['0', '-1', '101', 'x', '', '1,2'], /above 0, up to 100/)
  t.end()
})
