// The thread of write-behind.ts: it writes pieces past the page cache, in the order of the ring, and reports how each
// one went. It knows only descriptors and memory.
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { BEGUN, FAILED, FREE, FULL, type Ring, STARTING, STOP } from './write-behind.js'

const { fd, pieces, states, places, thread } = workerData as Ring

function writePiece(slot: number): number {
  const bytes = pieces[slot]!
  const [from, length, position] = [places[slot * 3]!, places[slot * 3 + 1]!, places[slot * 3 + 2]!]
  try {
    for (let done = 0; done < length; ) {
      done += writeSync(fd, bytes, from + done, length - done, position + done)
    }
    return FREE
  } catch {
    // Whatever the error, the main thread tries again and gets it itself.
    return FAILED
  }
}

const isWanted = Atomics.compareExchange(thread, 0, STARTING, BEGUN) === STARTING
Atomics.notify(thread, 0)

for (let slot = 0; isWanted; slot = (slot + 1) % pieces.length) {
  let state = Atomics.load(states, slot)
  while (state !== FULL && state !== STOP) {
    Atomics.wait(states, slot, state)
    state = Atomics.load(states, slot)
  }
  if (state === STOP) break
  Atomics.store(states, slot, writePiece(slot))
  Atomics.notify(states, slot)
}
