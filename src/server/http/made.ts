/** The bytes of a computed response, as they are cached. */
export interface Made {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** Strong, quoted. */
  readonly etag: string
}
