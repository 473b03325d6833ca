// How the parts of a sealed flat-1 file are told to PMTiles readers.
import { HEADER_BLOCK_BYTES } from './layout.js'

export interface SealedSections {
  metadataOffset: number
  metadataLength: number
  leafOffset: number
  leafLength: number
  dataOffset: number
  dataLength: number
  /** Absolute place of the first leaf directory; the metadata follows the last without a gap. */
  directoriesOffset: number
  directoriesLength: number
  /** To add to an offset within the leaf directories to make it relative to the leaf section. */
  leafBase: number
  /** To add to a record's offset, relative to V, to make it relative to the tile data section. */
  tileBase: number
  fileLength: number
}

/**
 * Where the parts of a sealed file lie, so that 16384 and the three lengths add up to the size of the file.
 * `front`: `valuesStart` is V after the room for `leafBytes` + `metadataBytes` was inserted before it.
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
