// A program run as a process of its own, and what it took: wall time, CPU time of all its threads, and the
// largest resident memory. From /proc, polled, so that nothing but Linux is needed; elsewhere wall time only.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Usage {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  /** High-water mark of the resident set, as the kernel keeps it. */
  readonly peakMiB: number
}

const POLL_MS = 10
/** USER_HZ, which is 100 on every Linux Node runs on. */
const TICKS_PER_SECOND = 100
/** Fields of /proc/PID/stat behind the name in parentheses: utime is the 12th, stime the 13th. */
const UTIME = 11

/** Runs it to its end. Throws with what it printed on stderr when it fails. */
export async function measure(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Usage> {
  const start = performance.now()
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000)
  })
  let ticks = Number.NaN
  let peakKiB = Number.NaN
  const poll = setInterval(() => {
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks = Number(fields[UTIME]) + Number(fields[UTIME + 1])
      const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
      // A process that is ending has no memory any more.
      if (peak !== null) peakKiB = Number(peak[1])
    } catch {
      // ended, or no /proc here
    }
  }, POLL_MS)
  try {
    const code = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status, signal) => resolve(status ?? signal))
    })
    const wallSeconds = (performance.now() - start) / 1000
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${complaint.trim()}`)
    return { wallSeconds, cpuSeconds: ticks / TICKS_PER_SECOND, peakMiB: peakKiB / 1024 }
  } finally {
    clearInterval(poll)
  }
}

/** One after the other, as one: times add up, memory is the larger. */
export function inSequence(first: Usage, second: Usage): Usage {
  return {
    wallSeconds: first.wallSeconds + second.wallSeconds,
    cpuSeconds: first.cpuSeconds + second.cpuSeconds,
    peakMiB: Math.max(first.peakMiB, second.peakMiB),
  }
}
