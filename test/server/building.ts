// The other process of growing.test.ts: a real build of an image, committed as often as can be. It stops now and then
// until it is told to go on, so that who looks sees it growing, however busy the machine is.
import { readSync, writeSync } from 'node:fs'
import { build } from '../../src/pyramid/build.js'
import { fixture } from '../helpers/paths.js'
import { STOPS } from './building-stops.js'

const [out = ''] = process.argv.slice(2)
const pause = new Int32Array(new SharedArrayBuffer(4))

function untilTold(): void {
  for (;;) {
    try {
      readSync(0, Buffer.alloc(1))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(pause, 0, 0, 5)
    }
  }
}

let stops = 0
let done = 0
await build(
  { sources: [fixture('ortho.tif')], out, zoom: [10, 19], threads: 1, commitEverySeconds: 0 },
  {
    onProgress({ tilesDone }) {
      if (tilesDone === done || stops === STOPS) return
      done = tilesDone
      stops++
      writeSync(1, 'stopped\n')
      untilTold()
    },
  },
)
console.log('done')
