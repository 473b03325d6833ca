// What the READMEs say is so: links, options, scripts, packages.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import type { Command } from 'commander'
import * as yaml from 'js-yaml'
import t from 'tap'
import { defineBuild } from '../../src/cli/commands/build-options.js'
import { defineServe } from '../../src/cli/commands/serve-options.js'
import { buildOptions } from '../../src/pyramid/options.js'
import { serverLimits, serverOptions } from '../../src/server/options.js'
import { listenOptions } from '../../src/server/run/listen-options.js'
import { documents, sectionOf, textOf } from '../helpers/documents.js'
import { root } from '../helpers/paths.js'

interface Package {
  readonly scripts: Record<string, string>
  readonly dependencies: Record<string, string>
}
const { scripts, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package

interface Job {
  readonly strategy: { readonly matrix: { readonly node: readonly number[] } }
  readonly container: { readonly image: string }
  readonly steps: readonly { readonly run?: string; readonly uses?: string }[]
}

/** What a heading is called in links, as hosts do it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

t.test('the README is short', (t) => {
  t.ok(statSync(join(root, 'README.md')).size <= 10_000)
  t.end()
})

t.test('links lead somewhere', (t) => {
  let links = 0
  for (const document of documents) {
    for (const [, link] of textOf(document).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(link!)) continue
      const [path = '', anchor] = link!.split('#')
      const target = path === '' ? document : normalize(join(dirname(document), path))
      t.ok(existsSync(join(root, target)), `${document}: ${link}`)
      if (anchor !== undefined) {
        const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!))
        t.ok(headings.includes(anchor), `${document}: ${link}`)
      }
      links++
    }
  }
  t.ok(links > 30, `${links} links`)
  t.end()
})

t.test('every README is linked from the first', (t) => {
  const seen = new Set<string>()
  const follow = (document: string): void => {
    if (seen.has(document)) return
    seen.add(document)
    for (const [, link] of textOf(document).matchAll(/\]\(([^)#]+\.md)(?:#[^)]*)?\)/g)) {
      const target = normalize(join(dirname(document), link!))
      if (documents.includes(target)) follow(target)
    }
  }
  follow('README.md')
  t.same([...seen].sort(), [...documents].sort())
  t.end()
})

t.test('scripts, packages and files that are named exist', (t) => {
  for (const document of documents) {
    const text = textOf(document)
    for (const [, name] of text.matchAll(/npm run ([a-z:]+)/g))
      t.ok(scripts[name!], `${document}: npm run ${name}`)
    for (const [, path] of text.matchAll(
      /`((?:src|test|scripts|formats|fixtures|\.github|\.ci)\/[\w./-]*)`/g,
    ))
      t.ok(existsSync(join(root, path!)), `${document}: ${path}`)
    t.notMatch(text, /@@/, `${document} has no placeholder`)
  }
  const why = sectionOf('src/README.md', 'Why these packages')
  const named = [...why.matchAll(/^\| ([@\w/.-]+) \|/gm)]
    .map(([, name]) => name!)
    .filter((it) => it !== 'package')
  t.same(
    named.filter((it) => !it.startsWith('---')).sort(),
    Object.keys(dependencies).sort(),
    'why each package is there',
  )
  t.end()
})

const flagsOf = (command: Command): string[] =>
  command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : long.slice(2)))

t.test('the options: every one of the command and of the library is there, under its true name', (t) => {
  const camel = (flag: string): string => flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const table = sectionOf('src/README.md', 'Options')
  const rows = [...table.matchAll(/^\| (`.*|–) \| (.*) \|$/gm)].map(([, command, library]) => ({
    command: [...command!.matchAll(/--([a-z-]+)/g)].map(([, name]) => name!),
    library: [...library!.matchAll(/\b[a-z][A-Za-z]*\b/g)].map(([name]) => name),
  }))
  t.ok(rows.length > 7, 'the table was read')
  const inTable = new Set(rows.flatMap(({ command }) => command))
  const named = new Set(rows.flatMap(({ library }) => library))
  const of = (schema: { readonly shape: object }): string[] => Object.keys(schema.shape)

  const build = { flags: flagsOf(defineBuild()), keys: of(buildOptions) }
  const serve = { flags: flagsOf(defineServe()), keys: [...of(serverOptions), 'log', 'workers'] }
  for (const { flags, keys } of [build, serve]) {
    for (const flag of flags)
      t.ok(inTable.has(flag) || keys.includes(camel(flag)), `--${flag} is ${camel(flag)} in the library`)
  }
  // the other way round
  const theirs = new Set([...build.flags, ...serve.flags].map(camel))
  const arguments_ = ['sources', 'out', 'limits']
  for (const key of [...of(buildOptions), ...of(serverOptions), ...of(serverLimits), ...of(listenOptions)])
    t.ok(
      named.has(key) || theirs.has(key) || arguments_.includes(key),
      `${key} is an option of the command, or named`,
    )
  // and nothing is named that is not there
  const all = new Set([...of(buildOptions), ...of(serverOptions), ...of(serverLimits), ...of(listenOptions)])
  for (const { library } of rows.slice(0, 1)) for (const name of library) t.ok(all.has(name), name)
  for (const [, object] of table.matchAll(/`limits: \{ ([^}]*) \}`/g))
    t.same(object!.split(', ').sort(), of(serverLimits).sort(), 'the limits')
  t.end()
})

t.test('the pages of build and serve name only options that exist', (t) => {
  const ofAll = new Set(['help', 'json', 'quiet', 'verbose'])
  const pages = [
    {
      document: 'src/pyramid/README.md',
      flags: flagsOf(defineBuild()),
      others: /--(elevation|overwrite|sources)/,
    },
    { document: 'src/server/README.md', flags: flagsOf(defineServe()), others: /--(inplace)/ },
  ]
  for (const { document, flags, others } of pages) {
    const text = textOf(document)
    for (const [option, name] of text.matchAll(/--([a-z][a-z-]*)/g))
      t.ok(flags.includes(name!) || ofAll.has(name!) || others.test(option), `${document} names ${option}`)
  }
  t.end()
})

t.test('forms and workflows are YAML that has what the host wants', (t) => {
  const load = (path: string): Record<string, unknown> =>
    yaml.load(readFileSync(join(root, '.github', path), 'utf8')) as never
  const forms = readdirSync(join(root, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml')
  t.same(forms.sort(), ['bug.yml', 'feature.yml'])
  for (const form of forms) {
    const { name, description, body } = load(`ISSUE_TEMPLATE/${form}`)
    t.ok(typeof name === 'string' && typeof description === 'string', form)
    const fields = body as { type: string; id?: string; attributes: { label?: string; value?: string } }[]
    for (const { type, id, attributes } of fields) {
      if (type === 'markdown') t.type(attributes.value, 'string', `${form}: text`)
      else t.ok(['input', 'textarea'].includes(type) && id && attributes.label, `${form}: ${id}`)
    }
    t.equal(new Set(fields.map(({ id }) => id)).size, fields.length, `${form}: ids differ`)
  }
  const { jobs } = load('workflows/test.yml') as { jobs: Record<string, Job> }
  for (const [name, { strategy, container, steps }] of Object.entries(jobs)) {
    t.same(strategy.matrix.node, [20, 22, 24], name)
    t.match(container.image, /^node:\$\{\{ matrix\.node \}\}-/)
    for (const { run, uses } of steps) t.ok(run !== undefined || uses !== undefined)
    t.ok(
      steps.some(({ run }) => run === '.ci/run'),
      `${name} runs .ci/run`,
    )
  }
  t.end()
})
