// Docstrings say errors in one form: `@throws CODE when …`, a list of codes where they say why themselves, or
// `@throws as name` for what comes from somewhere else. Those of options say the default.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../helpers/paths.js'

const src = join(root, 'src')
const files = (readdirSync(src, { recursive: true }) as string[]).filter((name) => name.endsWith('.ts'))

interface Docstring {
  readonly place: string
  /** Without the stars; a tag begins a line. */
  readonly text: string
}

function docstringsOf(file: string): Docstring[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].map((found) => ({
    place: `${file}:${text.slice(0, found.index).split('\n').length}`,
    text: found[0]
      .slice(3, -2)
      .replace(/\n\s*\*/g, '\n')
      .replace(/ (?=@[a-z]+ )/g, '\n'),
  }))
}

const docstrings = files.flatMap(docstringsOf)

const CODES = [...readFileSync(join(src, 'errors.ts'), 'utf8').matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(
  (m) => m[1]!,
)

/** BAD_OPTION and its like, the classes of the language, and two of our own that never leave the library. */
const ERROR = String.raw`(?:${CODES.join('|')}|TypeError|RangeError|Error|HttpError \d{3}|Problem|AnswerError)`
const FORM = new RegExp(String.raw`^@throws (?:as \S.*|${ERROR}(?:, ${ERROR})*(?:,? (?:when|with) .+)?)$`)

t.test('every @throws is `CODE when …`, a list of codes, or `as name`', (t) => {
  const tags = docstrings.flatMap(({ place, text }) =>
    [...text.matchAll(/^\s*(@throws[^\n]*)/gm)].map(([, tag]) => ({ place, tag: tag!.trim() })),
  )
  t.ok(tags.length > 250, `${tags.length} tags`)
  t.same(
    tags.filter(({ tag }) => !FORM.test(tag)).map(({ place, tag }) => `${place}: ${tag}`),
    [],
  )
  t.end()
})

/** 'Throws DAMAGED', 'RangeError outside the grid', 'HttpError 400 for …', 'rejects with LOCKED'. */
const PROSE = [
  /(?:^|[.;:,])\s*(?:[Tt]hrows|[Rr]ejects\s+with)\s/m,
  /\b(?:[Tt]hrows?|[Rr]ejects\s+with)\s+(?:an?\s+)?[A-Z]{3}/,
  /\b(?:TypeError|RangeError)\b/,
  new RegExp(
    String.raw`\b(?:${CODES.join('|')}|HttpError \d{3})\s+(?:when|while|for|where|otherwise|without|outside)\b`,
  ),
]

t.test('no docstring tells of errors in prose', (t) => {
  const wrong = docstrings
    .map(({ place, text }) => ({
      place,
      text: text.replace(/^\s*@throws[\s\S]*?(?=^\s*@|$(?![\s\S]))/gm, ''),
    }))
    .filter(({ text }) => PROSE.some((prose) => prose.test(text)))
    .map(({ place, text }) => `${place}: ${text.trim()}`)
  t.same(wrong, [])
  t.end()
})

/** A default as docstrings say it: 'auto', 10,000, 256 MiB, none. */
function told(value: string): string {
  if (value === '[]' || value === '{}') return 'none'
  if (/^[\d_]{5,}$/.test(value)) return Number(value.replaceAll('_', '')).toLocaleString('en-US')
  // a constant is told in words
  if (/^[A-Z]\w+_\w+$/.test(value)) return ''
  return value.replace(/^MIB$/, '1 MiB').replace(' * MIB', ' MiB').replace(' * ', ' × ')
}

/** Fields of the shapes that options are made of, where they have a default: `name: schema.default(value)`. */
function defaultsOf(
  file: string,
): { readonly place: string; readonly comment: string; readonly value: string }[] {
  const text = readFileSync(join(src, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: { place: string; comment: string; value: string }[] = []
  const look = (node: ts.Node): void => {
    const shape = node.parent?.parent
    if (
      ts.isPropertyAssignment(node) &&
      ts.isVariableDeclaration(shape) &&
      /Shape$/.test(shape.name.getText())
    ) {
      const schema = node.initializer.getText().replace(/\s+/g, ' ')
      const value = /(?:\.default|^milliseconds)\((.*)\)$/.exec(schema)?.[1]
      const comments = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []
      const comment = comments.map(({ pos, end }) => text.slice(pos, end)).join(' ')
      if (value !== undefined) found.push({ place: `${file}: ${node.name.getText()}`, comment, value })
    }
    ts.forEachChild(node, look)
  }
  look(source)
  return found
}

t.test('docstrings of options say the default', (t) => {
  const defaults = files.filter((file) => file.endsWith('options.ts')).flatMap(defaultsOf)
  t.ok(defaults.length > 60, `${defaults.length} defaults`)
  const wrong = defaults.filter(({ comment, value }) => !comment.includes(`Default: ${told(value)}`))
  t.same(
    wrong.map(({ place, value }) => `${place} does not say 'Default: ${told(value)}.'`),
    [],
  )
  t.end()
})
