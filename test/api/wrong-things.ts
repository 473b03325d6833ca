// What a careless program may pass: any value, paths that lead nowhere, options of any kind.
import fc from 'fast-check'

export type Call = (...args: never[]) => unknown
/** A function, and what to pass to it. */
export type Asked = [Call, ...fc.Arbitrary<unknown>[]]

export const anything = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    Number.NaN,
    -1,
    0.5,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    '',
    '1',
    'a\0b',
    7n,
  ),
  fc.constantFrom<unknown>(
    Symbol('s'),
    () => 1,
    [],
    {},
    new Date(0),
    new Map(),
    new DataView(new ArrayBuffer(8)),
  ),
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
  }),
)
/** A path that cannot be opened, or not be written: random texts might be somewhere else on this machine. */
export const path = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    'a\0b',
    'missing/dir/x.pmtiles',
    'text.txt',
    'folder',
    '-',
    'x.tif',
    5,
    null,
    undefined,
  ),
  anything.filter((value) => typeof value !== 'string'),
)
export const coordinate = fc.oneof(fc.constantFrom<unknown>(0, 1, 2, 3), anything)
/** Known keys with any values, and sometimes a key that is none. */
export const fields = (...keys: string[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    anything,
    fc.dictionary(fc.constantFrom(...keys, 'zom', '__proto__', 'toString'), anything, { maxKeys: 3 }),
  )

/** Arguments that are right but for what is in `more`. */
export const given = (first: unknown, more: unknown): unknown =>
  typeof more === 'object' && more !== null ? { ...(first as object), ...more } : more
