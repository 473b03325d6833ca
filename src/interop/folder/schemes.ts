/** How rows are counted: 'xyz' from the north, 'tms' from the south. */
export const ROW_SCHEMES = ['xyz', 'tms'] as const
export type RowScheme = (typeof ROW_SCHEMES)[number]
