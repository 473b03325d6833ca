// AssemblyScript: the hot loops as one WebAssembly module with SIMD (built by `npm run build`; see raster/simd.ts).
// They work on addresses in the imported memory, and allocate nothing.
export { average1, average3 } from './average'
export { bilinear1, bilinear3 } from './bilinear'
export { inflate } from './inflate'
export { jpegInit, jpegScan } from './jpeg'
export { lzw } from './lzw'
export { undo1, undo3, undo4 } from './predictor'
export { copyRows, coverage } from './rows'
