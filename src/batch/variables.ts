// ${VAR} and ${VAR:default} in the values of a jobs file.

export type Environment = Readonly<Record<string, string | undefined>>

const FORM = /\$(?:\$|\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?<preset>[^}]*))?\}|(?<wrong>\{[^}]{0,40}\}?))/g

/**
 * A text with the values of its variables; `$$` is a dollar sign, and one that no brace follows is itself.
 * @param refuse told what is wrong, in a sentence
 */
export function substituted(text: string, env: Environment, refuse: (sentence: string) => never): string {
  return text.replace(FORM, (found, ...rest) => {
    const { name, preset, wrong } = rest.at(-1) as Record<string, string | undefined>
    if (wrong !== undefined)
      refuse(`'$${wrong}' is not a variable: write \${NAME} or \${NAME:default}, and $$ for a dollar sign.`)
    if (name === undefined) return found === '$$' ? '$' : found
    const value = env[name] ?? preset
    if (value === undefined)
      refuse(`The variable ${name} is not set; set it, or give it a default value: \${${name}:value}.`)
    return value
  })
}
