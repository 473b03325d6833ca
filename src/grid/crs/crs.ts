// A coordinate reference system as plain data.

/** `definition` is a PROJ string (crs-text.ts makes one of everything else), or 'EPSG:4326' / 'EPSG:3857'. */
export interface Crs {
  /** EPSG code when known, for messages and metadata. */
  readonly epsg: number | undefined
  /** For people: 'EPSG:26917', or the citation of a user-defined CRS. */
  readonly name: string
  readonly definition: string
  /** Geographic CRS whose shift to WGS 84 (datum-shifts.ts) depends on the place: located.ts chooses the image's. */
  readonly datum?: number
  /** Metres a unit of its heights, when it says anything about heights: of compound and 3D systems. */
  readonly heightMetres?: number
}
