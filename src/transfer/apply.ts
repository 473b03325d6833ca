// Applies a patch to a Flagstone file, in place. All changes come with one commit: readers see the tiles as they were or
// as they are afterwards, and so does everybody after a crash.
import { FlagstoneError } from '../errors.js'
import type { SourceRecord } from '../format/sources/record.js'
import { tileIdToZxy } from '../format/tile-id.js'
import { archiveKind, KIND_NAMES } from '../interop/archive-name.js'
import { digestOf } from '../interop/transfer/digest-of.js'
import { Turns } from '../interop/transfer/turns.js'
import { identityAt, isSameFile } from '../platform/place.js'
import { unawaited } from '../store/callbacks.js'
import { PATIENT, parseOptions } from '../store/options.js'
import { reopenTiles } from '../store/paths.js'
import { openTiles } from '../store/read/open.js'
import type { FlatReader } from '../store/read/reader.js'
import type { TileWriter } from '../store/write/writer.js'
import { type ApplyOptions, applyOptions, type ResolvedApplyOptions, transferContext } from './options.js'
import { placeOf, sealOptionsOf } from './patch/about.js'
import { eachChange } from './patch/changes.js'
import { assertFits, isApplied } from './patch/fit.js'
import type { PatchAbout } from './patch/header.js'
import { type Prospect, prospectOf, type Walk } from './patch/prospect.js'
import { Patch } from './patch/read.js'
import type { ChangedLevel } from './patch/tally.js'
import { writeUndo } from './patch/undo.js'
import { TransferMeter } from './progress.js'
import type { TransferContext } from './transfer.js'

/** What `apply` did. */
export interface ApplyReport {
  /** Path of the file. */
  readonly file: string
  /**
   * 'applied': the patch was applied. 'present': the file had it already, and nothing was done. 'sealed': the file had
   * it, from an apply that was interrupted, and was sealed. 'applicable': it can be applied (`dryRun`).
   */
  readonly outcome: 'applied' | 'present' | 'sealed' | 'applicable'
  /** Number of tiles that were, or would be, added. */
  readonly added: number
  /** Number of tiles that were, or would be, replaced. */
  readonly changed: number
  /** Number of tiles that were, or would be, removed. */
  readonly removed: number
  /** The same by zoom: those with changes, ascending. */
  readonly levels: readonly ChangedLevel[]
  /** Whether the metadata were, or would be, replaced. */
  readonly metadata: boolean
  /** Whether what the file remembers of its sources was, or would be, replaced. */
  readonly sources: boolean
  /** Number of tiles afterwards. */
  readonly tiles: number
  /** Digest of the tiles before; see `digest`. */
  readonly digestBefore: string
  /** Digest of the tiles afterwards. */
  readonly digest: string
  /** The patch that takes it back; undefined when none was written. */
  readonly undo: string | undefined
  /** Duration. */
  readonly seconds: number
}

/**
 * Applies a patch that `diff` made to a Flagstone file, in place, and seals the file again. The patch must be for the
 * tiles that the file has. Readers see the tiles as before or as afterwards. If it is interrupted, even by a power loss,
 * the tiles are as before or as afterwards too; applying again completes it. Until then other programs may not be able to
 * read the file as PMTiles.
 * @throws TypeError, RangeError when an option is wrong
 * @throws BAD_OPTION, EXISTS, NOT_FOUND when file, patch or `undo` cannot be used
 * @throws PATCH_UNFIT when the patch was made from other tiles, and `force` is not set
 * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED when file or patch cannot be read
 * @throws LOCKED when another writer has the file
 * @throws DISK_FULL, SYSTEM when file or `undo` cannot be written; the tiles are as before then
 * @throws INTERRUPTED when `signal` was aborted; the tiles are as before then
 */
export async function apply(options: ApplyOptions, context: TransferContext = {}): Promise<ApplyReport> {
  const resolved = parseOptions(applyOptions, options, 'apply option')
  parseOptions(transferContext, context, 'context')
  refuseItself(resolved.file, resolved.patch)
  openFlat(resolved.file).close()
  const patch = Patch.open(resolved.patch)
  try {
    return await new Application(resolved, patch, context).run()
  } finally {
    patch.close()
  }
}

