/** What is wrong with packed bytes, from an error of node:zlib, as the end of a sentence. */
export function unpackProblem(error: unknown, maxBytes: number): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_BUFFER_TOO_LARGE' ? `it unpacks to more than the limit of ${maxBytes} bytes` : message
}
