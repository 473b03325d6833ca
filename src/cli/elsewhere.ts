// Commands and options of other programs, and what to use here instead: GDAL, gdal2tiles, rio,
// go-pmtiles, martin, mbtiles, tippecanoe, versatiles and tileserver-gl. Data only; usage.ts looks things up.

export interface Elsewhere {
  /** Separated by spaces; options are without dashes, with `-` for `_`, long ones in lower case. */
  readonly words: string
  /** The commands that these options are given to; default: build. Not used for commands. */
  readonly on?: string
  /** What to do, as whole sentences. */
  readonly say: string
}

const SOURCES_AGAIN =
  'Images cannot be added to a finished file: build it again from all of them, or build the new ones alone and join both with flagstone merge. flagstone apply changes tiles as a patch says, and reopen() in the library as you like.'
const METADATA =
  'Set metadata when you build: --name, --description, --attribution or --metadata KEY=VALUE. To change a finished file use reopen() and setMetadata() in the library.'
const COPY = 'Copy the file with any program, for example cp, rsync, rclone or aws s3 cp.'
const WARP = 'flagstone build warps images to web mercator: flagstone build IN.tif OUT.pmtiles.'
const LATER = 'Flagstone cannot do this yet.'

export const COMMANDS: readonly Elsewhere[] = [
  {
    words: 'generate make new import tiles cut raster mbtiles pmtiles gdal2tiles gdal2tiles.py rio mosaic cp',
    say: 'Use flagstone build IN.tif OUT.pmtiles.',
  },
  { words: 'copy export translate-tiles', say: 'Use flagstone convert IN OUT.' },
  {
    words: 'cluster compact optimize vacuum',
    say: 'Use flagstone convert OLD NEW.pmtiles: the new file has the tiles in order, and nothing else.',
  },
  {
    words: 'tile-join tilejoin combine',
    say: 'Use flagstone merge A B OUT.pmtiles to join archives; to draw images over one another, pass all of them to one build.',
  },
  {
    words: 'clip crop subset',
    say: 'Use flagstone extract IN OUT --bbox=W,S,E,N, or --region AREA.geojson.',
  },
  { words: 'cmp delta', say: 'Use flagstone diff BEFORE AFTER.' },
  { words: 'patch', say: 'Use flagstone diff BEFORE AFTER PATCH, and flagstone apply FILE PATCH.' },
  {
    words: 'undo revert rollback',
    say: 'Use flagstone apply FILE PATCH --undo UNDO, and flagstone apply FILE UNDO.',
  },
  { words: 'hash checksum fingerprint', say: 'Use flagstone digest FILE.' },
  { words: 'update append add insert remove delete', say: SOURCES_AGAIN },
  { words: 'edit meta-set meta-update set-metadata rename', say: METADATA },
  {
    words: 'overviews addo gdaladdo pyramid',
    say: 'flagstone build creates all overviews; --overview-resampling sets their kernel.',
  },
  { words: 'warp gdalwarp translate gdal_translate reproject', say: WARP },
  { words: 'buildvrt gdalbuildvrt', say: 'flagstone build takes any number of images, and VRT files too.' },
  { words: 'estimate plan dry-run', say: 'Use flagstone build IN.tif OUT.pmtiles --dry-run.' },
  { words: 'resume continue', say: 'Run the same build again with --resume.' },
  {
    words: 'inspect describe header stat stats ls list meta-all meta-get metadata gdalinfo decode',
    say: 'Use flagstone info FILE, with --json for programs.',
  },
  { words: 'tilejson', say: 'Use flagstone info FILE --tilejson.' },
  { words: 'check test fsck validate-tiles', say: 'Use flagstone verify FILE.' },
  { words: 'get cat read', say: 'Use flagstone tile FILE Z X Y.' },
  {
    words: 'preview thumbnail render image picture screenshot window',
    say: 'Use flagstone sample FILE --size 800 -o preview.png.',
  },
  { words: 'view viewer start run dev server host open web martin', say: 'Use flagstone serve FILE.' },
  { words: 'adopt', say: LATER },
  { words: 'worker queue shard', say: LATER },
  { words: 'upload download sync makesync publish', say: COPY },
  { words: 'version', say: 'Use flagstone --version.' },
]

