// The parts of a zip archive with stored files of less than 4 GB: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
const NO_ZIP64 = 20
const ZIP64 = 45
const MAX_16 = 0xffff
const MAX_32 = 0xffffffff
/** 1980-01-01, the first day there is: equal tiles give equal archives. */
const DATE = (1 << 5) | 1
/** Made on Unix, so that the mode counts. */
const UNIX = 3 << 8
const MODE = 0o100644

export interface StoredFile {
  /** ASCII. */
  readonly name: string
  readonly bytes: number
  readonly crc: number
  /** Of its local header. */
  readonly position: number
}

export function localHeader({ name, bytes, crc }: StoredFile): Buffer {
  const header = Buffer.alloc(30 + name.length)
  header.write('PK\x03\x04', 'latin1')
  header.writeUInt16LE(NO_ZIP64, 4)
  header.writeUInt16LE(DATE, 12)
  header.writeUInt32LE(crc, 14)
  header.writeUInt32LE(bytes, 18)
  header.writeUInt32LE(bytes, 22)
  header.writeUInt16LE(name.length, 26)
  header.write(name, 30, 'latin1')
  return header
}

/** The record of a file in the directory. */
export function recordOf({ name, bytes, crc, position }: StoredFile): Buffer {
  const isFar = position >= MAX_32
  const record = Buffer.alloc(46 + name.length + (isFar ? 12 : 0))
  record.write('PK\x01\x02', 'latin1')
  record.writeUInt16LE(UNIX | (isFar ? ZIP64 : NO_ZIP64), 4)
  record.writeUInt16LE(isFar ? ZIP64 : NO_ZIP64, 6)
  record.writeUInt16LE(DATE, 14)
  record.writeUInt32LE(crc, 16)
  record.writeUInt32LE(bytes, 20)
  record.writeUInt32LE(bytes, 24)
  record.writeUInt16LE(name.length, 28)
  record.writeUInt16LE(isFar ? 12 : 0, 30)
  record.writeUInt32LE(MODE * 2 ** 16, 38)
  record.writeUInt32LE(isFar ? MAX_32 : position, 42)
  record.write(name, 46, 'latin1')
  if (isFar) {
    const at = 46 + name.length
    record.writeUInt16LE(1, at)
    record.writeUInt16LE(8, at + 2)
    record.writeBigUInt64LE(BigInt(position), at + 4)
  }
  return record
}

/** What ends the archive: the number of entries, and where the directory is. */
export function endOfDirectory(entries: number, start: number, bytes: number): Buffer {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Math.min(entries, MAX_16), 8)
  end.writeUInt16LE(Math.min(entries, MAX_16), 10)
  end.writeUInt32LE(Math.min(bytes, MAX_32), 12)
  end.writeUInt32LE(Math.min(start, MAX_32), 16)
  if (entries < MAX_16 && bytes < MAX_32 && start < MAX_32) return end
  return Buffer.concat([zip64End(entries, start, bytes), end])
}

function zip64End(entries: number, start: number, bytes: number): Buffer {
  const end = Buffer.alloc(56 + 20)
  end.write('PK\x06\x06', 'latin1')
  end.writeBigUInt64LE(44n, 4)
  end.writeUInt16LE(UNIX | ZIP64, 12)
  end.writeUInt16LE(ZIP64, 14)
  end.writeBigUInt64LE(BigInt(entries), 24)
  end.writeBigUInt64LE(BigInt(entries), 32)
  end.writeBigUInt64LE(BigInt(bytes), 40)
  end.writeBigUInt64LE(BigInt(start), 48)
  end.write('PK\x06\x07', 56, 'latin1')
  end.writeBigUInt64LE(BigInt(start + bytes), 64)
  end.writeUInt32LE(1, 72)
  return end
}
