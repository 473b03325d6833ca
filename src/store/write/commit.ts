// Makes appended data durable, and tidies up a file.
import { crc32 } from '../../format/crc.js'
import { unseal } from './seal.js'
import type { StoreState } from './state.js'

/**
 * The steps of a commit: contents, sync, superblock, sync. `metadata` is their new value, or undefined when unchanged.
 */
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

/** Truncates uncommitted data and writes the second copy of the superblock. */
export function tidy(state: StoreState): void {
  if (state.written.sealed) return
  if (state.hasHeader) unseal(state)
  const end = state.written.valuesStart + state.written.valuesLength
  if (state.file.size() > end) state.file.truncate(end)
  state.writeSuperblockTwin()
  state.sync()
}
