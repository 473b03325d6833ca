// What the package exports, as the TypeScript compiler sees it in dist/src/index.d.ts.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** How a program is compiled that minds its types. */
export const STRICT: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noEmit: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts'],
  types: ['node'],
  skipLibCheck: false,
}

export interface Library {
  readonly checker: ts.TypeChecker
  /** By name, links followed. */
  readonly exports: ReadonlyMap<string, ts.Symbol>
  /** Names that are there at run time too; of a class that is none of them only the type is public. */
  readonly values: ReadonlySet<string>
}

let read: Library | undefined

/** Read once; the package must have been compiled. */
export function readLibrary(): Library {
  if (read !== undefined) return read
  const path = join(root, 'dist', 'src', 'index.d.ts')
  const program = ts.createProgram([path], STRICT)
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(path)!)!
  const exports = new Map<string, ts.Symbol>()
  const values = new Set<string>()
  for (const symbol of checker.getExportsOfModule(module)) {
    const isLink = (symbol.flags & ts.SymbolFlags.Alias) !== 0
    const target = isLink ? checker.getAliasedSymbol(symbol) : symbol
    exports.set(symbol.name, target)
    const isTypeOnly = symbol.declarations!.some((node) => ts.isTypeOnlyImportOrExportDeclaration(node))
    if (!isTypeOnly && (target.flags & ts.SymbolFlags.Value) !== 0) values.add(symbol.name)
  }
  read = { checker, exports, values }
  return read
}

/** Whether a node is of this package. */
export const isOurs = (node: ts.Node): boolean => node.getSourceFile().fileName.includes('/dist/src/')

/** Members that a user of an export sees, by name, as far as they are declared here: not what an Error has. */
export function membersOf({ checker }: Library, symbol: ts.Symbol): ts.Symbol[] {
  const isType =
    (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) !== 0
  if (!isType) return []
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  if (type.isUnion()) return []
  return checker
    .getPropertiesOfType(type)
    .filter(isPublic)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function isPublic(member: ts.Symbol): boolean {
  const declaration = member.declarations?.[0]
  if (
    declaration === undefined ||
    !isOurs(declaration) ||
    member.name.startsWith('__#') ||
    member.name === '#private'
  )
    return false
  return (
    (ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0
  )
}
