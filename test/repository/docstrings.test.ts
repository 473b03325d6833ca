// Docstrings say errors in one form: `@throws CODE when …`, a list of codes where they say why themselves, or
// `@throws as name` for what comes from somewhere else.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
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
