// Every wait of a test goes through here: it ends, and says what it waited for. The limits are far beyond what anything
// takes, for machines on which much else runs; a file's own limit (TAP_TIMEOUT, half an hour) says only that it was too long.
import { setTimeout as after } from 'node:timers/promises'

export interface Patience {
  readonly seconds?: number
}

const SECONDS = 120
const EVERY_MS = 20

/** Milliseconds of processor time that this process has used: what a busy machine hardly changes, unlike the clock's. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

type What = string | (() => string)

/**
 * The first value of `condition` that counts as true; it is asked again and again.
 * Rejects with what it waited for, and with what `condition` throws.
 * @param what read after 'waited for': 'the worker to be replaced'
 */
export async function until<T>(
  what: What,
  condition: () => T | Promise<T>,
  patience?: Patience,
): Promise<NonNullable<T>> {
  let isOver = false
  const poll = async (): Promise<NonNullable<T>> => {
    for (;;) {
      const value = await condition()
      if (value || isOver) return value as NonNullable<T>
      await after(EVERY_MS)
    }
  }
  try {
    return await within(what, poll(), patience)
  } finally {
    isOver = true
  }
}

/** `promise`, or a rejection that says what did not come in time. */
export async function within<T>(
  what: What,
  promise: Promise<T>,
  { seconds = SECONDS }: Patience = {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(inVain(what, seconds)), seconds * 1000)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const inVain = (what: What, seconds: number): Error =>
  new Error(`waited ${seconds} s for ${typeof what === 'string' ? what : what()}`)
