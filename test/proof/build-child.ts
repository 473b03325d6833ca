// A build that is going to be killed: node build-child.js OUT fresh|resume [COMMIT_SECONDS]. Says the processor time it
// has used, in ms, when it is ready and done. Ends with code 1 and the sentence when it fails.
import { writeSync } from 'node:fs'
import { FlagstoneError } from '../../src/errors.js'
import { build } from '../../src/pyramid/build.js'
import { cpuMs } from '../helpers/waiting.js'
import { smallBuild } from './small-build.js'

const [out, how, seconds] = process.argv.slice(2) as [string, string, string | undefined]
writeSync(1, `ready ${Math.round(cpuMs())}\n`)
try {
  const options = { ...smallBuild(out), commitEverySeconds: Number(seconds ?? 0), resume: how === 'resume' }
  const { tiles, resumed } = await build(options, {
    // A disk that fills up on the way is one of the ways to end.
    checkSpace: false,
    onProgress: (progress) => writeSync(1, `progress ${JSON.stringify(progress)}\n`),
  })
  writeSync(1, `done ${Math.round(cpuMs())} ${tiles} ${resumed}\n`)
} catch (error) {
  if (!(error instanceof FlagstoneError)) throw error
  writeSync(2, `${error.code}: ${error.message}\n`)
  process.exitCode = 1
}
