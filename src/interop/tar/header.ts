// Headers of tar archives: ustar (POSIX), with long names and large sizes as GNU tar and pax write them. The libraries
// for tar read archives as streams; the one whose headers can be read alone (tar) takes eight times as long for each.

export const BLOCK_BYTES = 512

/** What follows a header is padded to whole blocks. */
export const paddedBytes = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES

export interface TarHeader {
  readonly name: string
  /** '0' file, '1' hard link, '5' directory, 'x' and 'g' pax, 'L' and 'K' long name and link of GNU tar … */
  readonly type: string
  /** Of what follows. */
  readonly bytes: number
  /** The file that a link leads to. */
  readonly link: string
}

/** Undefined for a block of zeros, which ends the archive; null when it is not a header. */
export function decodeTarHeader(block: Buffer): TarHeader | undefined | null {
  const sum = checksumOf(block)
  if (sum === EMPTY_SUM) return undefined
  if (sum !== numberAt(block, 148, 8)) return null
  const bytes = numberAt(block, 124, 12)
  if (!Number.isSafeInteger(bytes) || bytes < 0) return null
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]!)
  const name = textAt(block, 0, 100)
  // GNU tar keeps times where ustar has the first part of the name
  const hasPrefix = block[345] !== 0 && block.toString('latin1', 257, 263) === 'ustar\0'
  return {
    name: hasPrefix ? `${textAt(block, 345, 155)}/${name}` : name,
    type,
    bytes: hasBody(type) ? bytes : 0,
    link: textAt(block, 157, 100),
  }
}

/** Links and folders have no contents, whatever their headers say. */
const hasBody = (type: string): boolean => !'123456'.includes(type)

/** The header of a file with a name of up to 100 ASCII characters. */
export function encodeTarHeader(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name, 0, 100, 'latin1')
  block.write('0000644\0', 100, 'latin1')
  block.write('0000000\0'.repeat(2), 108, 'latin1')
  block.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  // no time: equal tiles give equal archives
  block.write(`${'0'.repeat(11)}\0`, 136, 'latin1')
  block.write('0', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** Values of a pax header by their names: 'LENGTH NAME=VALUE\n' each. */
export function decodePax(body: Buffer): Record<string, string> {
  const values: Record<string, string> = {}
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at)
    const length = Number(body.toString('latin1', at, space < 0 ? at : space))
    if (!(length > 0) || space < 0) break
    const text = body.toString('utf8', space + 1, at + length - 1)
    const equals = text.indexOf('=')
    if (equals > 0) values[text.slice(0, equals)] = text.slice(equals + 1)
    at += length
  }
  return values
}

/** The sum of a block of zeros, in which the checksum counts as spaces. */
const EMPTY_SUM = 8 * 0x20

function checksumOf(block: Buffer): number {
  let sum = EMPTY_SUM
  for (let i = 0; i < 148; i++) sum += block[i]!
  for (let i = 156; i < BLOCK_BYTES; i++) sum += block[i]!
  return sum
}

/** Octal digits, or, where the first bit is set, a binary number. */
function numberAt(block: Buffer, at: number, length: number): number {
  let value = 0
  if ((block[at]! & 0x80) !== 0) {
    for (let i = at + 1; i < at + length; i++) value = value * 256 + block[i]!
    return value
  }
  const digits = /^[ \0]*([0-7]*)/.exec(block.toString('latin1', at, at + length))![1]!
  return Number.parseInt(digits || '0', 8)
}

function textAt(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('utf8', at, end < 0 || end > at + length ? at + length : end)
}
