// A file whose calls a test can hold back, or do something before.
import type { ByteFile } from '../../src/platform/byte-file.js'

/** The file with something happening before some of its calls. */
export function hooked(file: ByteFile, before: Partial<Record<keyof ByteFile, () => unknown>>): ByteFile {
  return new Proxy(file, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      const hook = before[name as keyof ByteFile]
      return (...args: unknown[]) => {
        const first = hook?.()
        const call = (): unknown => (value as (...args: unknown[]) => unknown).apply(target, args)
        return first instanceof Promise ? first.then(call) : call()
      }
    },
  })
}
