// Functions fit a screen, files hold one idea: what is longer than that stands here by name, and nothing is added.
// WASM sources and tables of data are excepted.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../helpers/paths.js'

const MOST_LINES_OF_A_FUNCTION = 60
const MOST_LINES_OF_A_FILE = 300

const LONG_FUNCTIONS: readonly string[] = []
const LONG_FILES: readonly string[] = [
  'store/read/pmtiles-reader.ts',
  'store/read/reader.ts',
  'store/write/writer.ts',
]

const src = join(root, 'src')
const texts = (readdirSync(src, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && !file.startsWith('raster/wasm/') && !file.endsWith('-data.ts'))
  .map((file) => ({ file, text: readFileSync(join(src, file), 'utf8') }))

const linesOf = (text: string): number => text.trimEnd().split('\n').length

/** `file name` of every function of more than a screen. */
function longFunctions(file: string, text: string): string[] {
  const found: string[] = []
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
  const look = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const lines = linesOf(text.slice(node.getStart(source), node.end))
      if (lines > MOST_LINES_OF_A_FUNCTION) {
        const name =
          node.name === undefined ? 'without a name' : text.slice(node.name.pos, node.name.end).trim()
        found.push(`${file} ${name}`)
      }
    }
    ts.forEachChild(node, look)
  }
  look(source)
  return found
}

t.test(`functions of more than ${MOST_LINES_OF_A_FUNCTION} lines`, (t) => {
  t.ok(texts.length > 300, `${texts.length} files were read`)
  // shorter files than this have none: most need not be parsed
  const long = texts.filter(({ text }) => linesOf(text) > MOST_LINES_OF_A_FUNCTION)
  t.same(long.flatMap(({ file, text }) => longFunctions(file, text)).sort(), [...LONG_FUNCTIONS].sort())
  t.end()
})

t.test(`files of more than ${MOST_LINES_OF_A_FILE} lines`, (t) => {
  const long = texts.filter(({ text }) => linesOf(text) > MOST_LINES_OF_A_FILE)
  t.same(long.map(({ file }) => file).sort(), [...LONG_FILES].sort())
  t.end()
})
