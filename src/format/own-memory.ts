// Arrays over an ArrayBuffer, never a SharedArrayBuffer: what may be transferred, or given to a Response or a Blob. Said by
// what `slice` returns, because TypeScript before 5.7 has one type for both and no parameter for them.

/** A Uint8Array over an ArrayBuffer of its own, never a SharedArrayBuffer: it can be transferred. */
export type OwnBytes = ReturnType<Uint8Array['slice']>
/** A Float32Array over an ArrayBuffer of its own, never a SharedArrayBuffer: it can be transferred. */
export type OwnFloats = ReturnType<Float32Array['slice']>
