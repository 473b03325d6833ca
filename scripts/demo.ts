// The README's first command: makes a pyramid of the fixture orthophoto, says what is in it, checks it and
// writes a preview picture.
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../src/cli/run.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const here = (...parts: string[]): string => relative(process.cwd(), join(root, ...parts)) || '.'

const image = here('fixtures', 'ortho.tif')
const tiles = here('out', 'ortho.pmtiles')
const preview = here('out', 'preview.png')

const io = {
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stderr.isTTY === true,
  signal: new AbortController().signal,
}

mkdirSync(join(root, 'out'), { recursive: true })
for (const name of ['ortho.pmtiles', 'preview.png']) rmSync(join(root, 'out', name), { force: true })

const steps = [
  ['build', image, tiles],
  ['info', tiles],
  ['verify', tiles, '--quiet'],
  ['sample', tiles, '--size', '1200x1000', '-o', preview],
]
for (const argv of steps) {
  process.stderr.write(`\n$ flagstone ${argv.join(' ')}\n`)
  const code = await run(argv, io)
  if (code !== 0) process.exit(code)
}
process.stderr.write(`\nLook at ${preview}; ${tiles} is a PMTiles archive that any PMTiles viewer opens.\n`)
