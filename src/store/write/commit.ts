// Making what was appended durable, and leaving a file in order.
import { crc32 } from '../../format/crc.js'
import { unseal } from './seal.js'
import type { StoreState } from './state.js'

/** The protocol of a commit: contents, sync, superblock, sync. `metadata`: what they are from now on, if they change. */
export function publish(state: StoreState, metadata: Record<string, unknown> | undefined): void {
  state.assertUsable()
  if (state.hasHeader) unseal(state)
  let place = state.written.metadata
  if (metadata !== undefined) {
    const json = new TextEncoder().encode(JSON.stringify(metadata))
    place = { offset: state.values.append(json), length: json.length, crc: crc32(json) }
  }
  state.values.flush()
  for (const level of state.regions) level.flush()
  state.sync()
  state.publish({ metadata: place })
}

/** Cuts off what is not committed and writes the second copy of the superblock. */
export function tidy(state: StoreState): void {
  if (state.written.sealed) return
  if (state.hasHeader) unseal(state)
  const end = state.written.valuesStart + state.written.valuesLength
  if (state.file.size() > end) state.file.truncate(end)
  state.writeSuperblockTwin()
  state.sync()
}
