// Whether a TIFF was written by us, which its Software tag says.
import { openRealFile } from '../../platform/real-file.js'
import { SOFTWARE } from './directories.js'

const SOFTWARE_TAG = 305
/** Our directories have fewer entries. */
const MOST_ENTRIES = 64

/** False for everything else, whatever it is. */
export function isOwnCog(path: string): boolean {
  const file = openRealFile(path, 'read')
  try {
    const read = (position: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, file.read(bytes, position))
    }
    const head = read(0, 16)
    const mark = head.toString('latin1', 0, 4)
    if (mark !== 'II*\0' && mark !== 'II+\0') return false
    const big = mark === 'II+\0'
    const first = big ? Number(head.readBigUInt64LE(8)) : head.readUInt32LE(4)
    const entryBytes = big ? 20 : 12
    const directory = read(first, (big ? 8 : 2) + MOST_ENTRIES * entryBytes)
    const count = Math.min(MOST_ENTRIES, directory.readUInt16LE(0))
    for (let i = 0; i < count; i++) {
      const entry = directory.subarray((big ? 8 : 2) + i * entryBytes)
      if (entry.readUInt16LE(0) !== SOFTWARE_TAG) continue
      const at = big ? Number(entry.readBigUInt64LE(12)) : entry.readUInt32LE(8)
      return read(at, SOFTWARE.length + 1).toString('latin1') === `${SOFTWARE} `
    }
    return false
  } catch (error) {
    // cut off
    if (error instanceof RangeError) return false
    throw error
  } finally {
    file.close()
  }
}
