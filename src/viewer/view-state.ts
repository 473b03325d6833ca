// The view, and its form in the URL: #zoom/lat/lon[/bearing/pitch]&opacity=60&tiles&gaps…
// Defaults are left out.

export interface Camera {
  readonly zoom: number
  readonly lat: number
  readonly lon: number
  readonly bearing: number
  readonly pitch: number
}

export const LOOKS = ['relief', 'shade', 'encoded'] as const
export type Look = (typeof LOOKS)[number]

export interface Shown {
  /** Percent. */
  opacity: number
  tiles: boolean
  gaps: boolean
  overzoom: boolean
  crisp: boolean
  terrain: boolean
  graticule: boolean
  sources: boolean
  look: Look
}

export type Switch = 'tiles' | 'gaps' | 'overzoom' | 'crisp' | 'terrain' | 'graticule' | 'sources'

const DEFAULTS: Shown = {
  opacity: 100,
  tiles: false,
  gaps: false,
  overzoom: true,
  crisp: false,
  terrain: false,
  graticule: false,
  sources: false,
  look: 'relief',
}

/** Parts that cannot be read give the defaults, because people type URLs too. */
export function parseHash(hash: string): { camera: Camera | undefined; shown: Shown } {
  const [place = '', ...words] = hash.replace(/^#/, '').split('&')
  const shown = { ...DEFAULTS }
  for (const word of words) {
    const [name = '', value = ''] = word.split('=')
    if (name === 'opacity') shown.opacity = Math.round(clamp(Number(value), 0, 100))
    else if (name === 'look') shown.look = LOOKS.find((look) => look === value) ?? DEFAULTS.look
    else if (name === 'gapless') shown.overzoom = value !== '0'
    else if (isPlainSwitch(name)) shown[name] = true
  }
  return { camera: parseCamera(place), shown }
}

function parseCamera(place: string): Camera | undefined {
  const numbers = place.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [zoom = Number.NaN, lat = Number.NaN, lon = Number.NaN, bearing = 0, pitch = 0] = numbers
  if (![zoom, lat, lon, bearing, pitch].every(Number.isFinite) || Math.abs(lat) > 90) return undefined
  return { zoom: clamp(zoom, 0, 26), lat, lon, bearing, pitch: clamp(pitch, 0, 80) }
}

export function formatHash({ zoom, lat, lon, bearing, pitch }: Camera, shown: Shown): string {
  // as many decimal places as a pixel needs
  const places = Math.max(2, Math.ceil((zoom * Math.LN2 + Math.log(512 / 360 / 0.5)) / Math.LN10))
  const parts = [zoom.toFixed(2), lat.toFixed(places), lon.toFixed(places)]
  if (Math.abs(bearing) > 0.05 || pitch > 0.05) parts.push(bearing.toFixed(1), pitch.toFixed(1))
  const words = [parts.join('/')]
  if (shown.opacity !== DEFAULTS.opacity) words.push(`opacity=${shown.opacity}`)
  if (shown.look !== DEFAULTS.look) words.push(`look=${shown.look}`)
  if (!shown.overzoom) words.push('gapless=0')
  for (const name of PLAIN) if (shown[name]) words.push(name)
  return `#${words.join('&')}`
}

const PLAIN = ['tiles', 'gaps', 'crisp', 'terrain', 'graticule', 'sources'] as const
const isPlainSwitch = (name: string): name is (typeof PLAIN)[number] =>
  (PLAIN as readonly string[]).includes(name)

const clamp = (n: number, from: number, to: number): number =>
  Number.isFinite(n) ? Math.min(Math.max(n, from), to) : to
