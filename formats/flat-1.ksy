# A second, independent reader of formats/flat-1.md. The JavaScript runtime of Kaitai reads 64-bit numbers with
# lost precision, so they are described as two u4: value = hi * 4294967296 + lo (exact below 2^53).
meta:
  id: flat_1
  title: Flagstone flat-1 tile file
  file-extension: [flat, pmtiles]
  license: MIT
  endian: le
  ks-version: '0.10'
doc: |
  Map tiles in one file: level indexes of 24-byte records, then values. Parse a file whole; `current` is the
  superblock in force (a pending change of geometry is not resolved).
doc-ref: formats/flat-1.md
instances:
  header_block:
    pos: 0
    size: 16384
    doc: PMTiles header and root directory when sealed, else zero.
  superblock_a:
    pos: 16384
    size: 4096
    type: superblock
  superblock_b:
    pos: 20480
    size: 4096
    type: superblock
types:
  u8x:
    seq:
      - id: lo
        type: u4
      - id: hi
        type: u4
    instances:
      value:
        value: hi * 4294967296.0 + lo
  u6x:
    seq:
      - id: lo
        type: u4
      - id: hi
        type: u2
    instances:
      value:
        value: hi * 4294967296.0 + lo
  superblock:
    seq:
      - id: magic
        contents: [0x89, 0x46, 0x4c, 0x41, 0x54, 0x0d, 0x0a, 0x1a]
      - id: read_version
        type: u2
      - id: write_version
        type: u2
      - id: flags
        type: u4
      - id: sequence
        type: u8x
      - id: uuid
        size: 16
      - id: growth_unit_bytes
        type: u4
      - id: record_bytes
        type: u2
      - id: level_count
        type: u2
      - id: values_start
        type: u8x
      - id: values_length
        type: u8x
      - id: file_length
        type: u8x
      - id: metadata_offset
        type: u8x
      - id: metadata_length
        type: u4
      - id: metadata_crc
        type: u4
      - id: pending_kind
        type: u4
        enum: pending
      - id: reserved1
        size: 4
      - id: pending_at
        type: u8x
      - id: pending_length
        type: u8x
      - id: pending_size_before
        type: u8x
      - id: placement
        type: u4
        enum: placement
      - id: header_crc
        type: u4
      - id: directories_offset
        type: u8x
      - id: directories_length
        type: u8x
      - id: directories_crc
        type: u4
      - id: sources_offset
        type: u8x
      - id: sources_length
        type: u4
      - id: sources_crc
        type: u4
      - id: sources_count
        type: u4
      - id: reserved2
        size: 236
      - id: tail_crcs
        type: u4
        repeat: expr
        repeat-expr: 27
      - id: levels
        type: level
        repeat: expr
        repeat-expr: 27
      - id: reserved3
        size: 2716
      - id: crc
        type: u4
    instances:
      sealed:
        value: (flags & 1) == 1
      sources:
        io: _root._io
        pos: (values_start.value + sources_offset.value).as<u8>
        size: sources_length
        if: sources_length > 0
        doc: A gzipped FeatureCollection of GeoJSON.
  level:
    seq:
      - id: offset
        type: u8x
      - id: capacity_bytes
        type: u8x
      - id: count
        type: u8x
      - id: sorted_count
        type: u8x
    instances:
      records:
        io: _root._io
        pos: offset.value.as<u8>
        type: record
        repeat: expr
        repeat-expr: count.value.as<u8>
        if: count.value > 0
  record:
    seq:
      - id: key
        type: u8x
      - id: offset
        type: u6x
      - id: type
        type: u1
      - id: flags
        type: u1
      - id: length
        type: u4
      - id: check
        type: u4
    instances:
      deleted:
        value: (flags & 1) == 1
enums:
  pending:
    0: none
    1: insert
    2: collapse
  placement:
    0: none
    1: front
    2: tail
