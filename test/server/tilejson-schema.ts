// TileJSON 3.0.0 as a JSON schema, written from the specification's text (tilejson-spec/3.0.0/README.md). It says more
// than the schema published beside it: lengths, ranges, the absolute URLs of 3.2; and it wants `vector_layers` of vector
// tiles only (3.3), while that one wants them always.
const zoom = { type: 'integer', minimum: 0, maximum: 30 }
const semver = { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+([-+][\\w.+-]+)?$' }
const longitude = { type: 'number', minimum: -180, maximum: 180 }
const latitude = { type: 'number', minimum: -90, maximum: 90 }
const urls = { type: 'array', items: { type: 'string', pattern: '^[a-z]+://' } }
const tuple = (...items: readonly object[]): object => ({
  type: 'array',
  items,
  minItems: items.length,
  maxItems: items.length,
})

export const tileJsonSchema = {
  type: 'object',
  required: ['tilejson', 'tiles'],
  // `format` is ours
  if: { properties: { format: { enum: ['mvt', 'mlt'] } }, required: ['format'] },
  // biome-ignore lint/suspicious/noThenProperty: JSON schema's word
  then: { required: ['vector_layers'] },
  else: { not: { required: ['vector_layers'] } },
  properties: {
    tilejson: { const: '3.0.0' },
    tiles: { ...urls, minItems: 1 },
    vector_layers: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'fields'],
        properties: {
          id: { type: 'string' },
          fields: { type: 'object', additionalProperties: { type: 'string' } },
          description: { type: 'string' },
          minzoom: zoom,
          maxzoom: zoom,
        },
      },
    },
    attribution: { type: 'string' },
    bounds: tuple(longitude, latitude, longitude, latitude),
    center: tuple(longitude, latitude, zoom),
    data: urls,
    description: { type: 'string' },
    fillzoom: zoom,
    grids: urls,
    legend: { type: 'string' },
    maxzoom: zoom,
    minzoom: zoom,
    name: { type: 'string' },
    scheme: { enum: ['xyz', 'tms'] },
    template: { type: 'string' },
    version: semver,
  },
} as const
