"""Sets of references in Parquet as kerchunk, fsspec, pandas, fastparquet and pyarrow write them: testdata/parquet/<case>/.

`expected.json` is {"pyarrow": version, "missing_records": [files that are not there], "refs": {chunk's key: [url] | [url, offset, size] |
"base64:.."}}: the rows as pyarrow reads them, by fsspec's rules, and never as h5refs does. It must be what was written.
"""
import base64
import itertools
import json
import math
import os
import shutil

CASES = {}


def case(write):
    CASES[write.__name__] = write
    return write


URL = "s3://bucket/{}.nc"


def zarray(shape, chunks, fill=0):
    return {"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "<f4", "compressor": None, "filters": [{"id": "zlib", "level": 1}],
            "fill_value": fill, "order": "C"}  # fmt: skip


def table(rows):
    """Columns of rows: a reference, bytes, or None."""
    import pyarrow as pa

    def column(n, kind, default):
        return [row[n] if isinstance(row, list) and n < len(row) else default for row in rows]

    raw = [row if isinstance(row, bytes) else None for row in rows]
    return pa.table({
        "path": pa.array(column(0, list, None), pa.string()),
        "offset": pa.array(column(1, list, 0), pa.int64()),
        "size": pa.array(column(2, list, 0), pa.int64()),
        "raw": pa.array(raw, pa.binary()),
    })  # fmt: skip


# a range, a whole file, nothing, bytes in base64, no bytes, far away, and the first file again
ROWS = [[URL.format("a"), 4096, 17], [URL.format("b")], None, b"base64:AP8=", b"", [URL.format("c"), 1 << 40, 3], [URL.format("a"), 0, 9]]
RANGES = [[URL.format("a"), 4096 + n, 17 + n] for n in range(7)]
BYTES = [bytes([n]) * (n + 1) for n in range(7)]


def leave():
    """The folder, which is made anew by those who want it so."""
    folder = os.getcwd()
    os.chdir("..")
    return folder


class Set:
    """A folder in which arrays of one record file each are written."""

    def __init__(self):
        self.metadata, self.refs = {".zgroup": {"zarr_format": 2}}, {}

    def array(self, name, write, rows=ROWS):
        self.metadata[f"{name}/.zarray"] = zarray([len(rows)], [1])
        self.metadata[f"{name}/.zattrs"] = {"_ARRAY_DIMENSIONS": ["x"]}
        self.refs.update({f"{name}/{n}": row for n, row in enumerate(rows) if row is not None})
        os.makedirs(name)
        write(f"{name}/refs.0.parq")

    def end(self, record_size=7):
        with open(".zmetadata", "w", encoding="utf-8") as f:
            json.dump({"metadata": self.metadata, "record_size": record_size}, f)
        return self.refs


@case
def pyarrow_pages():
    """Each compression, version of pages, and encoding."""
    import pyarrow.parquet as pq

    made = Set()
    for codec, version, dictionary in itertools.product(("none", "snappy", "gzip", "zstd"), ("1.0", "2.0"), (True, False)):
        name = f"{codec}_v{version[0]}_{'dictionary' if dictionary else 'plain'}"
        made.array(name, lambda f: pq.write_table(table(ROWS), f, compression=codec, data_page_version=version, use_dictionary=dictionary))
    return made.end()


