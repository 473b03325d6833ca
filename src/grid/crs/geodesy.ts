// Ellipsoids, datums, prime meridians and units by their PROJ names.
// Source: PROJ 9.1 (`proj -le`, `-ld`, `-lu`, `-lm`). proj4's own tables lack some of these, and take WGS 84 then
// without a word (WGS72, GSK2011 …: metres), so every name is resolved here.

/** Semi-major axis and inverse flattening (0: a sphere), or semi-major and semi-minor axis where b is what defines it. */
export type Ellipsoid =
  | { readonly a: number; readonly rf: number }
  | { readonly a: number; readonly b: number }

const rf = (a: number, inverse: number): Ellipsoid => ({ a, rf: inverse })
const ab = (a: number, b: number): Ellipsoid => ({ a, b })

export const ELLIPSOIDS: Readonly<Record<string, Ellipsoid>> = {
  MERIT: rf(6378137, 298.257),
  SGS85: rf(6378136, 298.257),
  GRS80: rf(6378137, 298.257222101),
  IAU76: rf(6378140, 298.257),
  airy: rf(6377563.396, 299.3249646),
  'APL4.9': rf(6378137, 298.25),
  NWL9D: rf(6378145, 298.25),
  mod_airy: ab(6377340.189, 6356034.446),
  andrae: rf(6377104.43, 300),
  danish: rf(6377019.2563, 300),
  aust_SA: rf(6378160, 298.25),
  GRS67: rf(6378160, 298.247167427),
  GSK2011: rf(6378136.5, 298.2564151),
  bessel: rf(6377397.155, 299.1528128),
  bess_nam: rf(6377483.865, 299.1528128),
  clrk66: ab(6378206.4, 6356583.8),
  clrk80: rf(6378249.145, 293.4663),
  clrk80ign: rf(6378249.2, 293.4660212936269),
  CPM: rf(6375738.7, 334.29),
  delmbr: rf(6376428, 311.5),
  engelis: rf(6378136.05, 298.2566),
  evrst30: rf(6377276.345, 300.8017),
  evrst48: rf(6377304.063, 300.8017),
  evrst56: rf(6377301.243, 300.8017),
  evrst69: rf(6377295.664, 300.8017),
  evrstSS: rf(6377298.556, 300.8017),
  fschr60: rf(6378166, 298.3),
  fschr60m: rf(6378155, 298.3),
  fschr68: rf(6378150, 298.3),
  helmert: rf(6378200, 298.3),
  hough: rf(6378270, 297),
  intl: rf(6378388, 297),
  krass: rf(6378245, 298.3),
  kaula: rf(6378163, 298.24),
  lerch: rf(6378139, 298.257),
  mprts: rf(6397300, 191),
  new_intl: ab(6378157.5, 6356772.2),
  plessis: ab(6376523, 6355863),
  PZ90: rf(6378136, 298.25784),
  SEasia: ab(6378155, 6356773.3205),
  walbeck: ab(6376896, 6355834.8467),
  WGS60: rf(6378165, 298.3),
  WGS66: rf(6378145, 298.25),
  WGS72: rf(6378135, 298.26),
  WGS84: rf(6378137, 298.257223563),
  sphere: rf(6370997, 0),
}

