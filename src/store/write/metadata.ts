// Metadata as they are stored: an object that JSON can represent.
import { badType, wrongType } from '../../errors.js'
import { jsonDepth, MAX_JSON_DEPTH } from '../../format/json.js'

/** A copy through JSON. @throws TypeError when JSON cannot represent it */
export function asJson(metadata: unknown): Record<string, unknown> {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject(metadata)) throw wrongType('metadata must be an object', metadata)
  // a Map, bytes or a promise would silently become {}
  const kind = Object.prototype.toString.call(metadata).slice(8, -1)
  if (kind !== 'Object') throw badType(`metadata must be an object of names and values, not ${kind}`)
  let copy: unknown
  try {
    const text = JSON.stringify(metadata) ?? 'null'
    if (jsonDepth(text) > MAX_JSON_DEPTH) throw new TypeError(`it is nested more than ${MAX_JSON_DEPTH} deep`)
    copy = JSON.parse(text)
  } catch (error) {
    throw badType(`metadata cannot be written as JSON: ${(error as Error).message}`)
  }
  if (!isObject(copy)) throw badType('metadata must be an object, and its JSON must be one')
  return copy
}
