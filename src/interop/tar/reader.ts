// Tar archives of loose tiles, z/x/y.png, as VersaTiles and tar itself write them. Opening one goes through all its headers, and
// keeps where the tiles are.
import { FlagstoneError } from '../../errors.js'
import { Contents, PackedSet } from '../packed/packed-set.js'
import { WindowFile } from '../packed/window-file.js'
import { BLOCK_BYTES, decodePax, decodeTarHeader, paddedBytes, type TarHeader } from './header.js'

/** Longer names are no names of tiles. */
const MAX_EXTENDED_BYTES = 64 * 1024
const PACKED: readonly (readonly [mark: string, command: string])[] = [
  ['\x1f\x8b', 'gunzip'],
  ['BZh', 'bunzip2'],
  ['\xfd7zXZ', 'unxz'],
  ['\x28\xb5\x2f\xfd', 'unzstd'],
]

/**
 * Opens a tar archive.
 * @throws NOT_FOUND, SOURCE_UNREADABLE, SYSTEM
 * @throws NOT_A_TILE_FILE when it has no tiles, or is compressed
 * @throws DAMAGED when it was cut off, or has something other than a header where one should be
 */
export function openTar(path: string): PackedSet {
  const file = new WindowFile(path)
  try {
    refusePacked(file)
    const contents = new Contents(path, false)
    for (const { name, type, bytes, link, position } of entriesOf(file)) {
      if (type === '1') contents.addLink(name, link)
      else if (type === '0' || type === '7') contents.add(name, { position, bytes, packedBytes: 0, crc: 0 })
    }
    return new PackedSet(file, contents, ({ position, bytes }) => file.read(position, bytes))
  } catch (error) {
    file.close()
    throw error
  }
}

/** The files, links and folders, with the names and sizes that extended headers give them. */
function* entriesOf(file: WindowFile): Generator<TarHeader & { readonly position: number }> {
  let extended: { name?: string; link?: string; bytes?: number } = {}
  for (let at = 0; at + BLOCK_BYTES <= file.sizeBytes; ) {
    const header = decodeTarHeader(file.peek(at, BLOCK_BYTES))
    if (header === undefined) return
    if (header === null) throw noHeader(file, at)
    const position = at + BLOCK_BYTES
    const isExtended = 'xgLK'.includes(header.type)
    const bytes = isExtended ? header.bytes : (extended.bytes ?? header.bytes)
    if (position + bytes > file.sizeBytes) throw file.endsEarly()
    if (!isExtended) {
      yield { ...header, ...extended, bytes, position }
      extended = {}
    } else if (bytes <= MAX_EXTENDED_BYTES) {
      extended = { ...extended, ...extensionOf(header.type, file.read(position, bytes)) }
    }
    at = position + paddedBytes(bytes)
  }
}

/** What an extended header says of the file that follows it. */
function extensionOf(type: string, body: Buffer): { name?: string; link?: string; bytes?: number } {
  if (type === 'g') return {}
  if (type !== 'x') {
    const end = body.indexOf(0)
    const text = body.toString('utf8', 0, end < 0 ? body.length : end)
    return type === 'L' ? { name: text } : { link: text }
  }
  const { path, linkpath, size } = decodePax(body)
  const bytes = Number(size)
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(linkpath === undefined ? {} : { link: linkpath }),
    ...(size !== undefined && Number.isSafeInteger(bytes) && bytes >= 0 ? { bytes } : {}),
  }
}

/** @throws NOT_A_TILE_FILE */
function refusePacked(file: WindowFile): void {
  const mark = file.read(0, Math.min(8, file.sizeBytes)).toString('latin1')
  const command = PACKED.find(([begins]) => mark.startsWith(begins))?.[1]
  if (command === undefined && file.sizeBytes < BLOCK_BYTES)
    throw notTar(file, `it has ${file.sizeBytes} bytes`)
  if (command === undefined) return
  throw new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${file.path} is compressed as a whole, so its tiles cannot be read one by one; unpack it first: ${command} ${file.path}`,
    { path: file.path },
  )
}

function noHeader(file: WindowFile, at: number): FlagstoneError {
  if (at === 0) return notTar(file, 'it does not begin with a header')
  return new FlagstoneError(
    'DAMAGED',
    `${file.path} is damaged: there is no header of a file at byte ${at}; get a complete copy.`,
    { path: file.path },
  )
}

const notTar = (file: WindowFile, why: string): FlagstoneError =>
  new FlagstoneError('NOT_A_TILE_FILE', `${file.path} is not a tar archive: ${why}.`, { path: file.path })
