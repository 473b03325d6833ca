// Bands that single sources show instead of those of the build.
import { FlagstoneError } from '../../errors.js'
import { withoutSecrets } from '../../raster/remote-path.js'
import type { ResolvedBuildOptions } from '../options.js'

/** @throws BAD_OPTION when a source gives three bands where the build uses one */
export function refuseOwnBands({ sources, terrain, colormap }: ResolvedBuildOptions): void {
  const one =
    terrain !== undefined ? 'Heights come from' : colormap !== undefined ? 'A colormap is for' : undefined
  const found = one && sources.find(({ bands }) => bands !== undefined && bands.length !== 1)
  if (!found) return
  throw new FlagstoneError(
    'BAD_OPTION',
    `${one} one band, and the bands given for ${withoutSecrets(found.location)} are ${found.bands!.join(',')}: give one.`,
    { path: found.location },
  )
}
