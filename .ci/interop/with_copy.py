#!/usr/bin/env python3
"""Do xarray and zarr read a copied store as they read what it was copied from?

usage: with_copy.py --bin PATH [--testdata DIR] [-v] [FILE ...]

For every .h5 and .nc file under testdata that can be scanned: `PATH copy` of the file into a Zarr store, once as it is and once with
chunks that begin nowhere where the file's do, other codecs and little memory, and `PATH copy` of its references. zarr reads from each
store, without this program, what h5py's references give, bit for bit; the metadata are the same but for chunks and codecs; the
consolidated documents are those of the store; xarray opens it as it opens the references, and a netCDF file as netCDF4 opens that.
Then a store of many chunks is copied, killed at random moments, gone on with, and compared file by file with one that was not.
Exit 1 on any difference, and when less was compared than FLOOR says.
"""
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import fsspec
import h5py
import numpy as np
import xarray as xr
import zarr

from sweep import Sweep
from truth import LEFT_OUT
from values import chunk_count

warnings.simplefilter("ignore")
# What a full run compares at least, as seen.
FLOOR = {"arrays": 11900, "xarray": 690, "netcdf": 43, "killed": 3}
# Names that no file can have; and texts with bytes behind their first NUL, which references show only where chunks are not held inline.
LEFT = {"group/dense_filtered.h5", "group/dense_huge_name.h5", "datatype/text_after_nul.h5"}
# Chunks of a file, at most, missing ones among them: zarr takes minutes for more.
MOST = 2000
KILLS = 12


