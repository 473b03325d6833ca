/** How often building.ts waits to be told to go on, at most. */
export const STOPS = 12
