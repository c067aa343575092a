#!/usr/bin/env python3
"""Do xarray and zarr read edited references as they read those that were edited?

usage: with_edited.py --bin PATH [--testdata DIR] [-v] [FILE ...]

For every .h5 and .nc file under testdata that can be scanned: `PATH scan FILE -o REFS.json --inline-threshold 0`, and from REFS.json
  1. `convert` to .json.gz, .json.zst, version 0, templates, --zmetadata (opened consolidated, too) and Parquet;
  2. `rename` to another folder in which the same file lies;
  3. `subchunk` of every array without filters into pieces of at most 40 bytes, or of one element;
  4. `inline --threshold` and `inline --merge '*'`.
zarr reads from each what it reads from REFS.json, byte for byte; xarray opens the root of each as
it opens that of REFS.json. Exit 1 on any difference, and when less was compared than FLOOR says.
"""
import json
import shutil
import sys
import warnings

import fsspec
import numpy as np
import xarray as xr
import zarr

from sweep import Sweep
from values import chunk_count

warnings.simplefilter("ignore")
# What a full run compares at least, as seen: arrays of each kind of edit.
FLOOR = {"convert": 14802, "rename": 1514, "subchunk": 2328, "inline": 4934, "xarray": 2524}
# Names that no folder of Parquet can have.
LONG_NAMES = {"group/dense_filtered.h5", "group/dense_huge_name.h5"}
SMALL = 40
# Chunks of a file, at most, missing ones among them: zarr takes minutes for more, and the library's own tests split those, too.
MOST = 2000


class Check(Sweep):
    floor = FLOOR

    def file(self, file, name, folder):
        refs = folder / "refs.json"
        self.run("scan", file, "-o", refs, "--inline-threshold", 0, codes=(0, 1, 3))
        if not refs.exists():
            self.left["not scanned"] += 1
            return
        if chunks(refs) > MOST:
            self.left["of many chunks"] += 1
            return
        before = values(refs)
        self.converted(refs, before, name, folder)
        self.renamed(file, refs, before, name, folder)
        self.subchunked(refs, before, name, folder)
        for n, how in enumerate((["--threshold", 1 << 20], ["--merge", "*"]) if before else ()):
            out = folder / f"inline{n}.json"
            if self.run("inline", refs, *how, "--allow", file.parent, "-o", out).returncode == 0:
                self.same("inline", f"{name} {how}", before, values(out))
                self.same_dataset(f"{name} {how}", refs, str(out))

    def converted(self, refs, before, name, folder):
        forms = [("a.json", []), ("a.json.gz", []), ("a.json.zst", []), ("b.json", ["--json-version", "0"]), ("c.json", ["--template", "u"]), ("d.json", ["--zmetadata"])]
        if name not in LONG_NAMES:
            forms.append(("a.parq", []))
        for form, more in forms:
            out = folder / form
            if self.run("convert", refs, "-o", out, *more).returncode:
                continue
            what = f"{name} {form} {more}"
            compression = {".gz": "gzip", ".zst": "zstd"}.get(out.suffix)
            target = {"target_options": {"compression": compression}} if compression else {}
            if form == "a.parq":
                target = {"remote_protocol": "file"}
            else:
                self.same("convert", what, before, values(out, **target))
            self.same_dataset(what, refs, str(out), **target)
            if "--zmetadata" in more:
                self.same_dataset(what, refs, str(out), consolidated=True)

    def renamed(self, file, refs, before, name, folder):
        (folder / "moved").mkdir()
        for other in file.parent.glob(f"{file.stem}*"):
            if other.is_file():
                shutil.copy(other, folder / "moved")
        done = self.run("rename", refs, "--prefix", f"{file.parent}={folder / 'moved'}", "-o", folder / "renamed.json", codes=(0, 3))
        moved = (folder / "renamed.json").read_text()
        if done.returncode == 0 and str(file.parent) not in moved:
            self.same("rename", name, before, values(folder / "renamed.json"))

    def subchunked(self, refs, before, name, folder):
        documents = json.loads(refs.read_text())["refs"]
        splits = []
        for key in [key for key in documents if key.endswith("/.zarray")]:
            array = json.loads(documents[key])
            if not array["filters"] and not array["compressor"] and array["order"] == "C":
                splits.append(f"{key.removesuffix('/.zarray')}={max(SMALL, itemsize(array['dtype']))}B")
        out = folder / "split.json"
        if splits and self.run("subchunk", refs, *splits, "-o", out).returncode == 0:
            self.same("subchunk", name, before, values(out))
            self.same_dataset(f"{name} subchunk", refs, str(out))

    def same(self, kind, what, before, after):
        if before.keys() != after.keys():
            self.differences.append(f"{what}: other arrays: {before.keys() ^ after.keys()}")
        for path in before.keys() & after.keys():
            counted = self.left if isinstance(before[path], Raised) else self.compared
            counted[kind] += 1
            if before[path] != after[path]:
                self.differences.append(f"{what}: {path} is {after[path]!r:.200}, and was {before[path]!r:.200}")
        if self.options.verbose:
            print(kind, what, len(after))

    def same_dataset(self, what, before, after, consolidated=False, **target):
        try:
            expected = content(dataset(before, False))
        except Exception:
            self.left["not opened by xarray as it was"] += 1  # arrays without names of dimensions, say
            return
        try:
            found = content(dataset(after, consolidated, **target))
            self.compared["xarray"] += 1
            if expected != found:
                self.differences.append(f"{what}: xarray reads {found!s:.300}, and {expected!s:.300}")
        except Exception as error:
            self.differences.append(f"{what}: xarray: {error!r}")