class Check(Sweep):
    floor = FLOOR
    left_out = frozenset({*LEFT_OUT, *LEFT})

    def sweep(self):
        super().sweep()
        with tempfile.TemporaryDirectory() as folder:
            self.killed(pathlib.Path(folder))

    def file(self, file, name, folder):
        refs = folder / "refs.json"
        self.run("scan", file, "-o", refs, "--inline-threshold", 0, codes=(0, 1, 3))
        if not refs.exists():
            self.left["not scanned"] += 1
            return
        documents = {key: json.loads(text) for key, text in json.loads(refs.read_text())["refs"].items() if key.endswith(".zarray")}
        if sum(chunk_count(array["shape"], array["chunks"]) for array in documents.values()) > MOST:
            self.left["of many chunks"] += 1
            return
        odd = [f"{key.removesuffix('.zarray').removesuffix('/')}={odd_chunks(array)}" for key, array in documents.items() if array["shape"] and "=" not in key]
        odd = [part for one in odd for part in ("--chunks", one)]
        ways = [
            ("as it is", file, []),
            ("in other chunks", file, [*odd, "--compressor", "zstd", "--shuffle", "--jobs", 3]),
            ("of its references", refs, ["--allow", file.parent, *odd, "--compressor", "none", "--memory", "200MB"]),
        ]
        truth = arrays(zarr.open_group(store(refs), mode="r", zarr_format=2, use_consolidated=False))
        for n, (way, source, more) in enumerate(ways):
            out = folder / f"{n}.zarr"
            done = self.run("copy", source, "-o", out, "--verify", "all", *more, codes=(0, 1, 3))
            if done.returncode == 1 and "copied" not in done.stderr and not out.exists():
                # What cannot be read here is refused by name.
                if "cannot be read" in done.stderr or "limit" in done.stderr:
                    self.left["refused"] += 1
                else:
                    self.differences.append(f"{name} {way}: {done.stderr.strip()}")
                continue
            self.store(f"{name} {way}", truth, out)
            self.dataset(f"{name} {way}", refs, out)
            if file.suffix == ".nc" and n == 1:
                self.netcdf(f"{name} {way}", file, out)

    def store(self, what, truth, out):
        """Values, fill values and attributes of all arrays, by the documents and by the consolidated ones."""
        for consolidated in (False, True):
            copied = arrays(zarr.open_group(str(out), mode="r", zarr_format=2, use_consolidated=consolidated))
            if truth.keys() - copied.keys():
                self.differences.append(f"{what}: arrays are missing: {truth.keys() - copied.keys()}")
            for path in truth.keys() & copied.keys():
                one, other = truth[path], copied[path]
                same = one.shape == other.shape and one.dtype == other.dtype and dict(one.attrs) == dict(other.attrs)
                if not same or repr(one.fill_value) != repr(other.fill_value):
                    self.differences.append(f"{what}: {path}: other metadata")
                elif values(one) != values(other):
                    self.differences.append(f"{what}: {path}: other values")
                else:
                    self.compared["arrays"] += 1

    def dataset(self, what, refs, out):
        before = opened(lambda: xr.open_dataset(store(refs), engine="zarr", consolidated=False, chunks=None))
        after = opened(lambda: xr.open_dataset(str(out), engine="zarr", chunks=None))
        if before is None:
            return
        if after is None or not before.identical(after):
            self.differences.append(f"{what}: xarray opens another dataset")
        else:
            self.compared["xarray"] += 1

    def netcdf(self, what, file, out):
        before, after = (opened(lambda: xr.open_dataset(file, engine="netcdf4")), opened(lambda: xr.open_dataset(str(out), engine="zarr")))
        if before is None or after is None:
            return
        for name in before.variables:
            # Strings and what netCDF4 masks with its default fill values are held against h5py elsewhere.
            if name in after.variables and before[name].dtype.kind in "iufM" and before[name].dtype == after[name].dtype:
                one, other = before[name].values, after[name].values
                if one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind in "fM"):
                    self.compared["netcdf"] += 1
                else:
                    self.differences.append(f"{what}: {name}: other values than netCDF4's")

    def killed(self, folder):
        """A copy that is killed at random moments and gone on with is the copy that was not, file by file."""
        file = folder / "maps.nc"
        numbers = np.random.default_rng(3)
        with h5py.File(file, "w") as f:
            data = f.create_dataset("maps", (400, 90, 110), "f4", chunks=(1, 90, 110), compression="gzip", fillvalue=-1)
            for n in range(400):
                data[n] = numbers.integers(0, 900, (90, 110)) if n % 7 else -1
        more = ["--chunks", "maps=25x31x9", "--memory", "12MB", "--level", "6"]
        self.run("copy", file, "-o", folder / "whole.zarr", *more)
        whole = contents(folder / "whole.zarr")
        chosen, out = random.Random(5), folder / "out.zarr"
        began = time.monotonic()
        self.run("copy", file, "-o", folder / "timed.zarr", *more)
        takes = time.monotonic() - began
        for _ in range(KILLS):
            if out.exists():
                break
            run = subprocess.Popen([self.options.bin, "copy", str(file), "-o", str(out), "--resume", *more], stderr=subprocess.DEVNULL)
            time.sleep(chosen.uniform(0.1, 0.6) * takes)
            run.send_signal(chosen.choice([signal.SIGKILL, signal.SIGTERM]))
            if run.wait() != 0:
                self.compared["killed"] += 1
                if out.exists() and not (out / ".zmetadata").exists():
                    self.differences.append("a killed copy left a store without its documents")
        self.run("copy", file, "-o", out, "--resume", "--verify", "all", *more)
        if contents(out) != whole or contents(folder / "timed.zarr") != whole:
            self.differences.append("a copy that was killed and gone on with is another")
        left = sorted(path.name for path in folder.iterdir() if "h5refs" in path.name)
        if left:
            self.differences.append(f"something is left: {left}")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def store(refs):
    files = fsspec.filesystem("reference", fo=str(refs), asynchronous=True, remote_protocol="file", remote_options={"asynchronous": True})
    return zarr.storage.FsspecStore(files, read_only=True)


def opened(opens):
    try:
        return opens().load()
    except Exception:
        return None


def arrays(group):
    found = {}
    for path, member in group.members(max_depth=None):
        if isinstance(member, zarr.Array):
            found[path] = member
    return found


def values(array):
    try:
        read = np.asarray(array[...])
    except Exception as error:
        return type(error)
    return read.tolist() if read.dtype.kind in "OT" else (read.dtype.str, read.shape, read.tobytes())


def odd_chunks(array):
    """Chunks that begin nowhere where the file's do."""
    return "x".join(str(max(1, min(size, chunk * 2 // 3 + 1))) for size, chunk in zip(array["shape"], array["chunks"]))


if __name__ == "__main__":
    sys.exit(Check.main())
