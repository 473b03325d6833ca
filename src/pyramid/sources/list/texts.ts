// Values of options that are written as text, on the command line and in lists of sources.

const numbersOf = (text: string): number[] =>
  text
    .trim()
    .split(/[\s,]+/)
    .map((word) => (word === '' ? Number.NaN : Number(word)))

/** '4' or '4,3,2': one band or three, from 1. Undefined when it is neither. */
export function bandsFromText(text: string): number[] | undefined {
  const bands = numbersOf(text)
  const isGood = bands.every((band) => Number.isInteger(band) && band >= 1)
  return isGood && (bands.length === 1 || bands.length === 3) ? bands : undefined
}

/**
 * '255', 'nan', '0,0,0', several as '0,0,0;255,255,255'; 'none' (ignore what the file says): an empty list. Undefined
 * when it is none of these.
 */
export function nodataFromText(text: string): number[][] | undefined {
  if (/^\s*none\s*$/i.test(text)) return []
  const colours: number[][] = []
  for (const colour of text.split(';')) {
    const values = colour
      .trim()
      .split(/[\s,]+/)
      .map(nodataValue)
    if (!values.every((value) => value !== undefined)) return undefined
    colours.push(values)
  }
  return colours
}

function nodataValue(word: string): number | undefined {
  if (/^[-+]?nan$/i.test(word)) return Number.NaN
  const infinity = /^([-+]?)inf(inity)?$/i.exec(word)
  if (infinity !== null) return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return word !== '' && Number.isFinite(Number(word)) ? Number(word) : undefined
}