/** @throws BAD_OPTION when file and patch are the same */
function refuseItself(file: string, patch: string): void {
  const [one, other] = [identityAt(file), identityAt(patch)]
  if (one === undefined || other === undefined || !isSameFile(one, other)) return
  const message = `${patch} is the file itself; apply takes the file to change, and then the patch.`
  throw new FlagstoneError('BAD_OPTION', message, { path: patch })
}

/** @throws BAD_OPTION when it is an archive that cannot be changed in place */
function openFlat(path: string): FlatReader {
  const kind = archiveKind(path)
  let name = KIND_NAMES[kind].name
  if (kind === 'file') {
    const tiles = openTiles(path, PATIENT)
    if (tiles.kind === 'flat') return tiles
    tiles.close()
    name = 'a PMTiles archive of another program'
  }
  const message = `${path} is ${name}; only Flagstone files are changed in place. Convert it first: flagstone convert ${path} new.pmtiles`
  throw new FlagstoneError('BAD_OPTION', message, { path })
}

class Application {
  readonly #began = performance.now()
  readonly #options: ResolvedApplyOptions
  readonly #patch: Patch
  readonly #turns: Turns
  readonly #onProgress: TransferContext['onProgress']
  #meter: TransferMeter | undefined
  #total = 0
  #sources: readonly SourceRecord[] | undefined
  /** Set when it is known what the file is like: before anything is changed. */
  #found: { readonly prospect: Prospect; readonly about: PatchAbout; readonly isSealed: boolean } | undefined

  constructor(options: ResolvedApplyOptions, patch: Patch, { signal, onProgress }: TransferContext) {
    this.#options = options
    this.#patch = patch
    this.#turns = new Turns(signal, `Interrupted; the tiles of ${options.file} are as before.`)
    this.#onProgress = unawaited('onProgress', onProgress)
  }

  async run(): Promise<ApplyReport> {
    if (this.#options.dryRun) return this.#report(await this.#work(undefined))
    const writer = this.#reopen()
    try {
      const outcome = await this.#work(writer)
      writer.close()
      this.#update('done')
      return this.#report(outcome)
    } catch (error) {
      writer.abandon()
      await this.#sealAgain()
      throw error
    }
  }

  /** One commit must hold everything. */
  #reopen(): TileWriter {
    return reopenTiles(this.#options.file, { commitBytes: 0 })
  }

  async #work(writer: TileWriter | undefined): Promise<ApplyReport['outcome']> {
    const { file: path, force, undo, overwrite } = this.#options
    const patch = this.#patch
    const file = openFlat(path)
    try {
      const passes = writer === undefined ? 1 : undo === undefined ? 2 : 3
      const walks = this.#walks(file, passes)
      const prospect = await prospectOf(file, patch, walks())
      const about = { metadata: file.metadata(), ...placeOf(file) }
      this.#sources = patch.sources()
      this.#found = { prospect, about, isSealed: file.sealed }
      if (isApplied(patch, prospect.before, about, file)) return this.#alreadyApplied(writer)
      if (!force) assertFits(path, patch, prospect)
      if (writer === undefined) return 'applicable'
      if (undo !== undefined) {
        const place = { path: undo, who: 'apply', overwrite, inputs: [path, patch.path] }
        await writeUndo(place, file, patch, prospect, about, walks())
      }
      await eachChange(file, patch, walks(), ({ key, isPut }) => {
        const [z, x, y] = tileIdToZxy(key)
        if (!isPut) writer.remove(z, x, y)
        else {
          const { bytes, type } = patch.tile(key)
          writer.append(z, x, y, bytes, type)
        }
      })
    } finally {
      // so that the writer may move what no reader needs any more
      file.close()
    }
    await this.#publish(writer)
    return 'applied'
  }

