// The public API as text: what a change to it looks like in a review. Types are as the compiler resolves them, so that
// options are seen field by field; a reader of a `.d.ts` would find the name of a schema there.
import ts from 'typescript'
import { type Library, membersOf } from './library.js'

const FORMAT =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType |
  ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope |
  (ts.TypeFormatFlags.WriteArrayAsGenericType * 0)

const HEAD = `# The public API

Everything that \`import … from 'flagstone'\` gives, with its types. Made by \`npm run api\`; a test compares it, so that no
change goes by unseen. A line that is gone or other than before breaks programs.

\`\`\`ts
`

export function apiReport(library: Library): string {
  const names = [...library.exports.keys()].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  const body = names.map((name) => describe(library, name)).join('\n\n')
  const parsed = ts.createSourceFile('api.ts', body, ts.ScriptTarget.Latest, true)
  return `${HEAD}${withSortedUnions(parsed)}\n\`\`\`\n`
}

/** Compilers order the members of a union as it suits them. */
function withSortedUnions(node: ts.Node): string {
  if (ts.isUnionTypeNode(node)) {
    const members = node.types.map(withSortedUnions)
    return members.sort((a, b) => +(a === 'undefined') - +(b === 'undefined') || (a < b ? -1 : 1)).join(' | ')
  }
  const source = node.getSourceFile().text
  let text = ''
  let at = node.getStart()
  ts.forEachChild(node, (child) => {
    text += source.slice(at, child.getStart()) + withSortedUnions(child)
    at = child.getEnd()
  })
  return text + source.slice(at, node.getEnd())
}

function describe(library: Library, name: string): string {
  const { checker } = library
  const symbol = library.exports.get(name)!
  const at = symbol.declarations![0]!
  const text: string[] = []
  if (symbol.flags & ts.SymbolFlags.Function) {
    for (const call of checker.getTypeOfSymbolAtLocation(symbol, at).getCallSignatures())
      text.push(`function ${name}${signature(checker, call)}`)
  }
  if (symbol.flags & ts.SymbolFlags.Variable)
    text.push(`const ${name}: ${typeText(checker, checker.getTypeOfSymbolAtLocation(symbol, at))}`)
  if (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))
    text.push(shape(library, name, symbol))
  if (symbol.flags & ts.SymbolFlags.TypeAlias) text.push(alias(library, name, symbol))
  return text.join('\n')
}

/** What is declared here, and by bases that are not exported. A class whose name is a value can be constructed. */
function shape(library: Library, name: string, symbol: ts.Symbol): string {
  const { checker } = library
  const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0
  const { parameters, bases, told } = heritageOf(library, symbol)
  const makers = isClass && library.values.has(name) ? constructorsOf(checker, symbol) : []
  const calls = checker.getDeclaredTypeOfSymbol(symbol).getCallSignatures()
  const lines = [
    ...makers.map((call) => `  new ${signature(checker, call)}`),
    ...calls.map((call) => `  ${signature(checker, call)}`),
    ...membersOf(library, symbol)
      .filter((member) => !told.has(member))
      .map((member) => line(checker, member)),
  ]
  const head = `${isClass ? 'class' : 'interface'} ${name}${parameters}${bases}`
  return lines.length === 0 ? `${head} {}` : `${head} {\n${lines.join('\n')}\n}`
}

const constructorsOf = (checker: ts.TypeChecker, symbol: ts.Symbol): readonly ts.Signature[] =>
  checker.getTypeOfSymbolAtLocation(symbol, symbol.valueDeclaration!).getConstructSignatures()

interface Heritage {
  /** '<T>', or nothing. */
  readonly parameters: string
  /** ' extends A, B', of those that a reader of the report finds there or knows. */
  readonly bases: string
  /** Members that are told of with such a base. */
  readonly told: ReadonlySet<ts.Symbol>
}

function heritageOf({ checker, exports }: Library, symbol: ts.Symbol): Heritage {
  const declaration = symbol.declarations!.find(
    (d) => ts.isInterfaceDeclaration(d) || ts.isClassDeclaration(d),
  )
  const { typeParameters, heritageClauses = [] } = declaration as ts.InterfaceDeclaration
  const known = new Set<ts.Symbol | undefined>(exports.values())
  const told = new Set<ts.Symbol>()
  const bases: string[] = []
  for (const { token, types } of heritageClauses) {
    const isExtends = token === ts.SyntaxKind.ExtendsKeyword
    const named = types.filter(
      (base) => known.has(targetOf(checker, base.expression)) || isOfLanguage(checker, base),
    )
    if (isExtends)
      for (const base of named)
        for (const member of checker.getTypeAtLocation(base).getProperties()) told.add(member)
    if (named.length > 0)
      bases.push(` ${isExtends ? 'extends' : 'implements'} ${named.map((base) => base.getText()).join(', ')}`)
  }
  const parameters = typeParameters?.map((parameter) => parameter.getText()).join(', ')
  return { parameters: parameters === undefined ? '' : `<${parameters}>`, bases: bases.join(''), told }
}

/** What a name stands for, links followed. */
function targetOf(checker: ts.TypeChecker, name: ts.Node): ts.Symbol | undefined {
  const symbol = checker.getSymbolAtLocation(name)
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
    ? checker.getAliasedSymbol(symbol)
    : symbol
}

/** Error and its like. */
const isOfLanguage = (checker: ts.TypeChecker, { expression }: ts.ExpressionWithTypeArguments): boolean =>
  ts.isIdentifier(expression) &&
  targetOf(checker, expression)?.declarations?.some((at) =>
    /\/lib\.[\w.]+\.d\.ts$/.test(at.getSourceFile().fileName),
  ) === true

function alias(library: Library, name: string, symbol: ts.Symbol): string {
  const { checker } = library
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  const members = membersOf(library, symbol)
  if (members.length > 0 && type.getCallSignatures().length === 0)
    return `type ${name} = {\n${members.map((member) => line(checker, member)).join('\n')}\n}`
  return `type ${name} = ${typeText(checker, type, ts.TypeFormatFlags.InTypeAlias)}`
}

function line(checker: ts.TypeChecker, member: ts.Symbol): string {
  const at = member.declarations![0]!
  const isOptional = (member.flags & ts.SymbolFlags.Optional) !== 0
  const isReadonly =
    (ts.getCombinedModifierFlags(at) & ts.ModifierFlags.Readonly) !== 0 || ts.isGetAccessor(at)
  const name = member.name.startsWith('__@') ? `[Symbol.${member.name.slice(3).split('@')[0]}]` : member.name
  const type = checker.getTypeOfSymbolAtLocation(member, at)
  if ((member.flags & ts.SymbolFlags.Method) !== 0)
    return checker
      .getNonNullableType(type)
      .getCallSignatures()
      .map((call) => `  ${name}${isOptional ? '?' : ''}${signature(checker, call)}`)
      .join('\n')
  return `  ${isReadonly ? 'readonly ' : ''}${name}${isOptional ? '?' : ''}: ${typeText(checker, type)}`
}

const signature = (checker: ts.TypeChecker, call: ts.Signature): string =>
  checker.signatureToString(call, undefined, FORMAT)

const typeText = (checker: ts.TypeChecker, type: ts.Type, more = 0): string =>
  checker.typeToString(type, undefined, FORMAT | more)
