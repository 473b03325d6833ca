# GDAL's programs as jobs of one process: a start of gdal_translate costs a tenth of a second of the processor, and what
# it then does for a small file a hundredth. Lines of JSON: {program, args, input} in, {status, stdout, stderr} out.
# The programs are the functions of GDAL's library that they are made of, with the same arguments.
import json
import os
import sys
import tempfile

from osgeo import gdal

gdal.DontUseExceptions()

# How many arguments an option of gdalwarp and gdalbuildvrt has, where it is not one. (Sources come before the target.)
ARITY = {
    "-q": 0, "-overwrite": 0, "-dstalpha": 0, "-nosrcalpha": 0, "-srcalpha": 0, "-crop_to_cutline": 0, "-tap": 0,
    "-multi": 0, "-separate": 0, "-addalpha": 0, "-hidenodata": 0, "-te": 4, "-ts": 2, "-tr": 2,
}


class Refused(Exception):
    pass


def split(args):
    """Options, and the files behind and between them."""
    options, files, at = [], [], 0
    while at < len(args):
        if args[at].startswith("-") and len(args[at]) > 1:
            end = at + 1 + ARITY.get(args[at], 1)
            options += args[at:end]
            at = end
        else:
            files.append(args[at])
            at += 1
    return [o for o in options if o not in ("-q", "-overwrite")], files


def taken(args, name, count):
    """All values of an option that is not the library's but the program's, and the arguments without it."""
    values, rest, at = [], [], 0
    while at < len(args):
        if args[at] == name:
            values.append(args[at + 1 : at + 1 + count])
            at += 1 + count
        else:
            rest.append(args[at])
            at += 1
    return values, rest


def opened(path, args=()):
    source = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, open_options=list(args))
    if source is None:
        raise Refused()
    return source


def closed(made):
    if made is None:
        raise Refused()
    made.FlushCache()
    return ""


def translate(args, _):
    """The last two are source and target."""
    open_options, rest = taken(args, "-oo", 1)
    *options, source, target = [a for a in rest if a != "-q"]
    return closed(gdal.Translate(target, opened(source, [o for [o] in open_options]), options=options))


def warp(args, _):
    options, files = split(args)
    if os.path.exists(files[-1]) and "-overwrite" not in args:
        raise Refused("gdalwarp onto a file that is there")
    return closed(gdal.Warp(files[-1], files[:-1], options=options))


def build_vrt(args, _):
    options, files = split(args)
    return closed(gdal.BuildVRT(files[0], files[1:], options=options))


def info(args, _):
    *options, source = args
    return gdal.InfoInternal(opened(source), gdal.GDALInfoOptions(options))


def transform(args, text):
    options, files = [], []
    words = iter([a for a in args if a not in ("-i", "-output_xy")])
    for word in words:
        name = {"-s_srs": "SRC_SRS", "-t_srs": "DST_SRS"}.get(word)
        if name is None:
            files.append(word)
        else:
            options.append(f"{name}={next(words)}")
    made = gdal.Transformer(opened(files[0]) if files else None, None, options)
    if made is None or made.this is None:
        raise Refused()
    out = []
    for line in text.splitlines():
        place = [float(v) for v in line.split()]
        ok, at = made.TransformPoint(int("-i" in args), place[0], place[1], place[2] if len(place) > 2 else 0.0)
        shown = at[:2] if "-output_xy" in args else at
        out.append(" ".join("%.15g" % v for v in shown) if ok else "transformation failed.")
    return "".join(line + "\n" for line in out)


PROGRAMS = {
    "gdal_translate": translate,
    "gdalwarp": warp,
    "gdalbuildvrt": build_vrt,
    "gdalinfo": info,
    "gdaltransform": transform,
}


def done(job):
    config, args = taken(job["args"], "--config", 2)
    before = [(name, gdal.GetConfigOption(name)) for name, _ in config]
    for name, value in config:
        gdal.SetConfigOption(name, value)
    try:
        return 0, PROGRAMS[job["program"]](args, job["input"])
    except Refused as refused:
        return 1, str(refused)
    finally:
        for name, value in before:
            gdal.SetConfigOption(name, value)


def main():
    answers = os.fdopen(os.dup(1), "w")
    said = tempfile.TemporaryFile()
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    print(json.dumps({"version": gdal.VersionInfo("--version")}), file=answers, flush=True)
    for line in sys.stdin:
        status, stdout = done(json.loads(line))
        sys.stderr.flush()
        said.seek(0)
        stderr = said.read().decode(errors="replace")
        said.seek(0)
        said.truncate()
        print(json.dumps({"status": status, "stdout": stdout, "stderr": stderr}), file=answers, flush=True)


main()
