// The parser of tiles' addresses, compared with a regular expression that says the same.
import fc from 'fast-check'
import t from 'tap'
import { TilePath } from '../../src/server/http/tile-path.js'

const WHOLE = '(0|[1-9]\\d{0,7})'
const REFERENCE = new RegExp(
  `^(?:/(?:tiles|data)(?=(?:/[^/]*){4}$))?/([^/]+)/${WHOLE}/${WHOLE}/(-?)${WHOLE}(?:@(\\d)x)?(?:\\.([^/]{1,8}))?$`,
)
const MEANT = /^(?:\/(?:tiles|data)(?=(?:\/[^/]*){4}$))?\/[^/]+\/\d[^/]*\/[^/]*\/[^/]*$/

const path = new TilePath()

/** What the parser says of a path, in whatever text it lies. */
function parsed(text: string): object {
  const before = '/base'
  const kind = path.parse(`${before}${text}?a/1/2/3`, before.length, before.length + text.length)
  if (kind !== 'tile') return { kind }
  const { id, z, x, y, isTms, scale, extension } = path
  return { kind, id, z, x, y, isTms, scale, extension }
}

function expected(text: string): object {
  const found = REFERENCE.exec(text)
  if (found === null) return { kind: MEANT.test(text) ? 'malformed' : 'other' }
  const [, id, z, x, minus, y, scale, extension] = found
  return {
    kind: 'tile',
    id,
    z: Number(z),
    x: Number(x),
    y: Number(y),
    isTms: minus === '-',
    scale: Number(scale ?? 1),
    extension: extension ?? '',
  }
}

t.test('examples', (t) => {
  for (const text of [
    '/a/0/0/0',
    '/a/3/4/2.png',
    '/a/3/4/-2@2x.webp',
    '/tiles/a/3/4/2',
    '/data/a/3/4/2@3x',
    '/tiles/3/4/2',
    '/data/3/4/2.jpg',
    '/tiles/tiles/3/4/2',
    '/tiles/a/3/4/2/',
    '/other/a/3/4/2',
    '/a/03/4/2',
    '/a/3/4/2@2x.',
    '/a/3/4/123456789',
    '/a/x/4/2',
    '/a/3x/4/2',
    '//3/4/2',
    '/',
    '',
    'a/3/4/2',
  ]) {
    t.strictSame(parsed(text), expected(text), text)
  }
  t.strictSame(parsed('/tiles/a/3/4/2'), { ...parsed('/a/3/4/2') })
  t.match(parsed('/tiles/3/4/2'), { id: 'tiles' }, 'an archive may be called so')
  t.end()
})

t.test('whatever is thrown at it', (t) => {
  const words = [
    'a',
    'tiles',
    'data',
    '0',
    '1',
    '03',
    '12',
    '99999999',
    '100000000',
    '-',
    '@2x',
    '@',
    '.png',
    '.',
    'é',
    '%2e',
  ]
  const piece = fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((parts) => parts.join(''))
  const usual = fc
    .tuple(
      fc.constantFrom('', '/tiles', '/data'),
      fc.nat(30),
      fc.nat(),
      fc.nat(),
      fc.constantFrom('', '@2x', '.jpg', '@2x.avif'),
    )
    .map(([alias, z, x, y, end]) => `${alias}/a/${z}/${x}/${y}${end}`)
  const odd = fc.array(piece, { maxLength: 7 }).map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(fc.oneof(usual, odd, fc.string()), (text) => {
      t.strictSame(parsed(text), expected(text), text, { diagnostic: false })
    }),
    { numRuns: 3000 },
  )
  t.end()
})
