// The words of a PROJ string, and their numeric values.

/** Parses '+a=1 +south' or 'a=1 south'. As in PROJ, the first of two equal keys counts. */
export function tokens(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const word of text
    .replace(/\s*=\s*/g, '=')
    .trim()
    .split(/\s+/)) {
    const [, key, value] = /^\+?([A-Za-z]\w*)(?:=(.*))?$/.exec(word) ?? []
    if (key === undefined) throw new Error(`'${word.slice(0, 40)}' is not a PROJ parameter`)
    if (key === 'step' || value === 'pipeline') throw new Error('it is a pipeline, not a coordinate system')
    if (!found.has(key)) found.set(key, value ?? '')
  }
  return found
}

export function numberOf(key: string, value: string): number {
  const number = Number(value)
  if (value === '' || !Number.isFinite(number)) throw new Error(`+${key}=${value} is not a number`)
  return number
}

/** An angle in degrees, from 12.5, 12d30'N or 0.2r (radians). */
export function angleOf(key: string, value: string): number {
  const dms = /^([-+]?)(\d+(?:\.\d*)?)[d°](?:(\d+(?:\.\d*)?)')?(?:(\d+(?:\.\d*)?)")?([NSEWnsew]?)$/.exec(
    value,
  )
  if (dms !== null) {
    const [, sign, d, m, s, side] = dms
    const size = Number(d) + Number(m ?? 0) / 60 + Number(s ?? 0) / 3600
    return (sign === '-') !== /[SWsw]/.test(side ?? '') ? -size : size
  }
  if (/^[-+.\deE]+r$/.test(value)) return (numberOf(key, value.slice(0, -1)) * 180) / Math.PI
  return numberOf(key, value)
}
