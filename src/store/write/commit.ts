// Makes appended data durable, and tidies up a file.
import { crc32 } from '../../format/crc.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { unseal } from './seal.js'
import type { PackedSources } from './sources.js'
import type { StoreState } from './state.js'

/** What belongs to no tile and changes with a commit; what is undefined stays as it is. */
export interface Changes {
  metadata: Record<string, unknown> | undefined
  /** Encoded; null for none. */
  sources: PackedSources | null | undefined
}

/** The steps of a commit: contents, sync, superblock, sync. */
export function publish(state: StoreState, { metadata, sources }: Changes): void {
  state.assertUsable()
  if (state.hasHeader) unseal(state)
  const change: Partial<Superblock> = {}
  if (metadata !== undefined)
    change.metadata = store(state, new TextEncoder().encode(JSON.stringify(metadata)))
  if (sources === null) change.sources = undefined
  else if (sources !== undefined) change.sources = { ...store(state, sources.bytes), count: sources.count }
  state.values.flush()
  for (const level of state.regions) level.flush()
  state.sync()
  state.publish(change)
}

function store(state: StoreState, bytes: Uint8Array): { offset: number; length: number; crc: number } {
  return { offset: state.values.append(bytes), length: bytes.length, crc: crc32(bytes) }
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
