// What an archive says of itself, as TIFF tags and as GDAL's metadata.
import type { ArchiveAbout } from '../transfer/sink.js'

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c]!)

/** XML 1.0 forbids them, and TIFF ends a text at the first zero. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g
const clean = (text: string): string => text.replace(FORBIDDEN, '')

/** Text without the links that attributions have for browsers; undefined when there is none. */
export function plainText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = clean(value)
    .replace(/<[^>]*>/g, '')
    .replace(/&copy;/g, '©')
    .replace(/&amp;/g, '&')
    .trim()
  return text === '' ? undefined : text
}

/** For the GDAL_METADATA tag: an item for each, lists and objects as JSON. */
export function gdalMetadata({ metadata, bounds, center }: ArchiveAbout, isHeights: boolean): string {
  // of the pyramid, not of this file
  const { encoding, tileSize, flagstone, ...rest } = metadata
  const values = {
    ...rest,
    ...(isHeights ? {} : { encoding }),
    bounds: bounds?.join(','),
    center: center?.join(','),
  }
  const items = Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => {
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
      // GDAL escapes values twice, and reads them so
      return `  <Item name="${escaped(clean(name))}">${escaped(escaped(clean(text)))}</Item>\n`
    })
  const unit = isHeights ? ['  <Item name="UNITTYPE" sample="0" role="unittype">m</Item>\n'] : []
  return `<GDALMetadata>\n${[...items, ...unit].join('')}</GDALMetadata>\n`
}
