// The command in the test's own process: a start of its own costs a quarter of a second of the processor.
import { run } from '../../src/cli/run.js'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line to its end. */
export async function flagstone(...argv: readonly string[]): Promise<Ran> {
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  const to = (name: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => said[name].push(Buffer.from(chunk)),
  })
  const { signal } = new AbortController()
  const code = await run(argv, { stdout: to('stdout'), stderr: to('stderr'), isTerminal: false, signal })
  return {
    code,
    stdout: Buffer.concat(said.stdout).toString(),
    stderr: Buffer.concat(said.stderr).toString(),
  }
}
