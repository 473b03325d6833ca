// The thread of md5.ts.
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { DONE, EMPTY, type Md5Ring } from './md5.js'

const { pieces, lengths, states } = workerData as Md5Ring
const hash = createHash('md5')
for (let slot = 0; ; slot = (slot + 1) % pieces.length) {
  Atomics.wait(states, slot, EMPTY)
  if (Atomics.load(states, slot) === DONE) break
  hash.update(pieces[slot]!.subarray(0, lengths[slot]))
  Atomics.store(states, slot, EMPTY)
  Atomics.notify(states, slot)
}
parentPort!.postMessage(hash.digest('hex'))
