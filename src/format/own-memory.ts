// Arrays over an ArrayBuffer, never a SharedArrayBuffer, so that they may be transferred or passed to a Response or
// Blob. The types are defined by what `slice` returns, because before TypeScript 5.7 there is one type for both and no
// type parameter.

/** A Uint8Array over an ArrayBuffer of its own, never a SharedArrayBuffer: it can be transferred. */
export type OwnBytes = ReturnType<Uint8Array['slice']>
/** A Float32Array over an ArrayBuffer of its own, never a SharedArrayBuffer: it can be transferred. */
export type OwnFloats = ReturnType<Float32Array['slice']>
