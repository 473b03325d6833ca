// What the package's types promise: every type that a public signature names is exported, all that is public has a
// docstring, and a strict program that uses all of it compiles, however it finds modules.
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { isOurs, membersOf, readLibrary, STRICT } from '../../scripts/api/library.js'
import { apiReport } from '../../scripts/api/report.js'
import { create, flagstoneHandler, listen, open, openTileServer, openTileSet } from '../../src/index.js'
import { root } from '../helpers/paths.js'

const example = join(root, 'test', 'repository', 'every-export.ts')
const foreign = join(root, 'fixtures', 'valid', 'foreign.pmtiles')

/** What the compiler says of the example in a package that has ours among its modules. */
function complaintsOf(t: Test, options: ts.CompilerOptions): string[] {
  const directory = t.testdir({ 'package.json': '{ "type": "module" }', node_modules: {} })
  const path = join(directory, 'every-export.ts')
  copyFileSync(example, path)
  symlinkSync(root, join(directory, 'node_modules', 'flagstone'))
  symlinkSync(join(root, 'node_modules', '@types'), join(directory, 'node_modules', '@types'))
  const program = ts.createProgram([path], { ...STRICT, ...options })
  // the types of others are theirs
  const ours = program.getSourceFiles().filter((file) => file.fileName === path || isOurs(file))
  const found = ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ])
  t.ok(ours.length > 30, `${ours.length} files`)
  return [...program.getGlobalDiagnostics(), ...found].map(({ messageText, start, file }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

t.test('a strict program that uses all of it compiles: NodeNext', (t) => {
  t.same(complaintsOf(t, {}), [])
  t.end()
})

t.test('so it does with a bundler', (t) => {
  const options = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
  t.same(complaintsOf(t, options), [])
  t.end()
})

t.test('the program forgets nothing that is exported', (t) => {
  const named = new Set(readFileSync(example, 'utf8').match(/\b[A-Za-z]+\b/g))
  t.same(
    [...readLibrary().exports.keys()].filter((name) => !named.has(name)),
    [],
  )
  t.end()
})

t.test('test/repository/api.md is the public API: `npm run api` writes it anew', (t) => {
  const written = readFileSync(join(root, 'test', 'repository', 'api.md'), 'utf8')
  t.equal(apiReport(readLibrary()), written)
  t.end()
})

/** Makes of options that are not named where the options are. */
const ALIASES = new Set(['Given', 'Told', 'Kept'])

/** Types that a declaration names: not the shapes that options are made of, nor the alias that makes them. */
function namedTypes(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol[] {
  const found: ts.Symbol[] = []
  const look = (node: ts.Node): void => {
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : undefined
    let type = name && checker.getSymbolAtLocation(name)
    if (type !== undefined && (type.flags & ts.SymbolFlags.Alias) !== 0) type = checker.getAliasedSymbol(type)
    const declared = type?.declarations?.[0]
    if (
      type !== undefined &&
      declared !== undefined &&
      isOurs(declared) &&
      !ts.isTypeParameterDeclaration(declared)
    )
      found.push(type)
    ts.forEachChild(node, look)
  }
  for (const declaration of symbol.declarations ?? [])
    if (isOurs(declaration)) ts.forEachChild(declaration, look)
  return found.filter(({ name }) => !ALIASES.has(name))
}

t.test('every type that a public signature names is exported', (t) => {
  const { checker, exports } = readLibrary()
  const known = new Set(exports.values())
  const missing = new Set<string>()
  const waiting = [...known]
  const seen = new Set<ts.Symbol>()
  for (let symbol = waiting.pop(); symbol !== undefined; symbol = waiting.pop()) {
    if (seen.has(symbol)) continue
    seen.add(symbol)
    for (const type of namedTypes(checker, symbol)) {
      if (!known.has(type)) missing.add(`${type.name}, named by ${symbol.name}`)
      waiting.push(type)
    }
  }
  t.ok(seen.size > 60)
  t.same([...missing], [])
  t.end()
})

t.test('every export and every member of one has a docstring', (t) => {
  const library = readLibrary()
  const without: string[] = []
  let count = 0
  const look = (name: string, symbol: ts.Symbol): void => {
    count++
    if (symbol.getDocumentationComment(library.checker).length === 0) without.push(name)
  }
  for (const [name, symbol] of library.exports) {
    look(name, symbol)
    for (const member of membersOf(library, symbol)) look(`${name}.${member.name}`, member)
  }
  t.ok(count > 450, `${count} docstrings`)
  t.same(without, [])
  t.end()
})

t.test('what can be closed can be disposed of', (t) => {
  const library = readLibrary()
  let count = 0
  for (const [name, symbol] of library.exports) {
    const members = membersOf(library, symbol)
    const close = members.find((member) => member.name === 'close')
    if (close === undefined) continue
    count++
    const call = library.checker.getTypeOfSymbol(close).getCallSignatures()[0]!
    const isAsync = library.checker.typeToString(call.getReturnType()).startsWith('Promise')
    const wanted = isAsync ? 'asyncDispose' : 'dispose'
    t.ok(
      members.some((member) => member.name.startsWith(`__@${wanted}@`)),
      `${name}[Symbol.${wanted}]`,
    )
  }
  t.ok(count >= 7, `${count} that can be closed`)
  t.end()
})

t.test('what is opened can be closed by `using`', async (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  const writer = create(path)
  writer.append(0, 0, 0, new Uint8Array([1, 2, 3]))
  writer.seal()
  writer[Symbol.dispose]()
  t.throws(() => writer.commit(), new TypeError('this writer is closed'))
  const sets = [await openTileSet(folderOfTiles(t)), await openTileSet(path)]
  for (const tiles of sets) tiles[Symbol.dispose]()
  for (const reader of [open(path), open(foreign)]) {
    reader[Symbol.dispose]()
    t.throws(() => reader.get(0, 0, 0), new TypeError('this reader is closed'))
  }
  const server = await openTileServer(path)
  const listening = await listen(server, { port: 0 })
  await listening[Symbol.asyncDispose]()
  await t.rejects(fetch(listening.url))
  const handler = flagstoneHandler({ sources: path })
  await handler.ready
  await handler[Symbol.asyncDispose]()
  t.equal((await handler(new Request('http://a.example/a/0/0/0'))).status, 404, 'its sources are closed')
})

function folderOfTiles(t: Test): string {
  const folder = join(t.testdirName, 'tiles')
  mkdirSync(join(folder, '0', '0'), { recursive: true })
  writeFileSync(join(folder, '0', '0', '0.png'), new Uint8Array([1]))
  return folder
}
