#!/usr/bin/env python3
"""Does xarray read the same through our references as netCDF-C reads from netCDF classic files?

usage: with_netcdf3.py --bin PATH [--least N] [FILE|DIR ...]     (default: testdata/netcdf3)

For every file: `scan` (as it is, with --inline-threshold 0, and as Parquet) leaves nothing out but what REFUSED names, `verify` and
`dump` end well; all variables, coordinates, dimensions and attributes are those of xr.open_dataset(engine="netcdf4"), decoded and raw.
Values and dimensions are also those of engine="scipy", which has a reader of its own, of CDF-1 and CDF-2. A file that netCDF-C does not open,
h5refs complains of. Exit 1 on any difference, and where fewer than --least files were compared, or fewer than --least-scipy with scipy.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import kerchunk.utils
import numpy as np
import xarray as xr
import zarr

from values import same_values
from with_xarray import same_attribute

# File -> the file that has the same with the number of its records: netCDF-C knows no records that are streamed.
STREAMED = {"streamed.nc3": "several_records.nc3", "streamed_single.nc3": "single_record.nc3", "streamed_cdf5.nc3": "several_records_cdf5.nc3"}

# File -> variables that are refused: netCDF-C reads zeros where the file has ended.
REFUSED = {name: {"short", "time", "char"} for name in ("cut_off.nc3", "records_promised.nc3")}

OPTIONS = [[], ["--inline-threshold", "0"], ["--inline-threshold", "0", "--split-contiguous", "16"], ["--record-size", "2"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--least-scipy", type=int, default=0)
    parser.add_argument("paths", nargs="*", type=pathlib.Path, default=[pathlib.Path("testdata/netcdf3")])
    arguments = parser.parse_args()
    given = [f for p in arguments.paths for f in ([p] if p.is_file() else sorted(p.rglob("*")))]
    files = [f for f in given if f.is_file() and f.read_bytes()[:4] in (b"CDF\1", b"CDF\2", b"CDF\5")]
    problems, variables, by_scipy = [], 0, 0
    for file in files:
        found, compared, is_by_scipy = check(arguments.bin, file)
        problems += [f"{file}: {problem}" for problem in found]
        variables += compared
        by_scipy += is_by_scipy
    print(*problems, sep="\n")
    print(f"{len(files)} files, {variables} variables compared, {by_scipy} files with scipy too, {len(problems)} problems")
    if problems or len(files) < arguments.least or by_scipy < arguments.least_scipy or not variables:
        sys.exit(1)


def check(binary, file):
    source, truth = file.with_name(STREAMED.get(file.name, file.name)), {}
    for raw in (False, True):
        try:
            truth[raw] = opened(source, raw)
        except (OSError, ValueError) as error:
            # A time that xarray does not decode is compared raw.
            if raw:
                done = subprocess.run([binary, "scan", file], capture_output=True, check=False)
                return [] if done.returncode else [f"netCDF-C does not open it, and h5refs has no complaint: {error}"], 0, False
    scipy = of_scipy(source)
    refused, compared, problems = REFUSED.get(file.name, set()), 0, []
    with tempfile.TemporaryDirectory() as folder:
        for options in OPTIONS:
            out = pathlib.Path(folder, "refs.parq" if "--record-size" in options else "refs.json")
            problems += run([binary, "scan", file, "-o", out, *options], 3 if refused else 0, refused)
            if not out.exists():
                continue
            for raw, expected in truth.items():
                found = references(out, raw)
                problems += [f"{' '.join(options)}: {p}" for p in differences(found, named(expected).drop_vars(refused), raw)]
                compared += len(expected.variables) - len(refused)
                if raw and scipy is not None:
                    problems += [f"scipy: {p}" for p in other_values(found, named(scipy).drop_vars(refused))]
            if "--record-size" not in options:
                problems += run([binary, "verify", "-q", "--allow", file.parent, "--origin", file.absolute(), out], 0, set())
        problems += run([binary, "dump", file], 0, set())
    return problems, compared, scipy is not None


def of_scipy(file):
    try:
        dataset = opened(file, True, engine="scipy")
    except Exception:
        # CDF-5, and what ends early: its reader raises what Python raises.
        return None
    # It takes names for Latin-1.
    return dataset.rename({name: name.encode("latin-1").decode() for name in {*dataset.variables, *dataset.dims}})


def run(command, code, refused):
    """What is wrong with how a command ends, which must name each variable that is refused and nothing else."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    lines = {line.split(":")[0].strip("/") for line in done.stderr.splitlines() if line.startswith("/") and ": told as " not in line and ": its chunks are not split: " not in line}
    if done.returncode == code and lines == refused:
        return []
    return [f"{command[1]} {command[4:]}: exit {done.returncode}: {done.stderr[:300]}"]


def opened(file, raw, engine="netcdf4"):
    return xr.open_dataset(file, engine=engine, cache=False, **coding(raw)).load()


def references(out, raw):
    fs = kerchunk.utils.refs_as_store(str(out), read_only=True).fs
    store = zarr.storage.FsspecStore(fs, read_only=True)
    return xr.open_zarr(store, zarr_format=2, consolidated=False, chunks=None, **coding(raw)).load()


def named(dataset):
    """With the names that readers of references see: they take a backslash for a slash."""
    return dataset.rename({name: name.replace("\\", "%5C") for name in dataset.variables if "\\" in name})


def coding(raw):
    return {"decode_cf": False} if raw else {}


def differences(ours, truth, raw):
    """Whatever differs between two datasets."""
    if set(ours.variables) != set(truth.variables):
        yield f"variables {sorted(ours.variables)} instead of {sorted(truth.variables)}"
    if set(ours.coords) != set(truth.coords):
        yield f"coordinates {sorted(ours.coords)} instead of {sorted(truth.coords)}"
    yield from attributes("global", ours.attrs, truth.attrs)
    for name in set(ours.variables) & set(truth.variables):
        a, b = ours.variables[name], truth.variables[name]
        if a.dims != b.dims:
            yield f"{name}: dimensions {a.dims} instead of {b.dims}"
        why = same_values(a.values, b.values, exact=raw)
        if why:
            yield f"{name}: {why}"
        # Raw references have their fill value in the array's metadata.
        expected = {k: v for k, v in b.attrs.items() if not (raw and k == "_FillValue" and k not in a.attrs)}
        yield from attributes(name, a.attrs, expected)
        if raw and "_FillValue" in b.attrs and "_FillValue" not in a.attrs:
            fill = a.encoding.get("_FillValue")
            if fill is None or not np.array_equal(fill, b.attrs["_FillValue"], equal_nan=np.asarray(fill).dtype.kind == "f"):
                yield f"{name}: fill value {fill} instead of {b.attrs['_FillValue']}"


def other_values(ours, truth):
    """Whatever differs between the values and dimensions of two datasets."""
    for name in truth.variables:
        a, b = ours.variables[name], truth.variables[name]
        why = f"dimensions {a.dims} instead of {b.dims}" if a.dims != b.dims else same_values(a.values, b.values, exact=True)
        if why:
            yield f"{name}: {why}"


def attributes(where, ours, truth):
    if set(ours) != set(truth):
        yield f"{where}: attributes {sorted(ours)} instead of {sorted(truth)}"
    for name in set(ours) & set(truth):
        if not same_attribute(ours[name], truth[name]):
            yield f"{where}: {name} is {ours[name]!r} instead of {truth[name]!r}"


if __name__ == "__main__":
    main()
