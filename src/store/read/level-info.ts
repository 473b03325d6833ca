/** What the index of a file holds of one zoom. */
export interface LevelInfo {
  /** 0 to 26. */
  zoom: number
  /** Tiles; removed and replaced ones do not count. */
  count: number
  /** Records in the index, of tiles that are there and that are not any more. */
  records: number
  /** Records that came out of order and wait for a merge. */
  tail: number
  /** Room of the index of this zoom in the file. */
  indexBytes: number
}
