// Runs random programs on a real file while strace makes its calls fail. argv: path, seed, most runs, seconds after
// which no run begins, and failures without which it goes on all the same.
// Prints how many runs there were, and how many calls failed.
import { linkSync, rmSync } from 'node:fs'
import { openRealFile } from '../../src/platform/real-file.js'
import { FaultRun, randomProgram } from './fault-program.js'

const [, , path = '', seed = '1', most = '1', seconds = '1', least = '0'] = process.argv
const begun = performance.now()
let failures = 0
let runs = 0
const codes = new Set<string>()
const isEnough = (): boolean =>
  runs >= 2 && failures >= Number(least) && performance.now() - begun >= Number(seconds) * 1000
while (runs < Number(most) && !isEnough()) {
  // strace knows the file by its name: by the other one it can be looked at without trouble
  const quiet = `${path}-quiet`
  const place = {
    open(mode: 'create' | 'write') {
      if (mode === 'create') {
        rmSync(path, { force: true })
        rmSync(quiet, { force: true })
      }
      const file = openRealFile(path, mode === 'create' ? 'create' : 'readwrite')
      if (mode === 'create') linkSync(path, quiet)
      return file
    },
    look: () => openRealFile(quiet, 'read'),
  }
  const run = new FaultRun(place, {
    initialRegionBytes: 4096,
    tailRecords: 10,
    stagingBytes: 4096,
    commitBytes: 0,
  })
  run.run(randomProgram(Number(seed) + runs))
  failures += run.errors.length
  for (const error of run.errors) codes.add(`${error.call} ${error.errno} ${error.code}`)
  runs++
}
process.stdout.write(`${JSON.stringify({ runs, failures, codes: [...codes].sort() })}\n`)
