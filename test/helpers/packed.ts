// Tar and zip archives, well made and not, from lists of their files.
import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../src/format/crc.js'

export interface TarFile {
  readonly name: string
  readonly bytes?: Uint8Array
  readonly type?: string
  readonly link?: string
  /** What the header says, if it lies. */
  readonly size?: number
}

function tarHeader({ name, bytes, type = '0', link = '', size = bytes?.length ?? 0 }: TarFile): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0, 100)
  block.write('0000644\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write(type, 156)
  block.write(link, 157)
  block.write('ustar\x0000', 257)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

export function tarOf(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap((file) => {
    const body = file.bytes ?? new Uint8Array()
    return [tarHeader(file), body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

export interface ZipFile {
  readonly name: string
  readonly bytes: Uint8Array
  readonly deflate?: boolean
  /** What the directory says, if it lies. */
  readonly crc?: number
  readonly size?: number
  readonly method?: number
  readonly flags?: number
}

export function zipOf(files: readonly ZipFile[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const file of files) {
    const name = Buffer.from(file.name)
    const content = file.deflate === true ? deflateRawSync(file.bytes) : Buffer.from(file.bytes)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(file.flags ?? 0, 2)
    fields.writeUInt16LE(file.method ?? (file.deflate === true ? 8 : 0), 4)
    fields.writeUInt32LE(file.crc ?? crc32(file.bytes), 10)
    fields.writeUInt32LE(content.length, 14)
    fields.writeUInt32LE(file.size ?? file.bytes.length, 18)
    fields.writeUInt16LE(name.length, 22)
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), fields, name, content)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(at, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), fields, rest, name)
    at += 30 + name.length + content.length
  }
  const bytes = directory.reduce((sum, part) => sum + part.length, 0)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(bytes, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06', 'latin1'), end])
}
