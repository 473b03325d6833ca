// How the parts of a sealed flat-1 file are presented to PMTiles readers.
import { HEADER_BLOCK_BYTES } from './layout.js'

export interface SealedSections {
  metadataOffset: number
  metadataLength: number
  leafOffset: number
  leafLength: number
  dataOffset: number
  dataLength: number
  /** Absolute position of the first leaf directory. The metadata follow the last one without a gap. */
  directoriesOffset: number
  directoriesLength: number
  /** Added to an offset within the leaf directories, gives the offset in the leaf section. */
  leafBase: number
  /** Added to a record's offset, relative to V, gives the offset in the tile data section. */
  tileBase: number
  fileLength: number
}

/**
 * The positions of the parts of a sealed file, such that 16384 and the three lengths add up to the size of the file.
 * With `front`, `valuesStart` is V after room for `leafBytes` + `metadataBytes` was inserted before it.
 */
export function sealedSections(
  placement: 'front' | 'tail',
  valuesStart: number,
  valuesLength: number,
  leafBytes: number,
  metadataBytes: number,
): SealedSections {
  const directoriesLength = leafBytes + metadataBytes
  const valuesEnd = valuesStart + valuesLength
  const front = placement === 'front'
  const directoriesOffset = front ? valuesStart - directoriesLength : valuesEnd
  const leafOffset = front ? HEADER_BLOCK_BYTES : directoriesOffset
  const dataOffset = front ? valuesStart : HEADER_BLOCK_BYTES
  return {
    directoriesOffset,
    directoriesLength,
    leafOffset,
    leafLength: directoriesOffset + leafBytes - leafOffset,
    metadataOffset: directoriesOffset + leafBytes,
    metadataLength: metadataBytes,
    dataOffset,
    dataLength: valuesEnd - dataOffset,
    leafBase: directoriesOffset - leafOffset,
    tileBase: valuesStart - dataOffset,
    fileLength: front ? valuesEnd : valuesEnd + directoriesLength,
  }
}
