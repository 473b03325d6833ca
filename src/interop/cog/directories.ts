// The directories of a Cloud Optimized GeoTIFF: of the image, of its overviews and of their masks.
// Sources: TIFF 6.0 and its Technical Notes, GeoTIFF 1.1 (OGC 19-008), GDAL's "Cloud Optimized GeoTIFF" driver.
import { LIMIT_METRES, resolution } from '../../grid/tiles/mercator.js'
import { version } from '../../version.js'
import type { ArchiveAbout } from '../transfer/sink.js'
import type { CogForm } from './form.js'
import type { CogLevel } from './grid.js'
import type { Directory, Field } from './ifd.js'
import { gdalMetadata, plainText } from './metadata.js'

/** Where the blocks of an image are; both 0 where there is none. */
export interface BlockIndex {
  readonly offsets: Float64Array
  readonly counts: Uint32Array
}

/** An image with its mask. */
export interface CogImage {
  readonly level: CogLevel
  readonly blocks: BlockIndex
  readonly mask: BlockIndex | undefined
}

export const SOFTWARE = 'flagstone'

const SUBFILE_OVERVIEW = 1
const SUBFILE_MASK = 4
const DEFLATE = 8

const short = (tag: number, ...values: number[]): Field => ({ tag, type: 'short', values })
const long = (tag: number, ...values: number[]): Field => ({ tag, type: 'long', values })
const double = (tag: number, ...values: number[]): Field => ({ tag, type: 'double', values })
const ascii = (tag: number, text: string): Field => ({ tag, type: 'ascii', text })

/** In the order of the file: the image, its mask, then overviews by descending size. `images`: from the lowest zoom. */
export function directoriesOf(
  images: readonly CogImage[],
  form: CogForm,
  tileSize: number,
  about: ArchiveAbout,
): Directory[] {
  const directories: Directory[] = []
  for (const [i, image] of images.toReversed().entries()) {
    const subfile = i === 0 ? 0 : SUBFILE_OVERVIEW
    const described = i === 0 ? describing(image, tileSize, about, form) : nodataOf(form)
    directories.push(
      sorted([
        ...imageFields(image.level, image.blocks, tileSize, subfile),
        ...formFields(form),
        ...described,
      ]),
    )
    if (image.mask !== undefined) {
      const fields = imageFields(image.level, image.mask, tileSize, subfile | SUBFILE_MASK)
      directories.push(sorted([...fields, ...MASK_FIELDS]))
    }
  }
  return directories
}

const sorted = (fields: Field[]): Directory => fields.sort((a, b) => a.tag - b.tag)

function imageFields(level: CogLevel, blocks: BlockIndex, tileSize: number, subfile: number): Field[] {
  return [
    long(254, subfile),
    long(256, level.width * tileSize),
    long(257, level.height * tileSize),
    // pixel by pixel
    short(284, 1),
    short(322, tileSize),
    short(323, tileSize),
    { tag: 324, type: 'offset', values: blocks.offsets },
    { tag: 325, type: 'long', values: blocks.counts },
  ]
}

const MASK_FIELDS: readonly Field[] = [
  short(258, 1),
  short(259, DEFLATE),
  short(262, 4),
  short(277, 1),
  short(339, 1),
]

/** Compression and photometric interpretation, and what they need. */
function formFields(form: CogForm): Field[] {
  const bytes = (samples: number): Field[] => [
    short(258, ...new Array<number>(samples).fill(8)),
    short(277, samples),
    short(339, ...new Array<number>(samples).fill(1)),
    // unassociated alpha
    ...(samples % 2 === 0 ? [short(338, 2)] : []),
  ]
  switch (form.kind) {
    case 'jpeg': {
      const { colour, subsampling } = form.look
      const photometric = { grey: 1, rgb: 2, ycbcr: 6 }[colour]
      const chroma = colour === 'ycbcr' ? [short(530, ...subsampling)] : []
      return [...bytes(colour === 'grey' ? 1 : 3), short(259, 7), short(262, photometric), ...chroma]
    }
    case 'webp':
      return [...bytes(form.samples), short(259, 50001), short(262, 2)]
    case 'deflate':
      return [
        ...bytes(form.samples),
        short(259, DEFLATE),
        short(262, form.samples === 2 ? 1 : 2),
        short(317, 2),
      ]
    case 'heights':
      return [short(258, 32), short(277, 1), short(339, 3), short(259, DEFLATE), short(262, 1), short(317, 3)]
  }
}

const nodataOf = (form: CogForm): Field[] => (form.kind === 'heights' ? [ascii(42113, 'nan')] : [])

/** What only the first directory has: where it is, and what the archive says of itself. */
function describing({ level }: CogImage, tileSize: number, about: ArchiveAbout, form: CogForm): Field[] {
  const size = resolution(level.zoom, tileSize)
  const tile = size * tileSize
  const { name, description, attribution } = about.metadata
  const title = plainText(description) ?? plainText(name)
  const copyright = plainText(attribution)
  return [
    ...(title === undefined ? [] : [ascii(270, title)]),
    ascii(305, `${SOFTWARE} ${version}`),
    ...(copyright === undefined ? [] : [ascii(33432, copyright)]),
    double(33550, size, size, 0),
    double(33922, 0, 0, 0, level.x * tile - LIMIT_METRES, LIMIT_METRES - level.y * tile, 0),
    ...geoKeys(),
    ascii(42112, gdalMetadata(about, form.kind === 'heights')),
    ...nodataOf(form),
  ]
}

const CITATION = 'WGS 84 / Pseudo-Mercator|'
const GEOGRAPHIC_CITATION = 'WGS 84|'

/** EPSG:3857, pixels are areas. */
function geoKeys(): Field[] {
  const keys: (readonly [key: number, tag: number, count: number, value: number])[] = [
    [1024, 0, 1, 1],
    [1025, 0, 1, 1],
    [1026, 34737, CITATION.length, 0],
    [2049, 34737, GEOGRAPHIC_CITATION.length, CITATION.length],
    [2054, 0, 1, 9102],
    [3072, 0, 1, 3857],
    [3076, 0, 1, 9001],
  ]
  return [short(34735, 1, 1, 0, keys.length, ...keys.flat()), ascii(34737, CITATION + GEOGRAPHIC_CITATION)]
}
