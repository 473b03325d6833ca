// Negotiation by quality (RFC 9110, 12): Accept and Accept-Encoding.

/** Bytes of a header that are read; no client sends more. */
const MOST = 2000

/**
 * The quality of each member of a list, 0…1, by its lower-case name. `image/webp;q=0.8;x=1` → 'image/webp' 0.8; what
 * has no quality has 1, what has an unreadable one is left out.
 */
export function qualities(header: string | undefined): Map<string, number> {
  const found = new Map<string, number>()
  for (const member of (header ?? '').slice(0, MOST).split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase())
    if (name === '') continue
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2) || Number.NaN)
    if (quality >= 0 && quality <= 1) found.set(name, quality)
  }
  return found
}

export type Encoding = 'br' | 'gzip' | 'identity'
const ENCODINGS = ['br', 'gzip'] as const
/** Of what is not named: allowed, and after everything that is. */
const UNNAMED = 0.0001

/** What a text is sent in: the best of what is accepted; Brotli before gzip where both are as welcome. */
export function chooseEncoding(header: string | undefined): Encoding {
  if (header === undefined) return 'identity'
  const accepted = qualities(header)
  const anyOther = accepted.get('*')
  let best: Encoding = 'identity'
  let bestQuality = accepted.get('identity') ?? (anyOther === 0 ? 0 : UNNAMED)
  for (const encoding of ENCODINGS) {
    const alias = encoding === 'gzip' ? accepted.get('x-gzip') : undefined
    const quality = accepted.get(encoding) ?? alias ?? anyOther ?? 0
    if (quality > bestQuality || (quality > 0 && quality === bestQuality && best === 'identity')) {
      best = encoding
      bestQuality = quality
    }
  }
  return best
}

/**
 * The most welcome of some media types by an Accept header; the first of those that are equally welcome. Undefined
 * when none is. Without a header everything is welcome.
 */
export function chooseType(header: string | undefined, types: readonly string[]): string | undefined {
  if (header === undefined || header.trim() === '') return types[0]
  const accepted = qualities(header)
  let best: string | undefined
  let bestQuality = 0
  for (const type of types) {
    const range = `${type.slice(0, type.indexOf('/'))}/*`
    const quality = accepted.get(type) ?? accepted.get(range) ?? accepted.get('*/*') ?? 0
    if (quality > bestQuality) {
      best = type
      bestQuality = quality
    }
  }
  return best
}
