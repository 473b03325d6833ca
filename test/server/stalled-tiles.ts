/** Tiles that the writer commits before it stalls: fewer than its first region holds. */
export const SEEN = 150
