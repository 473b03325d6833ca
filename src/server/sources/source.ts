// One tile archive as it is served, in one state: what a reader of it answers, under a name.
//
// Invariants: a Source never changes its file: a file that was replaced is another Source under the same id, with
// another version; who works with a Source over an await holds it, and it is closed when it was dropped from the
// catalogue and nobody holds it any more. Bytes handed out stay valid after that.
import type { TileReader } from '../../store/read/open.js'
import type { MissingPolicy } from '../options.js'
import type { ServedArchive } from './backend.js'

/** Asked for coordinates outside the grid it has no tile. */
export interface Source extends ServedArchive {
  readonly id: string
  readonly path: string
  /** Where it has no tile; undefined: as the server's options say. */
  readonly missing: MissingPolicy | undefined
  /** Changes whenever what is answered may: part of URLs that never expire and of ETags of what is computed. */
  readonly version: string
  /** Keeps the file open until the function returned is called. */
  hold(): () => void
}

/** What to serve: the path of a file or folder, or a glob; or more about one source. */
export type SourceInput =
  | string
  | {
      /** Its name in URLs; made of the file's name when not given. Of a folder or glob of archives: not allowed. */
      readonly id?: string | undefined
      /** Path of a file or folder, or a glob. */
      readonly path?: string | undefined
      /** An open reader instead of a path; whoever opened it closes it, after the catalogue. */
      readonly reader?: TileReader | undefined
      /** Answered where it has no tile. Default: as the server's options say. */
      readonly missing?: MissingPolicy | undefined
    }

/** What `watch` noticed. */
export interface SourceEvent {
  /** What happened to it. */
  readonly kind: 'added' | 'changed' | 'removed' | 'problem'
  /** Path of the file or folder. */
  readonly path: string
  /** Absent for what is no source, such as a folder that cannot be read. */
  readonly id?: string | undefined
  /** Of a problem. */
  readonly message?: string | undefined
}

/** What is served, by id. Looking up does no I/O but that of opening a file that was closed for others' sake. */
export interface Catalog {
  get(id: string): Source | undefined
  /** In order of their ids. */
  list(): readonly Source[]
  /** Sources that were found and could not be opened, with the sentence that says why. */
  problems(): readonly { readonly path: string; readonly message: string }[]
  /** Counts up whenever the list or a version changes. */
  readonly generation: number
  /** Files that are open now, those of sources that were dropped and are still held among them. */
  readonly openFiles: number
  /** Sources that are held stay open until they are let go. */
  close(): void
}
