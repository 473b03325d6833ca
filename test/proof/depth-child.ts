// A build of several depths that is going to be killed: node depth-child.js FOLDER KIND OUT fresh|resume THREADS. Says the
// processor time it has used, in ms, when it is ready and done.
import { writeSync } from 'node:fs'
import { FlagstoneError } from '../../src/errors.js'
import { build } from '../../src/pyramid/build.js'
import { cpuMs } from '../helpers/waiting.js'
import { depthBuild, type Kind } from './depth-build.js'

const [dir, kind, out, how, threads] = process.argv.slice(2) as [string, Kind, string, string, string]
writeSync(1, `ready ${Math.round(cpuMs())}\n`)
try {
  await build({ ...depthBuild(dir, kind, out), resume: how === 'resume', threads: Number(threads) })
  writeSync(1, `done ${Math.round(cpuMs())}\n`)
} catch (error) {
  if (!(error instanceof FlagstoneError)) throw error
  writeSync(2, `${error.code}: ${error.message}\n`)
  process.exitCode = 1
}
