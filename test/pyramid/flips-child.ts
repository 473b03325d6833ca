// Run as a child process by flips.test.ts: flips single bytes of a file and builds each result, first as it is, then with
// skipUnreadable. Prints what it is about to try, so that a crash or a wait without end has a name, and what was wrong.

import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { FlagstoneError } from '../../src/errors.js'
import { build } from '../../src/pyramid/build.js'
import { openSource } from '../../src/pyramid/sources/open.js'
import { randomFrom } from '../helpers/random.js'
import { cpuMs } from '../helpers/waiting.js'

/** One victim: its bytes are flipped, `source` is built. */
export interface Flips {
  readonly victim: string
  readonly source: string
  /** Of the file. */
  readonly from: number
  readonly end: number
  readonly cases: number
}

export interface Found {
  readonly tried: string
  readonly wrong: string
}

const FLIPS = [1, 2, 0x20, 0x40, 0x80, 0xff]
const MOST_CPU_MS = 10_000

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

interface Outcome {
  readonly code: string
  readonly message: string
  readonly losses: number
}

async function outcome(source: string, out: string, skipUnreadable: boolean): Promise<Outcome> {
  try {
    const report = await build(
      { sources: [source], out, overwrite: true, skipUnreadable },
      { openSource, checkSpace: false },
    )
    return { code: 'built', message: '', losses: report.damaged.length + report.skipped.length }
  } catch (error) {
    if (error instanceof FlagstoneError) return { code: error.code, message: error.message, losses: 0 }
    return { code: 'BUG', message: String((error as Error).stack), losses: 0 }
  }
}

/** What is wrong with it; undefined when nothing is. */
function wrongWith({ code, message }: Outcome): string | undefined {
  if (code === 'built') return undefined
  if (code === 'BUG' || code === 'SYSTEM') return message
  const isSentence = !message.includes('\n') && message.length < 600
  return isSentence && !/undefined|NaN|\[object|TypeError|RangeError/.test(message) ? undefined : message
}

async function tryOne(source: string, out: string): Promise<string | undefined> {
  const start = cpuMs()
  const strict = await outcome(source, out, false)
  const lenient = strict.code === 'built' ? undefined : await outcome(source, out, true)
  const ms = cpuMs() - start
  if (ms > MOST_CPU_MS) return `took ${Math.round(ms)} ms`
  const wrong = wrongWith(strict) ?? (lenient && wrongWith(lenient))
  if (wrong !== undefined || lenient === undefined) return wrong
  const isSilent = lenient.code === 'built' && lenient.losses === 0
  return isSilent ? `${strict.message} — built with skipUnreadable without naming it` : undefined
}

for (const { victim, source, from, end, cases } of JSON.parse(process.argv[2]!) as Flips[]) {
  const whole = readFileSync(victim)
  const random = randomFrom(whole.length)
  for (let i = 0; i < cases; i++) {
    const bytes = Buffer.from(whole)
    const at = from + Math.floor(((i + random()) * (Math.min(end, whole.length) - from)) / cases)
    bytes[at]! ^= FLIPS[Math.floor(random() * FLIPS.length)]!
    const tried = `${basename(victim)}, byte ${at}: ${whole[at]} → ${bytes[at]}`
    say({ tried })
    writeFileSync(victim, bytes)
    const wrong = await tryOne(source, `${source}.out.pmtiles`)
    if (wrong !== undefined) say({ tried, wrong } satisfies Found)
  }
  writeFileSync(victim, whole)
}
say({ peakMb: Math.round(process.resourceUsage().maxRSS / 1024) })
