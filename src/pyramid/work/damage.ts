// What a build could not read and left empty, file by file. Plain data, because it is stored in the checkpoint and
// survives an interruption.
//
// Invariant: a block counts once, however many units of work have read it, and however often.
import { FlagstoneError } from '../../errors.js'
import type { Loss } from '../../raster/losses.js'

/** The blocks of one part of a file as runs of their numbers: [from, end, from, end …], ascending. */
type Runs = number[]

/** Number of places that are listed for a file. */
const NAMED = 20

export interface FileDamage {
  readonly path: string
  readonly lost: Record<string, Runs>
  /** Finer pixels were used instead. */
  readonly replaced: Record<string, Runs>
  /** The first lost blocks. */
  readonly places: DamagedBlock[]
}

/** A block of an image that could not be read. */
export interface DamagedBlock {
  /** 'level 0', 'the mask of level 0', 'zoom 14'; 'all of it' for a file that could not be opened. */
  readonly part: string
  /** Its left edge, pixels of that level. */
  readonly x: number
  /** Its upper edge, pixels of that level. */
  readonly y: number
  /** Width, pixels. */
  readonly width: number
  /** Height, pixels. */
  readonly height: number
  /** A sentence that says what is wrong with it. */
  readonly reason: string
}

/** A source with parts that could not be read. */
export interface DamagedSource {
  /** Its path. */
  readonly path: string
  /** Number of blocks that could not be read and were left empty. */
  readonly blocks: number
  /** Number of overview blocks that could not be read and were replaced by finer pixels. */
  readonly replaced: number
  /** The first of them, at most 20. */
  readonly places: readonly DamagedBlock[]
}

/** Adds a number to runs; false when they contain it. */
function addToRuns(runs: Runs, n: number): boolean {
  // the first end above n
  let low = 0
  let high = runs.length / 2
  while (low < high) {
    const middle = (low + high) >> 1
    if (runs[2 * middle + 1]! > n) high = middle
    else low = middle + 1
  }
  if (low < runs.length / 2 && runs[2 * low]! <= n) return false
  const touchesBefore = low > 0 && runs[2 * low - 1] === n
  const touchesAfter = low < runs.length / 2 && runs[2 * low] === n + 1
  if (touchesBefore && touchesAfter) runs.splice(2 * low - 1, 2)
  else if (touchesBefore) runs[2 * low - 1] = n + 1
  else if (touchesAfter) runs[2 * low] = n
  else runs.splice(2 * low, 0, n, n + 1)
  return true
}

function countOf(parts: Record<string, Runs>): number {
  let count = 0
  for (const runs of Object.values(parts))
    for (let i = 0; i < runs.length; i += 2) count += runs[i + 1]! - runs[i]!
  return count
}

export function addDamage(damage: FileDamage[], losses: readonly Loss[]): void {
  for (const { path, part, block, replaced, reason, x, y, width, height } of losses) {
    let file = damage.find((one) => one.path === path)
    if (file === undefined) {
      file = { path, lost: {}, replaced: {}, places: [] }
      damage.push(file)
    }
    const parts = replaced === true ? file.replaced : file.lost
    parts[part] ??= []
    if (!addToRuns(parts[part], block) || replaced === true || file.places.length >= NAMED) continue
    file.places.push({ part, x, y, width, height, reason })
  }
}

/** Removes repeated losses. */
export function withoutRepeats(losses: readonly Loss[]): Loss[] {
  const seen = new Map(losses.map((loss) => [`${loss.path}\0${loss.part}\0${loss.block}`, loss]))
  return [...seen.values()]
}

export const damagedSources = (damage: readonly FileDamage[]): DamagedSource[] =>
  damage.map(({ path, lost, replaced, places }) => ({
    path,
    blocks: countOf(lost),
    replaced: countOf(replaced),
    places,
  }))

/** The same error, mentioning the option that leaves damaged parts empty. */
export function withSkipAdvice(error: FlagstoneError): FlagstoneError {
  const details = Object.fromEntries(
    Object.entries({ errno: error.errno, call: error.call, path: error.path }).filter(
      ([, v]) => v !== undefined,
    ),
  )
  const message = `${error.message.replace(/\.$/, '')}. Pass --skip-unreadable (skipUnreadable) to leave such parts empty.`
  return new FlagstoneError(error.code, message, { ...details, cause: error })
}

/** For a build without tiles: the error when damage may be the reason; undefined otherwise. */
export function allLost(damage: readonly FileDamage[]): FlagstoneError | undefined {
  const lost = damagedSources(damage).filter(({ blocks }) => blocks > 0)
  const first = lost[0]
  if (first === undefined) return undefined
  const count = lost.reduce((sum, { blocks }) => sum + blocks, 0)
  const blocks = count === 1 ? 'One block' : `${count} blocks`
  return new FlagstoneError(
    'NOTHING_TO_BUILD',
    `${blocks} could not be read (${first.path}: ${first.places[0]!.reason}), and there is nothing else to build.`,
    { path: first.path },
  )
}
