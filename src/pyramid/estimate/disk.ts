// The free space on the output's disk, and the message when there is too little.
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { fromNodeError } from '../../platform/system-error.js'

export interface Disk {
  readonly directory: string
  readonly freeBytes: number
}

/** @throws NOT_FOUND, SYSTEM when the directory cannot be queried */
export function diskOf(out: string): Disk {
  const directory = dirname(out)
  try {
    const { bavail, bsize } = statfsSync(directory)
    return { directory, freeBytes: bavail * bsize }
  } catch (error) {
    throw fromNodeError(error, 'statfs', directory)
  }
}

export function lackOfSpace(out: string, fileBytes: number, { directory, freeBytes }: Disk): FlagstoneError {
  return new FlagstoneError(
    'DISK_FULL',
    `${out} needs about ${sized(fileBytes)}, but ${directory} has only ${sized(freeBytes)} free: free some space, or choose another place, fewer zoom levels or a lower quality.`,
    { path: out },
  )
}

function sized(bytes: number): string {
  const unit = Math.min(5, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${['B', 'KB', 'MB', 'GB', 'TB', 'PB'][unit]}`
}
