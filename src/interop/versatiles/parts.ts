// The parts of a VersaTiles container that are read when it is opened.
import { brotliDecompressSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import { describedBy, withoutServers } from '../packed/packed-set.js'
import type { WindowFile } from '../packed/window-file.js'
import { withoutJsonRow } from '../transfer/metadata-rows.js'
import { BlockTable } from './block-table.js'
import { decodeHeader, FORMATS, HEADER_BYTES, type Header, MAGIC, PACKINGS, type Part } from './layout.js'

/** Four times those of the whole world at zoom 18. */
const MAX_BLOCKS_BYTES = 2 ** 27
/** What VersaTiles says of the tiles, which the bytes say themselves. */
const OF_TILES = new Set(['tile_format', 'tile_type', 'tile_schema'])

export const damaged = ({ path }: WindowFile, what: string, why: string, cause?: unknown): FlagstoneError =>
  new FlagstoneError('DAMAGED', `${path}: ${what} cannot be read: ${why}; get a complete copy.`, {
    path,
    cause,
  })

/** @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED */
export function headerOf(file: WindowFile): Header {
  const { path } = file
  const bytes = file.read(0, Math.min(file.sizeBytes, HEADER_BYTES))
  const mark = bytes.toString('latin1', 0, MAGIC.length)
  if (mark !== MAGIC && /^versatiles_v\d\d$/.test(mark))
    throw new FlagstoneError(
      'VERSION_UNSUPPORTED',
      `${path} is a VersaTiles container of version ${mark.slice(-2)}; only version 02 can be read. Convert it with VersaTiles.`,
      { path },
    )
  if (mark !== MAGIC)
    throw new FlagstoneError('NOT_A_TILE_FILE', `${path} is not a VersaTiles container.`, { path })
  if (bytes.length < HEADER_BYTES) throw file.endsEarly()
  const header = decodeHeader(bytes)
  if (PACKINGS[header.packing] === undefined)
    throw damaged(file, 'the header', `it has no compression of number ${header.packing}`)
  return header
}

/** @throws DAMAGED */
export function tableOf(file: WindowFile, part: Part): BlockTable {
  const what = 'the index of the blocks'
  const records = unbrotli(file, part, MAX_BLOCKS_BYTES, what)
  try {
    return new BlockTable(records, file.sizeBytes)
  } catch (error) {
    if (error instanceof RangeError) throw damaged(file, what, error.message, error)
    throw error
  }
}

/** {} when they cannot be read, because tiles can be read without them. */
export function metadataOf(
  file: WindowFile,
  { metadata, packing, bounds, format }: Header,
): Record<string, unknown> {
  const stated = { format: FORMATS[format], bounds: [...bounds] }
  const { position, length } = metadata
  const entry = { position, bytes: length, packedBytes: length, crc: 0, extension: PACKINGS[packing]! }
  const described = length === 0 ? {} : describedBy(entry, () => file.read(position, length))
  const kept = Object.entries(withoutJsonRow(withoutServers(described))).filter(
    ([name]) => !OF_TILES.has(name),
  )
  return { ...stated, ...Object.fromEntries(kept) }
}

/** @throws DAMAGED */
export function unbrotli(
  file: WindowFile,
  { position, length }: Part,
  maxBytes: number,
  what: string,
): Buffer {
  // Brotli makes nothing much larger
  if (length > maxBytes + 2 ** 16) throw damaged(file, what, `it takes ${length} bytes`)
  const packed = file.read(position, length)
  try {
    return brotliDecompressSync(packed, { maxOutputLength: maxBytes })
  } catch (cause) {
    throw damaged(file, what, unpackProblem(cause, maxBytes), cause)
  }
}
