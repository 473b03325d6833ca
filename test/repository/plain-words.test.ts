// Words that users stumbled over do not come back: not in what the program says, nor in what is written about it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { documents } from '../helpers/documents.js'
import { root } from '../helpers/paths.js'

const ODD = [
  /have nothing in common/,
  /no raster that is known/,
  /in which coordinate system it lies/,
  /where on earth it lies/,
  /no checkpoint beside/,
  /Finishing what is under way/,
  /\bto go on\b/,
  /turned around/,
  /a path a line/,
  /A file of about/,
  /say what is in/,
  /what means empty/,
  /look at no alpha/,
  /\bto make\b/,
  /appear, change and go/,
  /on the way out/,
  /is not a file; pass/,
  /wants JavaScript/,
  /× its size/,
  /This server has no map/,
  /as (it lies|they lie)/,
  /\bis no (file|list|raster|number|origin|picture)\b/,
  /Nothing else is (ever )?opened/,
  /zooms to (make|create|build)/,
  /table of zooms/,
  /what is done so far/,
  /[Ww]hat was committed before/,
  /nothing else is there to/,
  /so nothing is painted/,
  /taken for opaque/,
  /\bit holds (a|no|LERC)\b/,
  /is said to be at/,
  /a link that leads to no/,
  /another takes its place/,
  /one of it is|a pixel of it/,
  /\bas they? lies?\b/,
  /not what it was/,
  /makes no sense/,
  /is what openTileServer/,
  /(bytes|into|signal|reader|tiles|path|zoom|type|encoding|directory) is (an? |one of|\{|')/,
  /: it (is|goes) (an? (function|AbortSignal|open|name)|with resume)/,
  /\[1024,1024\]/,
  /ALL_CPUS\)/,
]

const filesIn = (folder: string, extension: RegExp): string[] =>
  (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((name) => extension.test(name))
    .map((name) => join(folder, name))

/** Comments are for those who read the source. */
const withoutComments = (text: string): string =>
  text.replace(/^\s*(\/\/|\/?\*).*$/gm, '').replace(/\s\/\/ .*$/gm, '')

t.test('plain words', (t) => {
  const sources = filesIn('src', /\.(ts|html)$/).map((file) => ({
    file,
    text: withoutComments(readFileSync(join(root, file), 'utf8')),
  }))
  const papers = [...documents, ...filesIn('formats', /\.md$/)].map((file) => ({
    file,
    text: readFileSync(join(root, file), 'utf8'),
  }))
  t.ok(sources.length > 300 && papers.length > 2, 'they were read')
  for (const { file, text } of [...sources, ...papers]) {
    for (const odd of ODD) {
      const found = odd.exec(text)
      if (found !== null) t.fail(`${file} says “${found[0]}”`)
    }
  }
  t.end()
})
