// wrk over a list of paths, and what it said. wrk is in C and keeps one core at most busy: it disturbs the servers,
// which share the machine with it, all alike.
import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Requests the paths of a file one after the other, and prints what is needed as one line of JSON. */
const SCRIPT = `
local paths, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
end
function request()
  at = at % #paths + 1
  return wrk.format('GET', paths[at])
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"microseconds":%d,"bytes":%d,"failed":%d,"p50":%d,"p99":%d}\\n', summary.requests,
    summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`

export interface Load {
  readonly perSecond: number
  readonly bytesPerSecond: number
  /** Connections that broke, time-outs, and statuses from 400. */
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export const hasWrk = (): boolean => spawnSync('wrk', ['-v']).error === undefined

export class Wrk {
  readonly #script: string
  readonly #connections: number

  constructor(scratch: string, connections: number) {
    this.#script = join(scratch, 'wrk.lua')
    this.#connections = connections
    writeFileSync(this.#script, SCRIPT)
  }

  /** `paths`: a file, one a line. */
  async load(origin: string, paths: string, seconds: number): Promise<Load> {
    const connections = ['-t', '1', '-c', `${this.#connections}`]
    const args = [
      ...connections,
      '-d',
      `${seconds}s`,
      '--timeout',
      '5s',
      '-s',
      this.#script,
      origin,
      '--',
      paths,
    ]
    const { stdout } = await run('wrk', args)
    const line = stdout.split('\n').find((l) => l.startsWith('{'))
    if (line === undefined) throw new Error(`wrk said nothing of ${origin}: ${stdout}`)
    const said = JSON.parse(line) as Record<
      'requests' | 'microseconds' | 'bytes' | 'failed' | 'p50' | 'p99',
      number
    >
    const seconds_ = said.microseconds / 1e6
    return {
      perSecond: said.requests / seconds_,
      bytesPerSecond: said.bytes / seconds_,
      failed: said.failed,
      p50Ms: said.p50 / 1000,
      p99Ms: said.p99 / 1000,
    }
  }
}
