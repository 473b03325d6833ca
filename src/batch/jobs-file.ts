// Reads a jobs file: YAML, with variables, checked by the schemas. Every complaint says where: 'jobs.yaml:12:5: …'.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml'
import { FlagstoneError } from '../errors.js'
import { readRegularSync } from '../platform/regular-file.js'
import { didYouMean } from '../store/nearest.js'
import { type BatchText, batchShape, jobShape } from './options.js'
import { type Environment, substituted } from './variables.js'

const MAX_BYTES = 4 * 2 ** 20
/** Nodes after aliases are followed, so that a small file cannot stand for a huge one. */
const MAX_ALIASES = 1000

export interface JobsFile extends BatchText {
  /** Where a job is written, for messages: 'jobs.yaml:12:5'. */
  readonly placeOf: (job: number) => string
}

type Path = readonly PropertyKey[]

/**
 * @throws BAD_OPTION when the file is not a valid jobs file
 * @throws NOT_FOUND, SYSTEM, SOURCE_UNREADABLE, TOO_LARGE when it cannot be read
 */
export function readJobsFile(path: string, env: Environment): JobsFile {
  return parseJobs(readRegularSync(path, MAX_BYTES), path, env)
}

/** @throws BAD_OPTION when the text is not a valid jobs file */
export function parseJobs(bytes: Uint8Array, path: string, env: Environment): JobsFile {
  const lines = new LineCounter()
  const document = parsed(textOf(bytes, path), path, lines)
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0)
    return `${path}:${line}:${col}`
  }
  const refuse = (node: unknown, sentence: string): never => {
    throw bad(path, `${at(startOf(node))}: ${sentence}`)
  }
  visit(document, {
    Scalar: (key, node) => {
      if (key !== 'key' && typeof node.value === 'string')
        node.value = substituted(node.value, env, (sentence) => refuse(node, sentence))
    },
  })
  const found = batchShape.safeParse(plain(document, path, at))
  if (found.success) {
    const placeOf = (job: number): string => at(startOf(nodeAt(document, ['jobs', job])))
    return { ...found.data, placeOf }
  }
  const [first] = found.error.issues
  // a misspelled name explains the one that is missing beside it
  const issue =
    found.error.issues.find(
      ({ code, path }) => code === 'unrecognized_keys' && path.every((part, i) => part === first!.path[i]),
    ) ?? first!
  const field = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const known = Object.keys((issue.path.length === 0 ? batchShape : jobShape).shape)
    return refuse(
      nodeAt(document, [...issue.path, key], true),
      `there is no '${key}'${didYouMean(key, known)} here; expected ${known.join(', ')}.`,
    )
  }
  return refuse(nodeAt(document, issue.path), `${field === '' ? '' : `${field}: `}${issue.message}.`)
}

const bad = (path: string, message: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', message, { path })

function textOf(bytes: Uint8Array, path: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // below
  }
  throw bad(path, `${path} is not text; a jobs file is YAML in UTF-8.`)
}

function parsed(text: string, path: string, lineCounter: LineCounter): Document.Parsed {
  let document: Document.Parsed
  try {
    document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true, stringKeys: true })
  } catch (error) {
    throw bad(path, `${path} cannot be read as YAML: ${(error as Error).message}.`)
  }
  const [problem] = [...document.errors, ...document.warnings]
  if (problem === undefined) return document
  const { line, col } = lineCounter.linePos(problem.pos[0])
  const inside = /^\{(name|dir|ext)\}/.test(text.slice(problem.pos[0]))
  const hint = inside ? '; inside { } and [ ] write paths with {name}, {dir} or {ext} in quotes' : ''
  throw bad(path, `${path}:${line}:${col}: ${problem.message.split('\n')[0]}${hint}.`)
}

/** The document as plain values. @throws BAD_OPTION when its aliases multiply beyond reason */
function plain(document: Document.Parsed, path: string, at: (offset?: number) => string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    const message = (error as Error).message
    const [, unresolved] = /^Unresolved alias.*: (.*)$/.exec(message) ?? []
    let place: number | undefined
    visit(document, {
      Alias: (_, node) => {
        if (unresolved !== undefined && node.source !== unresolved) return undefined
        place = startOf(node)
        return visit.BREAK
      },
    })
    if (unresolved !== undefined)
      throw bad(path, `${at(place)}: there is no anchor &${unresolved} before the alias *${unresolved}.`)
    throw bad(
      path,
      `${at(place)}: ${error instanceof ReferenceError ? 'its aliases (*name) stand for too much' : message}; write the values out.`,
    )
  }
}

const startOf = (node: unknown): number | undefined =>
  isNode(node) ? (node as Node & { range?: [number, number, number] | null }).range?.[0] : undefined

/** The node at a path, or the deepest that there is on the way; `wantKey`: the key itself. */
function nodeAt(document: Document.Parsed, path: Path, wantKey = false): unknown {
  let node: unknown = document.contents
  for (const [i, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(
        (one) => isScalar(one.key) && String((one.key as Scalar).value) === String(key),
      )
      if (pair === undefined) return node
      if (wantKey && i === path.length - 1) return pair.key
      node = pair.value ?? pair.key
    } else {
      const next =
        isNode(node) && 'get' in node
          ? (node as { get(key: unknown, keep: true): unknown }).get(key, true)
          : undefined
      if (next === undefined) return node
      node = next
    }
  }
  return node
}
