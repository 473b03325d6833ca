// How much tests try of what has no end: random programs, moments of death, seconds of hammering, codes of a table.
// `npm test` tries some; `npm run test:long` all that is worth its time, which is asked for before an issue is closed.

/** Whether this is the long form. */
export const isLong: boolean = process.env['FLAGSTONE_LONG'] === '1'

/** How many rounds of so many; `variable` asks for another number. */
export const rounds = (short: number, long: number, variable?: string): number =>
  Number((variable !== undefined && process.env[variable]) || (isLong ? long : short))

/** For the names of tests: what the long form would do, where this is not it. */
export const ofLong = (long: number): string => (isLong ? '' : `, ${long} in test:long`)
