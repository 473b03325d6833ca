// Merging a level's tail into its sorted part: written elsewhere in one pass, then switched to by one
// superblock, then the old region is given back. Readers see either the old region or the new one.
//
// Everything must be committed before: the merged region's superblock says that all its records count.
import { RECORD_BYTES, RECORD_WORDS } from '../format/layout.js'
import { isDeletedAt, keyAt } from '../format/record.js'
import { allocateRegion, collapseRange, type GrowthChoice, punch } from './growth.js'
import type { LevelWriter, Region } from './level.js'
import type { StoreState } from './state.js'
import { TailIndex } from './tail.js'

const CHUNK_RECORDS = 1 << 15

export function mergeLevel(state: StoreState, level: LevelWriter, choice: GrowthChoice): void {
  const start = performance.now()
  const old: Region = { offset: level.offset, capacityBytes: level.capacityBytes }
  const most = (level.sortedCount + level.tail.size) * RECORD_BYTES
  // Room to grow again, unless what is there leaves some anyway.
  const place = allocateRegion(state, Math.max(level.capacityBytes, most + (most >> 2)), choice)
  // allocateRegion may have moved the level's own region: level.offset is right, `old` is not yet.
  old.offset = level.offset
  const output = new RegionOutput(state, place.offset)
  mergeInto(level, output)
  output.flush()
  state.sync()
  level.offset = place.offset
  level.capacityBytes = place.capacityBytes
  level.count = output.count
  level.sortedCount = output.count
  level.lastKey = output.lastKey
  level.tail = new TailIndex()
  level.tailCrc = 0
  state.publish({})
  state.growth.merges++
  freeRegion(state, old)
  state.growth.seconds += (performance.now() - start) / 1000
}

/** Streams the sorted part and, key by key, what the tail says last; deleted keys are dropped. */
function mergeInto(level: LevelWriter, output: RegionOutput): void {
  const tailCount = level.count - level.sortedCount
  const tail = new Uint32Array(tailCount * RECORD_WORDS)
  level.readRecords(level.sortedCount, new Uint8Array(tail.buffer))
  const tailKeys = level.tail.sortedKeys()
  let next = 0
  const takeTail = (): void => {
    const word = level.tail.find(tailKeys[next++]!) * RECORD_WORDS
    if (!isDeletedAt(tail, word)) output.put(tail, word)
  }
  const chunk = new Uint32Array(Math.min(CHUNK_RECORDS, level.sortedCount) * RECORD_WORDS)
  for (let first = 0; first < level.sortedCount; first += CHUNK_RECORDS) {
    const n = Math.min(CHUNK_RECORDS, level.sortedCount - first)
    level.readRecords(first, new Uint8Array(chunk.buffer, 0, n * RECORD_BYTES))
    for (let i = 0; i < n; i++) {
      const key = keyAt(chunk, i * RECORD_WORDS)
      while (next < tailKeys.length && tailKeys[next]! < key) takeTail()
      if (next < tailKeys.length && tailKeys[next] === key) takeTail()
      else output.put(chunk, i * RECORD_WORDS)
    }
  }
  while (next < tailKeys.length) takeTail()
}

class RegionOutput {
  readonly #state: StoreState
  readonly #words = new Uint32Array(CHUNK_RECORDS * RECORD_WORDS)
  #used = 0
  #position: number
  count = 0
  lastKey = -1

  constructor(state: StoreState, position: number) {
    this.#state = state
    this.#position = position
  }

  put(words: Uint32Array, word: number): void {
    if (this.#used === CHUNK_RECORDS) this.flush()
    const to = this.#used++ * RECORD_WORDS
    for (let i = 0; i < RECORD_WORDS; i++) this.#words[to + i] = words[word + i]!
    this.lastKey = keyAt(words, word)
    this.count++
  }

  flush(): void {
    const bytes = new Uint8Array(this.#words.buffer, 0, this.#used * RECORD_BYTES)
    this.#state.file.write(bytes, this.#position)
    this.#position += bytes.length
    this.#used = 0
  }
}

/** Cuts a region out of the file when nobody can mind, else gives its blocks back and leaves a gap. */
function freeRegion(state: StoreState, region: Region): void {
  const { file } = state
  const inFront = region.offset < state.valuesStart
  if (inFront && state.collapseWorks) {
    // A reader that maps past the new end would die of SIGBUS; one that handed out views would see them move.
    const attach = file.tryLock('attach', 'exclusive')
    const pin = attach && file.tryLock('pin', 'exclusive')
    try {
      if (pin && collapseRange(state, region.offset, region.capacityBytes)) {
        state.writeSuperblock()
        state.sync()
        return
      }
    } finally {
      if (pin) file.unlock('pin')
      if (attach) file.unlock('attach')
    }
  }
  punch(state, region)
}
