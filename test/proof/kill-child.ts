// A writer that is going to be killed: node kill-child.js PATH SEED GROWTH. Says on stdout which step it begins,
// and which one has been committed, as soon as commit() has returned.
import { writeSync } from 'node:fs'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { applyTo, reopensAt, SCRIPT_OPTIONS, sealsAt } from './script.js'

const [path, seedText, growth] = process.argv.slice(2) as [string, string, 'insert' | 'relocate' | 'auto']
const seed = Number(seedText)
// Every other one writes past the page cache, by another thread.
const options = { ...SCRIPT_OPTIONS, growth, cache: seed % 2 === 0 ? 'keep' : 'drop' } as const

/** console.log would wait for the event loop. */
const say = (line: string): void => void writeSync(1, `${line}\n`)

say('ready')
let writer = createTiles(path, options)
say('created')
for (let n = 0; ; n++) {
  say(`begin ${n}`)
  applyTo(writer, seed, n)
  writer.commit()
  say(`committed ${n}`)
  if (sealsAt(n)) {
    writer.seal()
    say(`sealed ${n}`)
  }
  if (reopensAt(n)) {
    writer.close()
    writer = reopenTiles(path, options)
  }
  const { inserts, relocations, merges } = writer.stats.growth
  say(`growth ${inserts} ${relocations} ${merges}`)
}
