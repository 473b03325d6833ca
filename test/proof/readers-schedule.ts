// What the writer of readers.test.ts writes when, so that a reader in another process knows what it may see.
// A new level begins every few steps and each grows by KEYS a step: some index outgrows its region all the time.
export const KEYS = 40
export const FIRST_ZOOM = 5
export const LAST_ZOOM = 20
const STEPS_A_LEVEL = 6
/** Positions of this class may be taken away. */
export const mayVanish = (position: number): boolean => position % 23 === 7

export const firstStepOfZoom = (zoom: number): number => (zoom - FIRST_ZOOM) * STEPS_A_LEVEL

/** The step that writes the n-th tile of a zoom for the first time. */
export const firstStepOf = (zoom: number, position: number): number =>
  firstStepOfZoom(zoom) + Math.floor(position / KEYS)

/** How many tiles of a zoom there are after a step. */
export function tilesAfter(zoom: number, step: number): number {
  return Math.max(0, Math.min(4 ** zoom, (step + 1 - firstStepOfZoom(zoom)) * KEYS))
}
