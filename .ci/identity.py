"""Runs the judge of what xarray sees over many files, with groups that can be opened.

    identity.py --judge FOLDER --bin PROGRAM [--jobs N] [--out OUT.json] FILE_OR_FOLDER...

FOLDER holds the judge, `xr_identity.py`. It opens a group by `group=`, for which fsspec and zarr 3.1 give an empty dataset whoever made the
references (they ask for `//group`): here the references of a group are opened as a store that begins there, and the rest is the judge's. Records are compared leaf by leaf, by name, since
NumPy compares no records of other fields.
A variable that is not the same is told, with what the judge says and what xarray itself makes of the same variable once it was written to
Zarr v2 by xarray: where that differs from the file in the same way, no references can do better, and the variable is counted apart.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

from conformance import leaf_values

KINDS = ["variables", "same", "values", "dims", "attrs", "missing", "unreadable"]
OUTCOMES = ["all same", "differ", "not openable", "no references", "judge failed"]


def begins_at(references, group):
    """The references under a group."""
    prefix = group + "/"
    refs = references.get("refs", references)
    return {"version": 1, "refs": {key[len(prefix) :]: value for key, value in refs.items() if key.startswith(prefix)}}


def judged(judge, path, references):
    """In a process of its own: libhdf5 dies of some files."""
    sys.path.insert(0, judge)
    import xarray
    import xr_identity

    opened = xarray.open_dataset

    def open_dataset(source, *arguments, engine=None, group=None, **options):
        if engine == "kerchunk" and group:
            source, group = begins_at(source, group), None
        return opened(source, *arguments, engine=engine, group=group, **options)

    whole = xr_identity.same_values

    def same_values(native, through):
        if native.dtype.names is None or through.dtype.names is None:
            return whole(native, through)
        parts = [(name, values) for name, values in leaf_values(native, native.dtype) if name]
        return all(name in through.dtype.names and whole(values, through[name]) for name, values in parts)

    xarray.open_dataset, xr_identity.same_values = open_dataset, same_values
    sys.argv = ["xr_identity.py", path, references, "--verbose"]
    return xr_identity.main()


def through_zarr(judge, path, name):
    """Whether a variable that xarray itself wrote to Zarr v2, not decoded, reads otherwise than from the file."""
    sys.path.insert(0, judge)
    import warnings

    import xarray
    import xr_identity

    warnings.filterwarnings("ignore")
    group, _, name = name.rpartition("/")
    native = xr_identity.open_native(path, group or None)
    with tempfile.TemporaryDirectory() as folder:
        for engine in ("h5netcdf", "netcdf4"):
            try:
                raw = xarray.open_dataset(path, engine=engine, group=group or None, decode_cf=False)
                raw[[name]].to_zarr(folder, zarr_format=2, mode="w")
                break
            except Exception as error:
                last = error
        else:
            print(last)
            return 2
        again = xarray.open_zarr(folder, chunks=None)
        return 0 if xr_identity.same_values(native.variables[name].values, again.variables[name].values) else 1


def outcome(arguments, path):
    """What becomes of a file, the judge's numbers, and what it says."""
    own = [sys.executable, __file__, "--judge", arguments.judge, "--bin", arguments.bin]
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/r.json"
        try:
            subprocess.run([arguments.bin, "scan", path, "-o", out], capture_output=True, timeout=120)
            if not os.path.exists(out):
                return "no references", {}, []
            done = subprocess.run([*own, "--judged", out, path], capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            return "judge failed", {}, ["it takes more than 10 minutes"]
        lines = done.stdout.strip().splitlines()
        numbers = [int(number) for number in re.findall(r"(\d+) ", lines[-1])] if lines else []
        if done.returncode == 3:
            return "not openable", {}, []
        if len(numbers) != len(KINDS):
            return "judge failed", {}, done.stderr.splitlines()[-1:]
        told = []
        for line in lines[:-1]:
            found = re.match(r"/?(.*) values differ", line)
            if found:
                alone = subprocess.run([*own, "--through-zarr", found[1], path], capture_output=True, timeout=600)
                line += " (so does what xarray writes to Zarr)" if alone.returncode == 1 else ""
            told.append(line)
        return "all same" if done.returncode == 0 else "differ", dict(zip(KINDS, numbers)), told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out")
    parser.add_argument("--judged", help=argparse.SUPPRESS)
    parser.add_argument("--through-zarr", help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    if arguments.judged:
        return judged(arguments.judge, arguments.paths[0], arguments.judged)
    if arguments.through_zarr:
        return through_zarr(arguments.judge, arguments.paths[0], arguments.through_zarr)
    files = []
    for path in arguments.paths:
        walked = [os.path.join(base, name) for base, _, names in os.walk(path) for name in names]
        files += sorted(walked) if os.path.isdir(path) else [path]
    outcomes, sums, rows = collections.Counter(), collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for path, (verdict, numbers, told) in zip(files, pool.map(lambda path: outcome(arguments, path), files)):
            outcomes[verdict] += 1
            sums.update(numbers)
            rows.append({"path": path, "outcome": verdict, "numbers": numbers, "told": told})
            if verdict in ("differ", "judge failed"):
                print(verdict, path, *told, sep="\n    ", flush=True)
    if arguments.out:
        with open(arguments.out, "w") as out:
            json.dump(rows, out, indent=1)
    print("; ".join(f"{outcomes[name]} {name}" for name in OUTCOMES), f"of {len(files)} files")
    print(", ".join(f"{sums[kind]} {kind}" for kind in KINDS))
    return 1 if outcomes["differ"] or outcomes["judge failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
