// Named colormaps: colours at even steps from the lowest to the highest value, interpolated linearly.
//
// Sources: viridis, magma, inferno, plasma by S. van der Walt, N. Smith and E. Firing (CC0), every fifth of their 256
// colours (at most 2 levels off between); cividis by J. Nuñez, C. Anderton and R. Renslow (PLOS ONE, 2018) and turbo by
// A. Mikhailov (Google, Apache-2.0), from the polynomials of d3-scale-chromatic (ISC); spectral … ylgn are
// ColorBrewer's, by C. Brewer, M. Harrower and The Pennsylvania State University (Apache-2.0); gray and terrain (sea
// level to snow) are our own.

const HEX: Readonly<Record<string, string>> = {
  gray: '000000ffffff',
  terrain: '2f7d4f5fa35a9dbf6ad9d68ce8d9a0d3b178b58a5c96694a8a6f62b3a6a0dddad8ffffff',
  viridis:
    '44015446085c471063481769481d6f482475472a7a46307e453781433d844142873f48893d4e8a3a538b38598c355e8d' +
    '33638d31688e2e6d8e2c718e2a768e297b8e27808e25848e23898e218e8d20928c1f978b1e9c891fa18821a58524aa83' +
    '28ae802eb37c35b7793dbc7446c06f50c46a5ac86465cb5e70cf577cd25089d54895d840a2da37b0dd2fbddf26cae11f' +
    'd8e219e5e419f1e51dfde725',
  magma:
    '00000402020b0504160907200e0b2b140e361a104221114e29115a311165390f6e420f754a107952137c5a167e621980' +
    '6a1c81721f81792282812581892881912b81992d80a1307eaa337db2357bba3878c23b75ca3e72d2426fd9466be04c67' +
    'e75263ec5860f1605df4695cf7725cf97b5dfb8560fc8e64fd9869fea16efeaa74feb47bfebd82fec68afecf92fed89a' +
    'fde2a3fdebacfcf4b6fcfdbf',
  inferno:
    '00000402020c0504170a072210092d160b391e0c45260c512f0a5b380962400a67490b6a510e6c59106e61136e69166e' +
    '71196e781c6d801f6c88226a902568982766a02a63a82e5fb0315bb73557bf3952c63d4dcc4248d34743d94d3ddf5337' +
    'e45a31e9612bed6925f1711ff47918f78212f98b0bfa9407fb9d07fca60cfcb014fbba1ffac42af8cd37f6d746f4e156' +
    'f2ea69f2f27df5f992fcffa4',
  plasma:
    '0d08871b068d2605912f059638049a41049d4903a05102a35901a56100a76900a87100a87801a88004a88707a68e0ca4' +
    '9511a19c179ea21d9aa82296ae2892b42e8dba3388bf3984c43e7fc9447acd4a76d24f71d6556dda5b69de6164e26660' +
    'e66c5ce97257ed7953f07f4ff3854bf58c46f79342f99a3efba139fca835fdaf31feb72dfebe2afdc627fcce25fbd724' +
    'f8df25f6e826f3f027f0f921',
  cividis:
    '002051002b640f356c23406e374a6e4b556d5c606e6c6b70797673858176928d789f9978aea575bfb26fd2bf66e4cd5a' +
    'f4db4efdea45',
  turbo:
    '23171b3d296d493ca84b50d14664ea3f79f6368df92ea1f328b4e825c5d926d4c82ce1b535eca143f48e54fa7d68fd6c' +
    '7efd5d95fb51acf546c2ed3dd7e235e8d52ff7c52affb326ffa022ff8c1fff781cf86318ea4f14d93c10c62a0bb21c06' +
    'a11202940c00900c00',
  spectral: '9e0142d53e4ff46d43fdae61fee08bffffbfe6f598abdda466c2a53288bd5e4fa2',
  rdylgn: 'a50026d73027f46d43fdae61fee08bffffbfd9ef8ba6d96a66bd631a9850006837',
  rdylbu: 'a50026d73027f46d43fdae61fee090ffffbfe0f3f8abd9e974add14575b4313695',
  rdbu: '67001fb2182bd6604df4a582fddbc7f7f7f7d1e5f092c5de4393c32166ac053061',
  brbg: '5430058c510abf812ddfc27df6e8c3f5f5f5c7eae580cdc135978f01665e003c30',
  puor: '2d004b5427888073acb2abd2d8daebf7f7f7fee0b6fdb863e08214b358067f3b08',
  blues: 'f7fbffdeebf7c6dbef9ecae16baed64292c62171b508519c08306b',
  greens: 'f7fcf5e5f5e0c7e9c0a1d99b74c47641ab5d238b45006d2c00441b',
  greys: 'fffffff0f0f0d9d9d9bdbdbd969696737373525252252525000000',
  oranges: 'fff5ebfee6cefdd0a2fdae6bfd8d3cf16913d94801a636037f2704',
  purples: 'fcfbfdefedf5dadaebbcbddc9e9ac8807dba6a51a354278f3f007d',
  reds: 'fff5f0fee0d2fcbba1fc9272fb6a4aef3b2ccb181da50f1567000d',
  ylgnbu: 'ffffd9edf8b1c7e9b47fcdbb41b6c41d91c0225ea8253494081d58',
  ylorrd: 'ffffccffeda0fed976feb24cfd8d3cfc4e2ae31a1cbd0026800026',
  ylgn: 'ffffe5f7fcb9d9f0a3addd8e78c67941ab5d238443006837004529',
}

const SYNONYMS: Readonly<Record<string, string>> = { grey: 'gray', grayscale: 'gray', greyscale: 'gray' }

/** Names that namedColormap knows, without the reversed ones (viridis_r). */
export const COLORMAPS: readonly string[] = Object.keys(HEX)

/** Colours at even steps, 0…255 each; the suffix '_r' reverses them. Undefined for unknown names. */
export function namedColormap(name: string): readonly (readonly [number, number, number])[] | undefined {
  const plain = name.toLowerCase()
  const reversed = plain.endsWith('_r')
  const wanted = reversed ? plain.slice(0, -2) : plain
  const known = Object.hasOwn(SYNONYMS, wanted) ? SYNONYMS[wanted]! : wanted
  if (!Object.hasOwn(HEX, known)) return undefined
  const hex = HEX[known]!
  const colours: [number, number, number][] = []
  for (let i = 0; i < hex.length; i += 6) {
    const rgb = Number.parseInt(hex.slice(i, i + 6), 16)
    colours.push([rgb >> 16, (rgb >> 8) & 255, rgb & 255])
  }
  return reversed ? colours.reverse() : colours
}
