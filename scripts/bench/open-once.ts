// One opening and one tile, in a process of its own: `node open-once.js FILE Z X Y` prints milliseconds as JSON.
import { openRealFile } from '../../src/platform/real-file.js'
import { FlatReader } from '../../src/store/read/reader.js'

const [path, z, x, y] = process.argv.slice(2)
const start = performance.now()
const reader = FlatReader.open(openRealFile(path!, 'read'))
const opened = performance.now()
const tile = reader.get(Number(z), Number(x), Number(y))
const got = performance.now()
process.stdout.write(
  JSON.stringify({ open: opened - start, get: got - opened, length: tile?.bytes.length ?? -1 }),
)
