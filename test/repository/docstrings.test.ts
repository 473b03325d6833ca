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

/** BAD_OPTION and its like, the classes of the language, and two of our own that never leave the library. */
const ERROR = String.raw`(?:[A-Z]+(?:_[A-Z]+)*|TypeError|RangeError|Error|HttpError \d{3}|Problem|AnswerError)`
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

t.test('no docstring tells of errors in prose', (t) => {
  const wrong = docstrings
    .filter(({ text }) =>
      /(?:^|[.;:,])\s*(?:[Tt]hrows|[Rr]ejects with)\s|\b(?:[Tt]hrows?|[Rr]ejects with) (?:an? )?[A-Z]{3}/m.test(
        text.replace(/@throws/g, '@'),
      ),
    )
    .map(({ place, text }) => `${place}: ${text.trim()}`)
  t.same(wrong, [])
  t.end()
})
