/** An answer's bytes as they were made, and as they are kept. */
export interface Made {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** Strong, quoted. */
  readonly etag: string
}
