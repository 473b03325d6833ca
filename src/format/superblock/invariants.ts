// The invariants of formats/flat-1.md that concern a superblock by itself.
import {
  BLOCK_BYTES,
  FIRST_INDEX_OFFSET,
  indexStart,
  LEVEL_COUNT,
  MAX_GROWTH_UNIT_BYTES,
  recordCapacity,
  SOURCES_WRITE_VERSION,
  SUPERBLOCK_SIZES,
} from '../layout.js'
import type { Superblock } from './fields.js'

/**
 * The first invariant of formats/flat-1.md that `sb` breaks, as its number and a clause; undefined when it is valid.
 */
export function brokenInvariant(sb: Superblock): string | undefined {
  return fieldProblem(sb) ?? levelProblem(sb) ?? pendingProblem(sb) ?? sealProblem(sb)
}

function fieldProblem(sb: Superblock): string | undefined {
  const unit = sb.growthUnitBytes
  if (!(unit >= BLOCK_BYTES && unit <= MAX_GROWTH_UNIT_BYTES) || (unit & (unit - 1)) !== 0)
    return `F3: growth unit ${unit} is not a power of two in ${BLOCK_BYTES}…${MAX_GROWTH_UNIT_BYTES}`
  if (sb.uuid.length !== SUPERBLOCK_SIZES.uuid) return 'F2: the UUID does not have 16 bytes'
  if (!(sb.readVersion >= 1 && sb.readVersion <= sb.writeVersion && sb.writeVersion <= 0xffff))
    return `F2: read version ${sb.readVersion} and write version ${sb.writeVersion} do not go together`
  if (!isCount(sb.sequence)) return `F2: sequence ${sb.sequence} is over 2^53`
  if (!isCount(sb.valuesStart) || sb.valuesStart % unit !== 0 || sb.valuesStart < indexStart(unit))
    return `F3: values begin at ${sb.valuesStart}, not on a multiple of ${unit} from ${indexStart(unit)} on`
  if (!isCount(sb.valuesLength) || !isCount(sb.valuesStart + sb.valuesLength))
    return `F5: values of ${sb.valuesLength} bytes reach beyond 2^53`
  const { metadata, sources } = sb
  if (metadata !== undefined && !isAmongValues(sb, metadata))
    return `F6: the metadata, ${metadata.length} bytes from V+${metadata.offset}, is not within the values`
  if (sources === undefined) return undefined
  if (!isAmongValues(sb, sources))
    return `F24: the sources, ${sources.length} bytes from V+${sources.offset}, are not within the values`
  if (sb.writeVersion < SOURCES_WRITE_VERSION)
    return `F24: there are sources, and the write version is ${sb.writeVersion}`
  return undefined
}

function isAmongValues(sb: Superblock, { offset, length }: { offset: number; length: number }): boolean {
  return isCount(offset) && length > 0 && offset + length <= sb.valuesLength
}

function levelProblem(sb: Superblock): string | undefined {
  if (sb.levels.length !== LEVEL_COUNT) return `F2: ${sb.levels.length} levels instead of ${LEVEL_COUNT}`
  const valuesEnd = sb.valuesStart + sb.valuesLength
  const regions: { zoom: number; from: number; to: number }[] = []
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const { offset, capacityBytes, count, sortedCount } = sb.levels[zoom]!
    if (![offset, capacityBytes, count, sortedCount].every(isCount))
      return `F4: level ${zoom} is not made of counts`
    if (sortedCount > count || count > recordCapacity(capacityBytes))
      return `F4: level ${zoom} has ${count} records, ${sortedCount} sorted, in room for ${recordCapacity(capacityBytes)}`
    if (count > 4 ** zoom && count === sortedCount)
      return `F10: level ${zoom} has ${count} tiles, more than there are`
    if (capacityBytes === 0) {
      if (offset !== 0) return `F4: level ${zoom} has a place and no room`
      continue
    }
    const to = offset + capacityBytes
    if (offset % sb.growthUnitBytes !== 0 || capacityBytes % sb.growthUnitBytes !== 0)
      return `F3: level ${zoom} at ${offset}, ${capacityBytes} bytes, is not on multiples of the growth unit`
    const inFront = offset >= indexStart(sb.growthUnitBytes) && to <= sb.valuesStart
    const among = offset >= sb.valuesStart && to <= valuesEnd
    if (!inFront && !among)
      return `F5: level ${zoom}, ${offset}…${to}, is neither in front of the values nor among them`
    regions.push({ zoom, from: offset, to })
  }
  regions.sort((a, b) => a.from - b.from)
  for (let i = 1; i < regions.length; i++)
    if (regions[i]!.from < regions[i - 1]!.to)
      return `F5: the regions of levels ${regions[i - 1]!.zoom} and ${regions[i]!.zoom} overlap`
  return undefined
}

function pendingProblem(sb: Superblock): string | undefined {
  const { pending } = sb
  if (pending === undefined) return undefined
  const { kind, at, length, sizeBefore } = pending
  const unit = sb.growthUnitBytes
  if (sb.sealed) return 'F8: a sealed file has a pending change'
  if (![at, length, sizeBefore, at + length, sizeBefore + length].every(isCount) || length === 0)
    return `F8: the pending ${kind} of ${length} bytes at ${at} is not made of counts`
  if (at % unit !== 0 || length % unit !== 0 || at < indexStart(unit))
    return `F8: the pending ${kind} of ${length} bytes at ${at} is not on multiples of the growth unit behind the superblocks`
  if (sizeBefore < sb.valuesStart + sb.valuesLength || at > sb.valuesStart)
    return `F8: the pending ${kind} at ${at} does not fit a file of ${sizeBefore} bytes with values from ${sb.valuesStart}`
  const end = kind === 'insert' ? at : at + length
  if (end > sb.valuesStart) return `F8: the pending collapse would cut into the values`
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const level = sb.levels[zoom]!
    const to = level.offset + level.capacityBytes
    const cuts = kind === 'insert' ? level.offset < at && at < to : level.offset < end && at < to
    if (level.capacityBytes > 0 && cuts) return `F8: the pending ${kind} cuts the region of level ${zoom}`
  }
  return undefined
}

function sealProblem(sb: Superblock): string | undefined {
  const { pmtiles } = sb
  if (sb.sealed !== (pmtiles !== undefined) || sb.sealed !== sb.fileLength > 0)
    return 'F16: sealed, file length and PMTiles parts do not go together'
  if (pmtiles === undefined) return undefined
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++)
    if (sb.levels[zoom]!.count !== sb.levels[zoom]!.sortedCount)
      return `F16: sealed, and level ${zoom} has a tail`
  const from = pmtiles.directoriesOffset
  const to = from + pmtiles.directoriesLength
  const valuesEnd = sb.valuesStart + sb.valuesLength
  if (![from, pmtiles.directoriesLength, to, sb.fileLength].every(isCount))
    return 'F18: directories are not made of counts'
  if (pmtiles.placement === 'tail')
    return from === valuesEnd && to === sb.fileLength
      ? undefined
      : `F18: directories ${from}…${to} are not all that follows the values, which end at ${valuesEnd} of ${sb.fileLength}`
  if (from < FIRST_INDEX_OFFSET || to !== sb.valuesStart || sb.fileLength !== valuesEnd)
    return `F18: directories ${from}…${to} do not end where values begin, ${sb.valuesStart}, or the file not where they end`
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const level = sb.levels[zoom]!
    if (level.capacityBytes > 0 && level.offset < to && level.offset + level.capacityBytes > from)
      return `F18: directories ${from}…${to} lie over the region of level ${zoom}`
  }
  return undefined
}

function isCount(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