  #alreadyApplied(writer: TileWriter | undefined): ApplyReport['outcome'] {
    if (writer === undefined || writer.sealed) return 'present'
    this.#seal(writer, this.#found!.prospect)
    return 'sealed'
  }

  /** From here on nothing interrupts it. */
  async #publish(writer: TileWriter): Promise<void> {
    this.#update('finish')
    const { metadata } = this.#patch.header.after
    if (metadata !== undefined) writer.setMetadata(metadata)
    if (this.#sources !== undefined) writer.setSources(this.#sources)
    writer.commit()
    this.#sealChanged(writer)
    const wanted = this.#found!.prospect.after.digest
    const { digest } = await this.#stateNow()
    if (digest === wanted) return
    const { file } = this.#options
    throw new FlagstoneError(
      'DAMAGED',
      `${file}: the digest is ${digest} after the patch, and should be ${wanted}; run flagstone verify ${file}.`,
      { path: file },
    )
  }

  #sealChanged(writer: TileWriter): void {
    try {
      this.#seal(writer, this.#found!.prospect)
    } catch (error) {
      const { code = 'SYSTEM' } = error as Partial<FlagstoneError>
      const { file } = this.#options
      const message = `The patch was applied, but ${file} could not be sealed; apply it again to complete it. ${(error as Error).message}`
      throw new FlagstoneError(code, message, { path: file, cause: error })
    }
  }

  #seal(writer: TileWriter, { minZoom, maxZoom }: Prospect): void {
    writer.seal(sealOptionsOf(this.#patch.header.after, { minZoom, maxZoom }))
  }

  async #stateNow(): Promise<{ readonly digest: string; readonly metadata: Record<string, unknown> }> {
    const file = openFlat(this.#options.file)
    try {
      const { digest } = await digestOf(file, new Turns(undefined, ''))
      return { digest: digest.hex, metadata: file.metadata() }
    } finally {
      file.close()
    }
  }

  /** After a failure. If this fails too, the file is not sealed, and readable as ever. */
  async #sealAgain(): Promise<void> {
    const found = this.#found
    if (found?.isSealed !== true) return
    try {
      const writer = this.#reopen()
      try {
        const { digest } = await this.#stateNow()
        const isBefore = digest === found.prospect.before.digest
        if (!writer.sealed && isBefore)
          writer.seal({ bounds: found.about.bounds, center: found.about.center })
        writer.close()
      } catch {
        writer.abandon()
      }
    } catch {
      // the first error is reported
    }
  }

  /** Progress over a walk over the file, and more over the changes. */
  #walks(file: FlatReader, passes: number): () => Walk {
    const tiles = file.levels().reduce((sum, { count }) => sum + count, 0)
    const changes = this.#patch.tiles + this.#patch.header.removed.tiles
    this.#total = tiles + changes * (passes - 1)
    const meter = new TransferMeter(this.#total, this.#onProgress)
    this.#meter = meter
    let begun = 0
    return () => {
      const from = begun
      begun += begun === 0 ? tiles : changes
      return { turns: this.#turns, onTurn: (done) => meter.update('tiles', from + done, 0) }
    }
  }

  #update(phase: 'finish' | 'done'): void {
    this.#meter?.update(phase, this.#total, 0)
  }

  #report(outcome: ApplyReport['outcome']): ApplyReport {
    const { before, after, changes } = this.#found!.prospect
    const isThere = outcome === 'present' || outcome === 'sealed'
    const { file, undo } = this.#options
    return {
      file,
      outcome,
      ...(isThere
        ? { added: 0, changed: 0, removed: 0, levels: [] }
        : { ...changes.totals, levels: changes.levels }),
      metadata: !isThere && this.#patch.header.after.metadata !== undefined,
      sources: !isThere && this.#sources !== undefined,
      tiles: after.tiles,
      digestBefore: before.digest,
      digest: isThere ? before.digest : after.digest,
      undo: outcome === 'applied' ? undo : undefined,
      seconds: (performance.now() - this.#began) / 1000,
    }
  }
}
