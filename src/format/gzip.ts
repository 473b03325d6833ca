/** Whether bytes begin like a gzip stream. */
export const isGzip = (bytes: Uint8Array | undefined): boolean => bytes?.[0] === 0x1f && bytes[1] === 0x8b