/** By EPSG code: semi-major axis and inverse flattening (0: a sphere). */
export const ELLIPSOIDS_BY_CODE: Readonly<Record<number, readonly [number, number]>> = {
  7001: [6377563.396, 299.3249646],
  7002: [6377340.189, 299.3249646],
  7003: [6378160, 298.25],
  7004: [6377397.155, 299.1528128],
  7005: [6377492.018, 299.1528128],
  7006: [6377483.865280419, 299.1528128],
  7007: [6378293.645208759, 294.2606763692606],
  7008: [6378206.4, 294.978698213898],
  7010: [6378300.789, 293.4663155389811],
  7011: [6378249.2, 293.466021293627],
  7012: [6378249.145, 293.465],
  7013: [6378249.145, 293.4663076],
  7014: [6378249.2, 293.46598],
  7015: [6377276.345, 300.8017],
  7016: [6377298.556, 300.8017],
  7018: [6377304.063, 300.8017],
  7019: [6378137, 298.257222101],
  7020: [6378200, 298.3],
  7021: [6378160, 298.247],
  7022: [6378388, 297],
  7024: [6378245, 298.3],
  7025: [6378145, 298.25],
  7027: [6376523, 308.64],
  7028: [6378298.3, 294.73],
  7029: [6378300, 296],
  7030: [6378137, 298.257223563],
  7034: [6378249.145, 293.465],
  7035: [6371000, 0],
  7036: [6378160, 298.247167427],
  7041: [6378135, 298.257],
  7042: [6377276.345, 300.8017],
  7043: [6378135, 298.26],
  7044: [6377301.243, 300.8017255],
  7045: [6377299.151, 300.8017255],
  7046: [6377397.155, 299.1528128],
  7047: [6370997, 0],
  7048: [6371007, 0],
  7049: [6378140, 298.257],
  7050: [6378160, 298.25],
  7051: [6377019.27, 300],
  7052: [6370997, 0],
  7053: [6378270, 297],
  7054: [6378136, 298.257839303],
  7056: [6377295.664, 300.8017],
  7057: [6371228, 0],
}

/** Ellipsoid and `towgs84`, as PROJ's +datum. */
export const DATUMS: Readonly<Record<string, readonly [ellipsoid: string, shift: string]>> = {
  WGS84: ['WGS84', '0,0,0'],
  NAD83: ['GRS80', '0,0,0'],
  // PROJ has only grids for it; this is the mean of the contiguous states, ±10 m
  NAD27: ['clrk66', '-8,160,176'],
  GGRS87: ['GRS80', '-199.87,74.79,246.62'],
  potsdam: ['bessel', '598.1,73.7,418.2,0.202,0.045,-2.455,6.7'],
  carthage: ['clrk80ign', '-263,6,431'],
  hermannskogel: ['bessel', '577.326,90.129,463.919,5.137,1.474,5.297,2.4232'],
  ire65: ['mod_airy', '482.53,-130.596,564.557,-1.042,-0.214,-0.631,8.15'],
  nzgd49: ['intl', '59.47,-5.04,187.44,0.47,-0.1,1.024,-4.5993'],
  OSGB36: ['airy', '446.448,-125.157,542.06,0.1502,0.247,0.8421,-20.4894'],
}

/** Degrees east of Greenwich. */
export const MERIDIANS: Readonly<Record<string, number>> = {
  greenwich: 0,
  lisbon: -(9 + 7 / 60 + 54.862 / 3600),
  paris: 2 + 20 / 60 + 14.025 / 3600,
  bogota: -(74 + 4 / 60 + 51.3 / 3600),
  madrid: -(3 + 41 / 60 + 16.58 / 3600),
  rome: 12 + 27 / 60 + 8.4 / 3600,
  bern: 7 + 26 / 60 + 22.5 / 3600,
  jakarta: 106 + 48 / 60 + 27.79 / 3600,
  ferro: -(17 + 40 / 60),
  brussels: 4 + 22 / 60 + 4.71 / 3600,
  stockholm: 18 + 3 / 60 + 29.8 / 3600,
  athens: 23 + 42 / 60 + 58.815 / 3600,
  oslo: 10 + 43 / 60 + 22.5 / 3600,
  copenhagen: 12 + 34 / 60 + 40.35 / 3600,
}

const US_FOOT = 1200 / 3937

/** Metres. */
export const UNITS: Readonly<Record<string, number>> = {
  mm: 0.001,
  cm: 0.01,
  dm: 0.1,
  m: 1,
  km: 1000,
  ft: 0.3048,
  'us-ft': US_FOOT,
  in: 0.0254,
  'us-in': US_FOOT / 12,
  yd: 0.9144,
  'us-yd': US_FOOT * 3,
  mi: 1609.344,
  'us-mi': US_FOOT * 5280,
  kmi: 1852,
  fath: 1.8288,
  ch: 20.1168,
  'us-ch': US_FOOT * 66,
  link: 0.201168,
  'ind-ft': 0.30479841,
  'ind-yd': 0.91439523,
  'ind-ch': 20.11669506,
}