const EVERY = 'build info tile verify sample serve convert extract merge digest diff apply batch probe'
const MERCATOR = 'The output is always web mercator (EPSG:3857).'
const BBOX = 'Use --bbox=W,S,E,N, in degrees'
const OUTPUT = 'The output is the last argument: flagstone build IN.tif OUT.pmtiles.'
const VECTOR = 'Flagstone builds raster tiles; for vector tiles use tippecanoe.'
const COPIES = 'convert extract merge'
const NONE = 'This is not needed here; leave it out.'

export const OPTIONS: readonly Elsewhere[] = [
  {
    words:
      't-srs dst-crs dst-srs target-crs output-crs projection profile p tiling-scheme tilematrixset tms-name',
    on: 'build sample',
    say: `${MERCATOR} The CRS of the source is set with --s-srs.`,
  },
  {
    words: 'a-srs src-crs src-srs source-crs input-crs source-srs input-srs crs srs override-crs',
    say: 'Use --s-srs for the CRS of the source.',
  },
  { words: 'te target-extent extent spat bounds region clip', say: `${BBOX}, or --cutline FILE.geojson.` },
  { words: 'projwin', say: `${BBOX}: west, south, east, north, unlike -projwin.` },
  { words: 'te projwin extent bounds region', on: 'sample', say: `${BBOX}.` },
  { words: 'te-srs projwin-srs bbox-crs bounds-crs', on: 'build sample', say: `${BBOX} (EPSG:4326).` },
  { words: 'srcwin', on: 'build', say: `${BBOX}.` },
  {
    words: 'tr target-res resolution res ts outsize size width height',
    say: 'The highest zoom sets the resolution: use --max-zoom or --zoom.',
  },
  { words: 'tap target-aligned-pixels', say: 'Tiles always follow the web mercator grid; leave it out.' },
  {
    words: 'of driver output-format out-format tiledriver tile-driver tile-format ot',
    say: 'The output is one tile file; --format jpeg, png, webp or avif sets the format of its tiles.',
  },
  { words: 'srcnodata src-nodata vrtnodata a-nodata input-nodata', say: 'Use --nodata.' },
  {
    words: 'dstnodata dst-nodata',
    say: 'Tiles have no nodata value: pixels without data are transparent. Use --nodata for the nodata value of the source.',
  },
  {
    words: 'dstalpha srcalpha alpha rgba rgb',
    say: 'Transparency is kept by default; --no-alpha ignores it.',
  },
  { words: 'nosrcalpha hidealpha', say: 'Use --no-alpha.' },
  { words: 'hidenodata nomask mask expand', say: 'Palettes, masks and nodata are applied; leave it out.' },
  { words: 'scale scale-min scale-max stretch range', say: 'Use --rescale MIN,MAX.' },
  { words: 'exponent', say: 'Use --gamma, which is 1/exponent.' },
  { words: 'b band bidx sd sds', say: 'Use --bands, for example --bands 4,3,2.' },
  { words: 'color-relief color-map colour-map cmap', say: 'Use --colormap.' },
  {
    words: 'cl csql cwhere cutline-layer clip-geometry crop-to-cutline',
    say: 'Use --cutline FILE.geojson; the output has only the tiles inside it.',
  },
  { words: 'cblend', say: 'Use --cutline-blend.' },
  {
    words: 'wm cache-max gdal-cachemax max-memory memory',
    say: 'Use --mem-limit, for example --mem-limit 2G.',
  },
  { words: 'wo et ovr tps rpc geoloc to oo doo if setci nomd q-level mpi', say: NONE },
  {
    words: 'multi processes num-threads nb-processes concurrency num-workers workers cores parallel',
    say: 'Use --threads; the default is all cores.',
  },
  {
    words: 'append update',
    say: 'Flagstone cannot add to a finished file yet: pass all sources to one build.',
  },
  { words: 'o output out output-file outfile dst destination output-dir output-directory', say: OUTPUT },
  {
    words: 'i input source src input-file input-file-list optfile file files',
    say: 'Sources are arguments before the output: files, folders, globs, or @list.txt with one path per line.',
  },
  { words: 'tilesize block-size blocksize tile-width tile-height', say: 'Use --tile-size 256 or 512.' },
  { words: 'zoom-levels zooms zoomlevels zoom-range levels', say: 'Use --zoom, for example --zoom 0-14.' },
  {
    words: 'jpeg-quality jpg-quality webp-quality avif-quality compression-level',
    say: 'Use --quality, for example --quality 80.',
  },
  { words: 'webp-lossless', say: 'Use --lossless.' },
  {
    words: 'exclude exclude-transparent include-empty-tiles excluded-values',
    say: 'Tiles without data are never stored; --skip-blank also leaves out those that show only the background.',
  },
  {
    words: 'xyz tms tmscompatible convention scheme flip-y',
    say: 'Rows are counted from the north (XYZ); flagstone serve also answers {-y} and ?scheme=tms.',
  },
  { words: 'e', say: 'Use --resume.' },
  {
    words: 'w webviewer viewer k force-kml no-kml kml u url bing-key googlekey',
    say: 'flagstone serve FILE has a map viewer, and the links for other programs.',
  },
  { words: 'title t n l layer', say: 'Use --name.' },
  { words: 'copyright c credits A', say: 'Use --attribution.' },
  { words: 'N', say: 'Use --description.' },
  { words: 'overlay baselayer', say: 'Use --type overlay or --type baselayer.' },
  { words: 'y force-overwrite clobber replace', say: 'Use --overwrite.' },
  {
    words: 'rgbify base-val interval round-digits encoding elevation',
    say: 'Use --terrain mapbox or terrarium.',
  },
  {
    words:
      'drop-densest-as-needed drop-fraction-as-needed drop-smallest-as-needed coalesce-densest-as-needed extend-zooms-if-still-dropping no-feature-limit no-tile-size-limit base-zoom drop-rate simplification',
    say: VECTOR,
  },
  { words: 'overview overviews resampling-overview', say: 'Use --overview-resampling.' },

  {
    words: 'l listen listen-addresses bind b ip interface address hostname',
    on: 'serve',
    say: 'Use --host and --port.',
  },
  { words: 'cache-size cache C', on: 'serve', say: 'Use --cache-mb.' },
  {
    words: 'mbtiles pmtiles file source sources tiles tile-sources i input d data dir directory',
    on: 'serve',
    say: 'Files and folders are arguments: flagstone serve FILE FOLDER.',
  },
  {
    words: 'bucket',
    on: 'serve',
    say: 'Flagstone serves files of this machine; copy the archive here first.',
  },
  { words: 'cert ssl-cert certificate tls ssl https', on: 'serve', say: 'Use --tls-cert and --tls-key.' },
  { words: 'key ssl-key', on: 'serve', say: 'Use --tls-key.' },
  { words: 'url base-url root-url', on: 'serve', say: 'Use --public-url.' },
  { words: 'prefix path-prefix root route-prefix', on: 'serve', say: 'Use --base-path.' },
  { words: 'j threads processes cluster pool-size', on: 'serve', say: 'Use --workers.' },
  { words: 'cors-origin allow-origin', on: 'serve', say: 'Use --cors.' },
  {
    words: 'log-format log-level loglevel log-file access-log',
    on: 'serve',
    say: 'Use --log; it writes to stderr.',
  },
  { words: 'webui u auto-bounds admin-port keep-alive preferred-encoding', on: 'serve', say: NONE },
  {
    words: 'fast minimal-recompression override-input-compression compress',
    on: 'serve',
    say: 'Tiles are sent as they are stored; --transcode converts them.',
  },

  { words: 'header-json header metadata stats', on: 'info', say: 'Use --json.' },
  { words: 'out o output', on: 'info verify', say: 'Results go to stdout: write > FILE at the end.' },
  { words: 'outsize width height w dimensions ts', on: 'sample', say: 'Use --size WIDTHxHEIGHT.' },
  { words: 'of driver', on: 'sample', say: 'Use --format.' },
  { words: 'deep full tiles strict', on: 'verify', say: 'Use --decode.' },
  {
    words: 'o output out output-file to-file',
    on: `${COPIES} diff`,
    say: 'The output is the last argument, as in flagstone convert IN.mbtiles OUT.pmtiles.',
  },
  { words: 'f', on: `${COPIES} diff`, say: 'Use --overwrite.' },
  {
    words: 'bbox bounds extent te clip region bbox-border',
    on: 'convert merge',
    say: 'Cut first: flagstone extract IN OUT --bbox=W,S,E,N.',
  },
  { words: 'image-format tile-format tiletype', on: 'convert', say: 'Use --format.' },
  {
    words: 'image-format tile-format format quality tile-size compress compression c',
    on: 'extract merge',
    say: 'Tiles keep their form; flagstone convert IN OUT --format webp encodes them again.',
  },
  {
    words: 'flip-y tms',
    on: COPIES,
    say: 'Use --scheme tms for an output folder; MBTiles have their own order.',
  },
  { words: 'of driver output-format', on: COPIES, say: 'Use --to, or an output whose extension says it.' },
  { words: 'dst-type mbtiles-schema', on: COPIES, say: 'Use --mbtiles-type.' },
  { words: 'maximum-zoom minimum-zoom Z', on: 'convert extract', say: 'Use --zoom, such as -z 0-14.' },
  { words: 'z Z zoom max-zoom min-zoom', on: 'merge', say: 'Cut first: flagstone extract IN OUT -z 0-14.' },
  {
    words:
      'tmpdir no-deduplication deduplicate download-threads threads j overfetch compress compression c no-tile-size-limit pk',
    on: COPIES,
    say: NONE,
  },
  {
    words: 'patch-type apply-patch diff-with-file',
    on: `diff ${COPIES}`,
    say: 'Use flagstone diff BEFORE AFTER PATCH, and flagstone apply FILE PATCH.',
  },
  {
    words: 'config config-file settings save-config',
    on: EVERY,
    say: 'There is no configuration file; all settings are options of the command.',
  },
  {
    words: 'd debug V loglevel log-level',
    on: EVERY,
    say: 'Use --verbose.',
  },
  {
    words: 'silent progress-bar no-progress',
    on: EVERY,
    say: 'Use --quiet.',
  },
  { words: 'version', on: EVERY, say: 'Use flagstone --version.' },
]

/** GDAL's creation options (`-co NAME=VALUE`), and the options that replace them. */
export const CREATION_OPTIONS: Readonly<Record<string, string>> = {
  QUALITY: '--quality',
  JPEG_QUALITY: '--quality',
  WEBP_LEVEL: '--quality',
  WEBP_LOSSLESS: '--lossless',
  LOSSLESS: '--lossless',
  COMPRESS: '--format',
  FORMAT: '--format',
  TILE_FORMAT: '--format',
  BLOCKSIZE: '--tile-size',
  TILE_SIZE: '--tile-size',
  NUM_THREADS: '--threads',
  RESAMPLING: '--resampling',
  WARP_RESAMPLING: '--resampling',
  OVERVIEW_RESAMPLING: '--overview-resampling',
  ZOOM_LEVEL_STRATEGY: '--zoom-level-strategy',
  ZOOM_LEVEL: '--max-zoom',
  MINZOOM: '--min-zoom',
  MAXZOOM: '--max-zoom',
  ADD_ALPHA: '--add-alpha',
  NAME: '--name',
  DESCRIPTION: '--description',
  TYPE: '--type',
}
