// What `flagstone build --dry-run` prints.
import type { Estimate } from '../../pyramid/estimate/estimate.js'
import { formatBytes, formatCount, formatDegrees, formatDuration, plural, table } from '../format.js'

const HOLES_SHOWN = 5

const percent = (share: number): string =>
  `${share > 0 && share < 0.1 ? (share * 100).toPrecision(1) : Math.round(share * 100)} %`

/** Lines for people. */
export function describeEstimate(estimate: Estimate): string {
  const { levels, sample, disk, growth, sources } = estimate
  const rows = levels.map(({ zoom, tiles, bytes, seconds }) => [
    `  ${zoom}`,
    formatCount(tiles),
    formatBytes(bytes),
    formatDuration(seconds),
  ])
  return [
    `${estimate.out} would be built from ${sources.length === 1 ? sources[0] : plural(sources.length, 'source')}:`,
    table([
      ['  zoom', 'tiles', 'bytes', 'time'],
      ...rows,
      [
        '  all',
        formatCount(estimate.tiles),
        formatBytes(estimate.tileBytes),
        formatDuration(estimate.seconds),
      ],
    ]),
    `Estimated: ${formatBytes(estimate.fileBytes)}, ${formatDuration(estimate.seconds)} (from a sample of ${plural(sample.tiles, 'tile')})`,
    `Free in ${disk.directory}: ${formatBytes(disk.freeBytes)}${disk.fits ? '' : ' (not enough)'}. On ${growth.fileSystem} the index grows ${
      growth.method === 'insert' ? 'in place' : 'by relocation'
    }.`,
    ...coverageLines(estimate),
    ...estimate.notes,
  ].join('\n')
}

function coverageLines({ coverage: { share, holes } }: Estimate): string[] {
  const whole = `Sources cover ${percent(share)} of the bounds`
  if (holes.length === 0) return [`${whole}, without holes.`]
  const shown = holes.slice(0, HOLES_SHOWN).map((hole) => {
    const [west, south, east, north] = hole.bounds.map(formatDegrees)
    return `  ${west},${south},${east},${north} (${percent(hole.share)})`
  })
  const more = holes.length > HOLES_SHOWN ? [`  and ${holes.length - HOLES_SHOWN} smaller ones`] : []
  return [`${whole}, with ${plural(holes.length, 'hole')}:`, ...shown, ...more]
}