@case
def pyarrow_columns():
    """Other types, orders and numbers of columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made, whole = Set(), table(ROWS)
    made.array("ranges", lambda f: pq.write_table(table(RANGES).select(["path", "offset", "size"]), f), RANGES)
    made.array("bytes", lambda f: pq.write_table(table(BYTES).select(["raw"]), f), BYTES)
    made.array("other_order", lambda f: pq.write_table(whole.select(["raw", "size", "path", "offset"]), f))
    required = pa.schema([pa.field("path", pa.string()), pa.field("offset", pa.int64(), False), pa.field("size", pa.int64(), False), pa.field("raw", pa.binary())])
    made.array("required", lambda f: pq.write_table(whole.cast(required), f))
    large = pa.schema([("path", pa.large_string()), ("offset", pa.int32()), ("size", pa.int32()), ("raw", pa.large_binary())])
    made.array("other_types", lambda f: pq.write_table(table(ROWS[:5]).cast(large), f), ROWS[:5])
    made.array("no_type", lambda f: pq.write_table(table(RANGES).set_column(3, "raw", pa.nulls(7)), f), RANGES)
    more = whole.append_column("place", pa.array([{"x": n, "y": [n]} for n in range(7)])).append_column("n", pa.array(range(7)))
    made.array("more_columns", lambda f: pq.write_table(more.select(["place", "path", "n", "offset", "size", "raw"]), f))
    categories = whole.set_column(0, "path", whole["path"].combine_chunks().dictionary_encode())
    made.array("categories", lambda f: pq.write_table(categories, f))
    made.array("groups", lambda f: pq.write_table(whole, f, row_group_size=2))
    made.array("small_pages", lambda f: pq.write_table(whole, f, data_page_size=1, write_batch_size=1, dictionary_pagesize_limit=16))
    made.array("checksums", lambda f: pq.write_table(whole, f, write_page_checksum=True, write_page_index=True))
    return made.end()


@case
def pandas_engines():
    """As fsspec writes with either engine, and with an index."""
    import pandas as pd

    made = Set()

    def frame(rows):
        return table(rows).to_pandas()

    def fast(compression):
        options = {"stats": False, "object_encoding": {"raw": "bytes", "path": "utf8"}, "has_nulls": ["path", "raw"]}
        return lambda f: frame(ROWS).to_parquet(f, engine="fastparquet", compression=compression, index=False, **options)

    for compression in ("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"):
        made.array("fastparquet_" + compression.lower(), fast(compression))

    def category(f):
        f_ = frame(ROWS)
        f_["path"] = f_["path"].astype("category")
        f_.to_parquet(f, engine="fastparquet", compression="zstd", index=False, object_encoding={"raw": "bytes"}, has_nulls=["path", "raw"])

    made.array("fastparquet_category", category)
    made.array("pyarrow_zstd", lambda f: frame(ROWS).to_parquet(f, engine="pyarrow", compression="zstd", index=False, write_statistics=False))
    made.array("pyarrow_index", lambda f: frame(ROWS).set_index(pd.Index(list("abcdefg"))).to_parquet(f, engine="pyarrow"))
    return made.end()


@case
def kerchunk():
    """kerchunk.df: several record files, padded; categories; a group; an array without dimensions; one without references; a bare NaN."""
    from kerchunk.df import refs_to_dataframe

    def text(document):
        return json.dumps(document)

    refs = {
        ".zgroup": text({"zarr_format": 2}),
        ".zattrs": text({"title": "é", "z": 1, "a": [1.5, 2]}),
        "g/.zgroup": text({"zarr_format": 2}),
        "g/a/.zarray": text(zarray([5, 9], [2, 2], math.nan)),
        "g/a/.zattrs": text({"_ARRAY_DIMENSIONS": ["y", "x"], "missing_value": math.nan}),
        "none/.zarray": text(zarray([3], [1])),
        "none/.zattrs": text({"_ARRAY_DIMENSIONS": ["n"]}),
        "scalar/.zarray": text(zarray([], [])),
        "scalar/.zattrs": text({"_ARRAY_DIMENSIONS": []}),
        "scalar/0": "base64:" + base64.b64encode(b"\0\1").decode(),
        "v/.zarray": text(zarray([40], [1])),
        "v/.zattrs": text({"_ARRAY_DIMENSIONS": ["x"]}),
    }
    refs |= {f"g/a/{n // 5}.{n % 5}": row for n, row in enumerate(ROWS[:2] + [None] + RANGES + [None, [URL.format("z")]]) if row}
    refs["g/a/2.4"] = "text"
    refs |= {f"v/{n}": [URL.format("v"), 100 * n, 100] for n in range(40) if n != 12}
    folder = leave()
    refs_to_dataframe(dict(refs), folder, record_size=24)
    os.chdir(folder)
    chunks = {key: ref for key, ref in refs.items() if "/.z" not in key and not key.startswith(".z")}
    return chunks | {"scalar/0": b"\0\1", "g/a/2.4": b"text"}


@case
def mapper():
    """LazyReferenceMapper: references that are changed and deleted after they were written."""
    from fsspec.implementations.reference import LazyReferenceMapper

    folder = leave()
    out = LazyReferenceMapper.create(folder, record_size=5)
    os.chdir(folder)
    out[".zgroup"] = json.dumps({"zarr_format": 2})
    out["a/.zarray"] = json.dumps(zarray([12], [1]))
    out["a/.zattrs"] = json.dumps({"_ARRAY_DIMENSIONS": ["x"]})
    refs = {f"a/{n}": [URL.format(n % 3), 10 * n, 10] for n in range(12)}
    for key, ref in refs.items():
        out[key] = ref
    out.flush()
    out = LazyReferenceMapper(folder)
    out["a/1"] = refs["a/1"] = [URL.format("new")]
    out["a/6"] = refs["a/6"] = b"bytes"
    del out["a/7"], refs["a/7"]
    out["a/1"] = [URL.format("new"), 0, 0]
    out.flush()
    return refs


def rows_of(file):
    """Rows as pyarrow reads them."""
    import pyarrow.parquet as pq

    for row in pq.ParquetFile(file).read().to_pylist():
        path, place = row.get("path"), [row.get("offset"), row.get("size")]
        if row.get("raw") is not None:
            yield row["raw"]
        elif path is None:
            yield None
        else:
            yield [path] if place == [0, 0] else [path, *place]


def read():
    """The references of the set here, and the record files that are not."""
    with open(".zmetadata", encoding="utf-8") as f:
        document = json.load(f)
    size, refs, missing = document["record_size"], {}, []
    for key in document["metadata"]:
        if not key.endswith("/.zarray"):
            continue
        array = document["metadata"][key]
        grid = [-(-n // c) for n, c in zip(array["shape"], array["chunks"])]
        places = list(itertools.product(*map(range, grid)))
        for n in range(-(-len(places) // size)):
            file = f"{key.removesuffix('/.zarray')}/refs.{n}.parq"
            if not os.path.exists(file):
                missing.append(file)
                continue
            rows = list(rows_of(file))
            for place, row in zip(places[n * size :], rows):
                name = ".".join(map(str, place)) or "0"
                refs[f"{key.removesuffix('.zarray')}{name}"] = row
            assert all(row is None for row in rows[len(places) - n * size :]), file
    return {key: row for key, row in refs.items() if row is not None}, missing


def told(row):
    if not isinstance(row, bytes):
        return row
    # as fsspec has it, in `ReferenceFileSystem._cat_common`
    row = base64.b64decode(row.removeprefix(b"base64:"), validate=True) if row.startswith(b"base64:") else row
    return "base64:" + base64.b64encode(row).decode()


def write_all(out, only):
    for name, write in CASES.items():
        if only and not any(o in ("parquet", f"parquet/{name}") for o in only):
            continue
        import pyarrow

        folder = os.path.join(out, "parquet", name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.chdir(folder)
        written = write()
        found, missing = read()
        assert found == written, (name, {k: (found.get(k), written.get(k)) for k in found.keys() | written.keys() if found.get(k) != written.get(k)})
        refs = {key: told(row) for key, row in sorted(found.items())}
        with open("expected.json", "w", encoding="utf-8") as f:
            lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in refs.items())
            f.write(f'{{\n "pyarrow": "{pyarrow.__version__}",\n "missing_records": {json.dumps(missing)},\n "refs": {{\n{lines}\n }}\n}}\n')
        print(f"{sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk('.') for f in fs):8} parquet/{name}")
