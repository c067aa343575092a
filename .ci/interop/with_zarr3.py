#!/usr/bin/env python3
"""Do references with documents of Zarr v3 read as those of Zarr v2 do?

usage: with_zarr3.py --bin PATH [FILE ...]     (default: every file of testdata)

For every file: `scan --zarr-format 3`, also with --zmetadata, gives the arrays, values, attributes and dimensions of `scan`, through
zarr, and what is masked is the same through xarray; or it is refused for a type that REFUSED names. Texts are not masked: xarray has no way to say it. What `scan` gives is held against
the files themselves by with_xarray.py and with_netcdf3.py.
"""
import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import fsspec
import numpy as np
import xarray as xr
import zarr

from values import MOST_CHUNKS, chunk_count

# Words of each refusal.
REFUSED = ["has big-endian fields", "objects by the codec"]
LEAST_FILES, LEAST_ARRAYS, MOST_REFUSED = 240, 2000, 25


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    files = arguments.files or sorted(f for f in pathlib.Path("testdata").glob("*/*") if f.suffix in (".h5", ".nc", ".nc3"))
    problems, arrays, refused = [], 0, 0
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        checked = list(pool.map(functools.partial(check, arguments.bin), files))
    for file, (found, compared) in zip(files, checked):
        problems += [f"{file}: {problem}" for problem in found]
        arrays += compared or 0
        refused += compared is None
    print(*problems, sep="\n")
    print(f"{len(files)} files, {refused} refused, {arrays} arrays compared, {len(problems)} problems")
    too_few = not arguments.files and (len(files) < LEAST_FILES or arrays < LEAST_ARRAYS or refused > MOST_REFUSED)
    sys.exit(bool(problems or too_few))


def check(binary, file):
    with tempfile.TemporaryDirectory() as folder:
        two, three = (pathlib.Path(folder, name) for name in ("two.json", "three.json"))
        scan(binary, file, two)
        if not two.exists():
            return [], 0
        for options in ([], ["--zmetadata"]):
            error = scan(binary, file, three, "--zarr-format", "3", *options)
            if not three.exists():
                return ([], None) if any(words in error for words in REFUSED) else ([error], 0)
            problems, compared = compare(two, three)
            if problems:
                return problems, compared
        return [], compared


def scan(binary, file, out, *options):
    out.unlink(missing_ok=True)
    done = subprocess.run([binary, "scan", file, "-o", out, "-q", *options], capture_output=True, text=True, check=False)
    return done.stderr.strip()


def store(refs):
    fs = fsspec.filesystem("reference", fo=str(refs), asynchronous=True, remote_protocol="file", remote_options={"asynchronous": True})
    return zarr.storage.FsspecStore(fs, read_only=True)


def compare(two, three):
    group = zarr.open_group(store(three), mode="r", zarr_format=3)
    described = json.loads(two.read_text())["refs"]
    paths = [key.removesuffix("/.zarray") for key in described if key.endswith("/.zarray")]
    old, problems = zarr.open_group(store(two), mode="r", zarr_format=2), []
    compared = 0
    for path in paths:
        a, b = group[path], old[path]
        attributes = dict(b.attrs)
        names = tuple(attributes.pop("_ARRAY_DIMENSIONS", ()))
        found = {name: value for name, value in a.attrs.items() if name != "_FillValue"}
        attributes.pop("_FillValue", None)
        if (a.metadata.dimension_names or ()) != names or json.dumps(found) != json.dumps(attributes):
            problems.append(f"{path}: {a.metadata.dimension_names} {found} instead of {names} {attributes}")
        if is_of_many_chunks(b):
            continue
        try:
            expected = np.asarray(b[...])
        except Exception:  # noqa: BLE001 (told by with_xarray.py)
            continue
        values, compared = np.asarray(a[...]), compared + 1
        if expected.dtype.kind == "O":
            values, expected = values.astype(str), expected.astype(str)
        if values.shape != expected.shape or values.astype(expected.dtype).tobytes() != expected.tobytes():
            problems.append(f"{path}: {values.ravel()[:3]} instead of {expected.ravel()[:3]}")
    groups = {""} | {path.rpartition("/")[0] for path in paths}
    return problems + [p for g in sorted(groups) for p in masked(two, three, g)], compared


def is_of_many_chunks(array):
    return chunk_count(array.shape, array.chunks) > MOST_CHUNKS


def masked(two, three, group):
    """Whether xarray masks the same."""
    arrays = zarr.open_group(store(two), path=group, mode="r", zarr_format=2)
    left = [name for name, array in arrays.arrays() if is_of_many_chunks(array)]
    try:
        expected = xr.open_zarr(store(two), group=group, zarr_format=2, consolidated=False, chunks=None, decode_times=False, drop_variables=left)
        expected.load()
    except Exception:  # noqa: BLE001 (told by with_xarray.py)
        return
    try:
        found = xr.open_zarr(store(three), group=group, zarr_format=3, consolidated=False, chunks=None, decode_times=False)
    except Exception as error:  # noqa: BLE001 (it is the finding)
        yield f"{group}: xarray does not open it: {error}"
        return
    for name in expected.variables:
        a, b = found[name].values, expected[name].values
        if b.dtype.kind == "f" and a.dtype.kind == "f" and not np.array_equal(np.isnan(a.astype("f8")), np.isnan(b)):
            yield f"{group}/{name}: masked otherwise"


if __name__ == "__main__":
    main()
