// Finds the images of a TIFF, and of the files beside it, that make up one picture: the first directory, its overviews
// (inside, or in photo.tif.ovr) and their masks (inside, or in photo.tif.msk, whose own overviews are inside or in
// photo.tif.msk.ovr).
//
// Invariants: each level is smaller than the one before; all have the same bands; if the full image has a mask, a level
// without one is left out, because it would show hidden pixels.
import { FlagstoneError } from '../../../errors.js'
import type { SourceView } from '../../source.js'
import { ViewPlan } from '../../view/view.js'
import type { ByteSource } from '../file/byte-source.js'
import { type Ifd, readStructure, type TiffStructure } from '../file/structure.js'
import { Tag } from '../file/tags.js'
import { type BandRoles, readBandRoles, withRoles } from './band-roles.js'
import { lookOf } from './colour.js'
import { TiffImage } from './image.js'
import { type ImageLayout, readLayout } from './layout.js'
import { maskView } from './mask.js'
import { unsupported } from './support.js'

const MAX_LEVELS = 32
/** GDAL's GMF_PER_DATASET: one mask for all bands. */
const PER_DATASET = 2

export interface Level {
  readonly colour: TiffImage
  readonly mask: TiffImage | undefined
  /** For cache keys. */
  readonly number: number
}

/** Opens a file beside the image by the suffix of its name; undefined when there is none. */
export type Siblings = (suffix: '.ovr' | '.msk' | '.msk.ovr') => Promise<ByteSource | undefined>

/** What all levels share. */
export interface Base {
  readonly layout: ImageLayout
  readonly roles: BandRoles
  readonly plan: ViewPlan
  readonly view: SourceView
  readonly nodata: readonly (readonly number[])[]
  readonly fileNodata: number | undefined
  readonly skipsDamage: boolean
}

/** An image, and the file that contains it. */
interface Found {
  readonly source: ByteSource
  readonly layout: ImageLayout
}

interface MaskFound extends Found {
  readonly sample: number
}

const isMask = ({ layout }: Found): boolean => (layout.subfileType & 4) !== 0
const isReduced = ({ layout }: Found): boolean => (layout.subfileType & 1) !== 0

/** Whether an image is an overview: its size is the full size divided by one factor, to within a pixel. */
function isOverviewOf(base: ImageLayout, { layout }: Found): boolean {
  if (layout.width >= base.width && layout.height >= base.height) return false
  const factor = base.width / layout.width
  return Math.abs(base.height / factor - layout.height) <= 1 + base.height / base.width
}

/** Directories that may be overviews or masks of the first one: those after it in the chain, and its SubIFDs. */
async function candidates(structure: TiffStructure, from: number): Promise<Ifd[]> {
  const own = await structure.ifds[0]!.numbers(Tag.SubIfds, MAX_LEVELS)
  const found: Ifd[] = []
  for (const ifd of structure.ifds.slice(from)) {
    const type = (await ifd.number(Tag.NewSubfileType)) ?? 0
    if ((type & 5) !== 0 || ifd.has(Tag.OldSubfileType)) found.push(ifd)
  }
  for (const offset of own ?? []) found.push(await structure.ifdAt(offset))
  return found
}

/** The images in a file's directories that we can decode. */
async function imagesOf(source: ByteSource, structure: TiffStructure, from: number): Promise<Found[]> {
  const found: Found[] = []
  for (const ifd of await candidates(structure, from)) {
    const layout = await readLayout(source, ifd, structure.littleEndian)
    if (unsupported(layout) === undefined) found.push({ source, layout })
  }
  return found
}

/** Images of photo.tif.ovr. Overviews are optional, so a broken file counts as none. */
async function overviewFile(siblings: Siblings, suffix: '.ovr' | '.msk.ovr'): Promise<Found[]> {
  const source = await siblings(suffix)
  if (source === undefined) return []
  try {
    return await imagesOf(source, await readStructure(source), 0)
  } catch (error) {
    if (error instanceof FlagstoneError) return []
    throw error
  }
}

