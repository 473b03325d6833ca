// The repository's documents, and the code blocks in them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './paths.js'

export interface Block {
  /** The heading above it. */
  readonly heading: string
  readonly language: string
  readonly text: string
  /** The reason in `<!-- not run: … -->` above it. */
  readonly notRun: string | undefined
}

/** Every README, and what is said to contributors: paths from the root. */
export const documents: readonly string[] = [
  'README.md',
  ...['src', 'scripts', 'test', 'formats'].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((name) => /(^|\/)README\.md$/.test(name))
      .map((name) => join(folder, name)),
  ),
  ...['CONTRIBUTING.md', 'SECURITY.md']
    .map((name) => join('.github', name))
    .filter((file) => existsSync(join(root, file))),
].sort()

export const textOf = (document: string): string => readFileSync(join(root, document), 'utf8')

/** The section under a heading of any depth, up to the next of that depth or less. */
export function sectionOf(document: string, heading: string): string {
  const [, hashes, rest] = new RegExp(`(?:^|\\n)(#+) ${heading}\\n([\\s\\S]*)`).exec(textOf(document)) ?? []
  if (hashes === undefined || rest === undefined) throw new Error(`${document} has no heading '${heading}'`)
  return rest.split(new RegExp(`\\n#{1,${hashes.length}} `))[0]!
}

export function blocksOf(document: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let notRun: string | undefined
  const lines = textOf(document).split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    if (line.startsWith('```')) {
      const end = lines.indexOf('```', at + 1)
      if (end < 0) throw new Error(`${document} has a code block without an end`)
      const text = lines.slice(at + 1, end).join('\n')
      blocks.push({ heading, language: line.slice(3), text, notRun })
      at = end
    } else if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    notRun = /^<!-- not run: (.+) -->$/.exec(line)?.[1]
  }
  return blocks
}

/** The first block of a language under a heading. */
export function blockUnder(document: string, heading: string, language: string): string {
  const found = blocksOf(document).find((it) => it.heading === heading && it.language === language)
  if (found === undefined) throw new Error(`${document} has no ${language} block under '${heading}'`)
  return found.text
}
