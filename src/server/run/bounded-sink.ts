// A log that nobody reads must not fill our memory: what does not fit is left out, and how much that was is said when
// there is room again.

export interface LogSink {
  write(line: string): unknown
  /** Bytes that were written and not taken yet, of a stream. */
  readonly writableLength?: number | undefined
}

const MAX_WAITING_BYTES = 4 * 1024 * 1024

/**
 * @param lost makes the line that says how many were left out
 */
export function boundedSink(sink: LogSink, lost: (lines: number) => string): LogSink {
  let leftOut = 0
  return {
    write(line) {
      const waiting = sink.writableLength ?? 0
      if (waiting > MAX_WAITING_BYTES) leftOut++
      else {
        if (leftOut > 0 && waiting === 0) {
          sink.write(lost(leftOut))
          leftOut = 0
        }
        sink.write(line)
      }
    },
  }
}
