// The other process of growing.test.ts: a real build of an image, committed as often as can be.
import { build } from '../../src/pyramid/build.js'
import { fixture } from '../helpers/paths.js'

const [out = ''] = process.argv.slice(2)
await build({ sources: [fixture('ortho.tif')], out, zoom: [10, 19], threads: 1, commitEverySeconds: 0 })
console.log('done')