/** Masks of photo.tif.msk, the full one first. As in GDAL, metadata maps its bands to those of the image. */
async function maskFile(siblings: Siblings, { layout: base, plan }: Base): Promise<MaskFound[]> {
  const source = await siblings('.msk')
  if (source === undefined) return []
  let structure: TiffStructure
  try {
    structure = await readStructure(source)
  } catch (error) {
    // another kind of file with that name; a damaged mask is an error, because without it hidden pixels would show
    if (error instanceof FlagstoneError && error.code === 'SOURCE_UNSUPPORTED') return []
    throw error
  }
  const first = structure.ifds[0]!
  const band = plan.needed[0]!
  const { items } = await readBandRoles(first)
  const flags = items.get(`INTERNAL_MASK_FLAGS_${band + 1}`) ?? items.get('INTERNAL_MASK_FLAGS_1')
  if (flags === undefined || Number.isNaN(Number(flags))) return []
  const layout = await readLayout(source, first, structure.littleEndian)
  if (layout.width !== base.width || layout.height !== base.height) return []
  const why = unsupported(layout)
  if (why !== undefined) {
    throw new FlagstoneError('SOURCE_UNSUPPORTED', `${source.name}: ${why}`, { path: source.name })
  }
  const isForAll = (Number(flags) & PER_DATASET) !== 0 || layout.samplesPerPixel === 1
  const sample = isForAll ? 0 : Math.min(band, layout.samplesPerPixel - 1)
  const inside = (await imagesOf(source, structure, 1)).filter(isReduced)
  const smaller = inside.length > 0 ? inside : await overviewFile(siblings, '.msk.ovr')
  return [{ source, layout }, ...smaller].map((found) => ({ ...found, sample }))
}

/** Overviews whose view gives the same bands as the base's. */
function matching(base: Base, images: readonly Found[]): { found: Found; plan: ViewPlan }[] {
  const { stored } = lookOf(base.layout, base.roles, base.fileNodata)
  return images
    .filter((found) => isReduced(found) && !isMask(found) && isOverviewOf(base.layout, found))
    .sort((a, b) => b.layout.width - a.layout.width)
    .slice(0, MAX_LEVELS)
    .flatMap((found) => {
      const look = lookOf(withRoles(found.layout, base.roles), base.roles, base.fileNodata)
      const isSame =
        look.stored.type === stored.type &&
        look.stored.bits === stored.bits &&
        look.stored.bands === stored.bands &&
        look.stored.hasAlpha === stored.hasAlpha &&
        look.stored.palette === stored.palette
      if (!isSame) return []
      const plan = ViewPlan.of(look, base.view, base.nodata, found.source.name)
      return plan.bands === base.plan.bands ? [{ found, plan }] : []
    })
}

/** All levels of an image, the full one first. Without `siblings`, files beside the image are ignored. */
export async function findLevels(
  source: ByteSource,
  structure: TiffStructure,
  base: Base,
  siblings: Siblings = async () => undefined,
): Promise<Level[]> {
  const inside = await imagesOf(source, structure, 1)
  let others = inside
  let overviews = matching(base, inside)
  if (overviews.length === 0) {
    const beside = await overviewFile(siblings, '.ovr')
    overviews = matching(base, beside)
    others = [...inside, ...beside]
  }
  const full = { found: { source, layout: base.layout }, plan: base.plan }
  const all = [full, ...overviews]
  let masks: MaskFound[] = []
  if (base.view.kind === 'values' || base.view.alpha !== false) {
    masks = others
      .filter((m) => isMask(m) && m.layout.samplesPerPixel === 1)
      .map((m) => ({ ...m, sample: 0 }))
    const isMasked = masks.some((m) => isSameSize(m, full.found))
    if (!isMasked) masks = await maskFile(siblings, base)
  }
  return all
    .map((image) => ({ ...image, mask: masks.find((m) => isSameSize(m, image.found)) }))
    .filter(({ mask }, _, [first]) => first!.mask === undefined || mask !== undefined)
    .map(({ found, plan, mask }, i) => ({
      number: i,
      colour: new TiffImage(found.source, found.layout, plan, `level ${i}`, base.skipsDamage),
      mask:
        mask &&
        new TiffImage(
          mask.source,
          mask.layout,
          maskView(mask.sample),
          `the mask of level ${i}`,
          base.skipsDamage,
        ),
    }))
}

const isSameSize = (a: Found, b: Found): boolean =>
  a.layout.width === b.layout.width && a.layout.height === b.layout.height
