// A coordinate reference system as plain data.

/** `definition` is a PROJ string (crs-text.ts converts everything else to one), 'EPSG:4326' or 'EPSG:3857'. */
export interface Crs {
  /** EPSG code where known, for messages and metadata. */
  readonly epsg: number | undefined
  /** For display: 'EPSG:26917', or the citation of a user-defined CRS. */
  readonly name: string
  readonly definition: string
  /**
   * Code of the geographic CRS when its shift to WGS 84 (datum-shifts.ts) depends on the place. located.ts chooses the
   * shift for an image.
   */
  readonly datum?: number
  /** Metres per unit of height. Only compound and 3D systems have it. */
  readonly heightMetres?: number
}
