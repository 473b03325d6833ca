// GDAL's programs for tests, in one process for the life of a test file (gdal-jobs.py): hundreds of starts were most
// of what these tests cost. Where python3-gdal is missing, and for the programs it does not know, the programs themselves.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './paths.js'

const found = spawnSync('gdalwarp', ['--version'], { encoding: 'utf8' })
/** Why tests against GDAL cannot run here, or false. */
export const withoutGdal: string | false = found.status === 0 ? false : 'needs gdal-bin (gdalwarp)'
export const gdalVersion: string = found.stdout

export interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const JOBS = ['gdal_translate', 'gdalwarp', 'gdalinfo', 'gdalbuildvrt', 'gdaltransform']

/** Runs a program of GDAL to its end, well or not; of gdal_translate the source and the target come last. */
export function runGdal(program: string, args: readonly string[], input = ''): Said {
  const process = JOBS.includes(program) ? jobs() : undefined
  if (process !== undefined) return process.ask({ program, args, input }) as Said
  return spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 2 ** 27 })
}

/** What a program of GDAL prints. Throws what it complains of when it fails. */
export function gdal(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = runGdal(program, args)
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}${stdout}`)
  return stdout
}

interface Jobs {
  ask(job: object): object
}
let running: Jobs | undefined | null = null

/** The process, started when it is first wanted; undefined when there is no Python that knows GDAL. */
function jobs(): Jobs | undefined {
  if (running === null) running = withoutGdal ? undefined : (start('python3') ?? start('/usr/bin/python3'))
  return running
}

/**
 * By two pipes with names, which are opened here: what Node makes of a child's streams cannot be waited for without
 * giving way to other tests. Both ends see when the other is gone.
 */
function start(python: string): Jobs | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'flagstone-gdal-'))
  const [asked, answered] = [join(dir, 'asked'), join(dir, 'answered')]
  spawnSync('mkfifo', [asked, answered])
  // while both ends are held, no opening waits
  const held = [openSync(asked, 'r+'), openSync(answered, 'r+')]
  const theirs = [openSync(asked, 'r'), openSync(answered, 'w')] as const
  const [requests, answers] = [openSync(asked, 'w'), openSync(answered, 'r')]
  const script = join(root, 'test', 'helpers', 'gdal-jobs.py')
  const child = spawn(python, [script], { stdio: [...theirs, 'ignore'] })
  child.once('error', () => {})
  child.unref()
  for (const fd of [...held, ...theirs]) closeSync(fd)
  rmSync(dir, { recursive: true })
  const read = lineReader(answers)
  if (read() === undefined) {
    closeSync(requests)
    closeSync(answers)
    return undefined
  }
  return {
    ask(job) {
      writeAll(requests, `${JSON.stringify(job)}\n`)
      const line = read()
      if (line === undefined) throw new Error(`GDAL's process died of ${JSON.stringify(job)}`)
      return JSON.parse(line)
    },
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

/** The next line each time; undefined at the end. */
function lineReader(fd: number): () => string | undefined {
  const chunk = Buffer.alloc(65536)
  let rest: Buffer = Buffer.alloc(0)
  return () => {
    for (;;) {
      const end = rest.indexOf(10)
      if (end >= 0) {
        const line = rest.subarray(0, end).toString()
        rest = rest.subarray(end + 1)
        return line
      }
      const n = readSync(fd, chunk, 0, chunk.length, null)
      if (n === 0) return undefined
      rest = Buffer.concat([rest, chunk.subarray(0, n)])
    }
  }
}
