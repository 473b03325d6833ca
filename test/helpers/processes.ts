// Child processes for tests: started with a module of the tests, read line by line, killed at will.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Patience, until, within } from './waiting.js'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Child {
  readonly process: ChildProcess
  /** Lines of stdout so far. */
  readonly lines: string[] = []
  stderr = ''
  /** When the process is gone and all it wrote was read. */
  readonly ended: Promise<Ended>
  readonly #waiting = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.process = child
    const reader = createInterface({ input: child.stdout! })
    reader.on('line', (line) => {
      this.lines.push(line)
      for (const wake of this.#waiting) wake()
    })
    child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
    })
    const read = new Promise<void>((resolve) => reader.once('close', resolve))
    const closed = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
    this.ended = Promise.all([closed, read]).then(([ended]) => {
      for (const wake of this.#waiting) wake()
      return ended
    })
  }

  /**
   * The next line that begins so, among those from `from` on; throws when the process ends without it, or says nothing
   * of the kind.
   */
  async line(start: string, from = 0): Promise<string> {
    return await within(
      () => `'${start}' from the child, which said ${this.#said()}`,
      this.#line(start, from),
    )
  }

  async #line(start: string, from: number): Promise<string> {
    let over = false
    void this.ended.finally(() => {
      over = true
    })
    for (;;) {
      const found = this.lines.slice(from).find((line) => line.startsWith(start))
      if (found !== undefined) return found
      if (over) throw new Error(`the child ended without '${start}': ${this.stderr}`)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
        if (over) wake()
      })
    }
  }

  /** How it ended; throws when it does not. */
  async end(patience?: Patience): Promise<Ended> {
    return await within(() => `the child to end, which said ${this.#said()}`, this.ended, patience)
  }

  #said(): string {
    return JSON.stringify({ stdout: this.lines.slice(-3), stderr: this.stderr.slice(-1000) })
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal)
  }

  /** Waits until the process has used so much more processor time, all its threads together, or has ended. */
  async spend(ms: number): Promise<void> {
    const used = (): number => {
      try {
        // After the name in brackets, which may hold spaces, field 14 and 15 are user and system time in ticks of 10 ms.
        const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
        return fields[0] === 'Z' ? Number.POSITIVE_INFINITY : (Number(fields[11]) + Number(fields[12])) * 10
      } catch {
        return Number.POSITIVE_INFINITY
      }
    }
    const end = used() + ms
    await until(
      () => `the child to use ${ms} ms of processor time; it said ${this.#said()}`,
      () => used() >= end,
      {
        seconds: 900,
      },
    )
  }

  send(line: string): void {
    this.process.stdin!.write(`${line}\n`)
  }
}

/** Starts a compiled module of the tests. `module` is its URL: `new URL('./child.js', import.meta.url)`. */
export function startChild(
  module: URL | string,
  args: readonly (string | number)[] = [],
  options: { execArgv?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Child {
  const path = module instanceof URL ? fileURLToPath(module) : module
  return new Child(
    spawn(process.execPath, [...(options.execArgv ?? []), path, ...args.map(String)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    }),
  )
}

/** Starts a child that has to end well; its lines. */
export async function runChild(...args: Parameters<typeof startChild>): Promise<string[]> {
  const child = startChild(...args)
  const { code, signal } = await child.end({ seconds: 600 })
  if (code !== 0) throw new Error(`the child ended with ${signal ?? code}: ${child.stderr}`)
  return child.lines
}

export const sleep = (ms: number): Promise<void> => after(ms)
