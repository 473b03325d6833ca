/** What the index of a file holds for one zoom. */
export interface LevelInfo {
  /** 0 to 26. */
  zoom: number
  /** Number of tiles, not counting removed and replaced ones. */
  count: number
  /** Records in the index, including those of tiles that were removed or replaced. */
  records: number
  /** Records that were written out of order and have not been merged yet. */
  tail: number
  /** Bytes reserved for the index of this zoom. */
  indexBytes: number
}
