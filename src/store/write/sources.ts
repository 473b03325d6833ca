// Sources as they are stored: checked and encoded when they are passed, so that a commit cannot fail because of them.
import { badType } from '../../errors.js'
import { encodeSources } from '../../format/sources/codec.js'
import type { SourceRecord } from '../../format/sources/record.js'

export interface PackedSources {
  readonly bytes: Uint8Array
  readonly count: number
}

/** Null for an empty list. @throws TypeError when a record is wrong, or they are too many */
export function packedSources(records: readonly SourceRecord[]): PackedSources | null {
  const bytes = encodeSources(records)
  if (typeof bytes === 'string') throw badType(`sources cannot be stored: ${bytes}`)
  return records.length === 0 ? null : { bytes, count: records.length }
}