def dataset(refs, consolidated, **target):
    options = {"consolidated": consolidated, "storage_options": {"fo": str(refs), **target}}
    return xr.open_dataset("reference://", engine="zarr", cache=False, backend_kwargs=options)


def content(dataset):
    """Names, dimensions, types, attributes and bytes: xarray itself takes structures with NaN for different from themselves."""
    told = {None: repr(sorted(dataset.attrs.items()))}
    for name, variable in dataset.variables.items():
        values = variable.values
        data = [repr(value) for value in values.ravel().tolist()] if "StringDType" in str(values.dtype) or values.dtype.hasobject else values.tobytes()
        told[name] = (variable.dims, str(values.dtype), values.shape, repr(sorted(variable.attrs.items())), data)
    return told


def chunks(refs):
    """How many chunks the arrays have, missing ones among them."""
    documents = json.loads(refs.read_text())["refs"]
    arrays = [json.loads(text) for key, text in documents.items() if key.endswith(".zarray")]
    return sum(chunk_count(array["shape"], array["chunks"]) for array in arrays)


def itemsize(dtype):
    return np.dtype([tuple(field) for field in dtype] if isinstance(dtype, list) else dtype).itemsize


class Raised(str):
    """What reading an array raises. It shall stay the same, but nothing is compared."""


def values(refs, **target):
    """Every array: type, shape and bytes, or what reading it raises."""
    root = zarr.open_group("reference://", storage_options={"fo": str(refs), **target}, mode="r", zarr_format=2)
    found = {}
    keys = fsspec.filesystem("reference", fo=str(refs), skip_instance_cache=True, **target).references
    for key in keys:
        if key.endswith(".zarray"):
            path = key.removesuffix(".zarray").rstrip("/")
            try:
                array = np.asarray(root[path][...])
                data = array.tolist() if array.dtype.hasobject else array.tobytes()
                found[path] = (str(array.dtype), array.shape, data)
            except Exception as error:
                # What it says of places is another matter.
                found[path] = Raised(type(error).__name__)
    return found


if __name__ == "__main__":
    sys.exit(Check.main())
