// Whether a file is frast's, so that another may replace it.
import { openRealFile } from '../../platform/real-file.js'
import { beginsFrast, HEADER_BYTES } from './layout.js'

/** False for everything else, whatever it is. */
export function isFrastFile(path: string): boolean {
  const file = openRealFile(path, 'read')
  try {
    const head = new Uint8Array(HEADER_BYTES)
    return beginsFrast(head.subarray(0, file.read(head, 0)))
  } finally {
    file.close()
  }
}
