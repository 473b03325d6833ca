// The server that is fuzzed, in a process of its own so that its end would be seen: one archive of every kind, two of
// which are ill (a damaged file, a disk that fails every few reads). Says its port in a line of JSON; stays until its
// input ends. Arguments: the folder to serve, the seed of the failing disk.

import { join } from 'node:path'
import { openRealFile } from '../../src/platform/real-file.js'
import { systemError } from '../../src/platform/system-error.js'
import { openTileServer } from '../../src/server/handler.js'
import { listen } from '../../src/server/run/listen.js'
import { requestLog } from '../../src/server/run/request-log.js'
import { openReader } from '../../src/store/read/open.js'
import { randomFrom } from '../helpers/random.js'

const [root, seed] = process.argv.slice(2)
const random = randomFrom(Number(seed))

/** Reads of the disk fail now and then. */
function failingReader(path: string) {
  const file = openRealFile(path, 'read')
  let isReady = false
  const failing = new Proxy(file, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (isReady && /^read/.test(String(name)) && random() < 0.3) {
          throw systemError('EIO', String(name), path, {})
        }
        return (member as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  const reader = openReader(failing, { mode: 'buffered', check: 'always' })
  isReady = true
  return reader
}

const options = {
  trustProxy: true,
  transcode: true,
  missing: 'overzoom' as const,
  limits: {
    pixels: 65_536 * 4,
    jobs: 2,
    waiting: 16,
    jobMs: 5000,
    cacheBytes: 16 * 1024 * 1024,
    points: 500,
    bodyBytes: 65_536,
  },
}
const server = await openTileServer(
  [
    join(root!, 'tiles'),
    { id: 'strict', path: join(root!, 'tiles', 'pictures.pmtiles'), missing: '404' },
    { id: 'faulty', reader: failingReader(join(root!, 'tiles', 'pictures.pmtiles')) },
  ],
  { ...options, ...requestLog(process.stderr, undefined, options) },
)
const listening = await listen(server, { port: 0, headersMs: 5000, requestMs: 10_000, shutdownMs: 2000 })
process.stdout.write(`${JSON.stringify({ port: listening.port })}\n`)
process.stdin.resume()
process.stdin.once('end', () => void listening.close().then(() => process.exit(0)))
