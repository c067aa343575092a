#!/usr/bin/env python3
"""Do xarray and zarr read the same through our references as xarray and h5py read from the file?

usage: with_xarray.py --bin PATH [--testdata DIR] [--keep DIR] [-v] [FILE ...]

For every .h5 and .nc file under testdata, and every family of files there:
  1. `PATH scan FILE -o REFS.json --report REPORT.json`, with exactly the refusals that REFUSED names;
  2. REFS.json is strict JSON, complete, and refers to bytes that exist;
  3. zarr reads from it what h5py reads from FILE, for every dataset; attributes too;
  4. xarray opens every group of it as it opens FILE, for every group of a FILE that xarray can open;
  5. the same references in Parquet hold the same for fsspec (with fastparquet), pyarrow and xarray;
  and all of it again with `--inline-threshold 0`, so that ranges are read where the default inlines small chunks,
  with `--unsupported sidecar --repair-bytes 0`, so that whatever no reference expresses is read from a sidecar file,
  with `--codecs imagecodecs`, whose codecs are registered here, and with `--external-root` where EXTERNAL says so.
Files go over processes (--jobs). A set of references that is one compared already, byte for byte in JSON and in Parquet, is not compared
again; it counts as compared.
Exit 1 on any difference, and when less was compared than FLOOR says.
"""
import argparse
import base64
import collections
import functools
import json
import math
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import warnings

from truth import dimension_only, members, objects_of, open_hdf5, padded, read, sources, told_as
from values import MOST_CHUNKS, chunk_counts, is_text, same_values, text

import fsspec
import h5py
import hdf5plugin  # noqa: F401 (filters for h5py; before netCDF4, whose own would disturb it)
import imagecodecs.numcodecs
import kerchunk.utils
import numpy as np
import pyarrow.parquet
import xarray as xr
import zarr
from fsspec.implementations.reference import LazyReferenceMapper

# What can't be told as Zarr v2 for numcodecs: file -> {path: words of the reason, compared without regard to case}; `*` is every
# dataset of a group.
# Anything refused that is not here is a failure, and so is anything here that is not refused.
REFUSED = {
    "data_layout/external.h5": {"/d": "external"},
    "data_layout/external_torn.h5": {"/d": "external"},
    "data_layout/virtual.h5": {"/d": "--external-root"},
    "data_layout/virtual_numbered.h5": {"/numbered": "--external-root", "/halves": "--external-root", "/moved": "--external-root"},
    "data_layout/virtual_refused.h5": {
        "/no_shots": "not there",
        "/no_source": "no such dataset",
        "/of_itself": "itself virtual",
        "/of_virtual": "itself virtual",
        "/other_file": "--external-root",
        "/other_type": "another datatype",
        "/strings": "variable length",
    },
    "data_layout/virtual_lost.h5": {"/d": "--external-root"},
    "data_layout/virtual_sparse.h5": {"/d": "whole chunks"},
    "dataspace/null.h5": {"/d": "null dataspace"},
    "dataspace/null_v2.h5": {"/d": "null dataspace"},
    "datatype/long_double.h5": {"/d": "float", "/quad": "float"},
    "datatype/time.h5": {"/d": "time"},
    "datatype/vlen_integers.h5": {"/d": "variable-length"},
    "datatype/wide_record.h5": {"/d": "too many to be held inline"},
    "group/external_links_target.h5": {"/refused": "time"},
    # libhdf5 doesn't store what was written
    "filter/nbit_records.h5": {"/lost": "nbit stream of members after an array of records"},
    "filter/registered.h5": {
        "/sz": "32017 (sz)",
    },
    "filter/unknown.h5": {"/applied": "filter 499"},
    "kerchunk/vlen_latin1.h5": {"/d": "text that is not UTF-8"},
}

# What REFUSED names and a sidecar file holds.
HELD_IN_SIDECAR = {"data_layout/virtual_sparse.h5": {"/d"}, "datatype/wide_record.h5": {"/d"}}

# What stays refused for a reason of its own, where reading was tried.
OTHER_REASON_WITH_SIDECAR = {
    "data_layout/virtual_refused.h5": {"/no_shots": "another extent", "/of_itself": "source of itself", "/of_virtual": "no such dataset"},
}

# Attributes that are not told as they are, or not at all; their objects are: file -> {path: [words of each reason]}.
ATTRIBUTES = {
    "attribute/not_utf8.h5": {"/d": ['"list": text that is not UTF-8', '"na\ufffdve": a name', '"units": text', '"variable": text']},
    "attribute/strings.h5": {"/": ['"latin1": text that is not UTF-8']},
    "attribute/strings_v3.h5": {"/": ['"latin1": text that is not UTF-8']},
    "fill_value/record_attribute.h5": {"/d": ['"_FillValue": a record']},
    "datatype/enum_flags.h5": {"/alike": ['"flag_meanings": the names of the enumeration\'s members']},
}

# Files with names that are too long for the folders of Parquet.
NOT_AS_FOLDERS = {"group/dense_filtered.h5", "group/dense_huge_name.h5"}

# Files in which a dimension's name has another length where a link brings it in, so that it is told otherwise.
RENAMED = {"group/dimensions_by_links.h5"}

# Read once more with --external-root, and then nothing is refused: what they refer to lies in other files of their folder.
EXTERNAL = {"data_layout/external.h5", "data_layout/external_torn.h5", "data_layout/virtual.h5", "data_layout/virtual_numbered.h5"}

# Files whose differences are known and not mended yet.
LEFT_OUT = {
    "datatype/text_after_nul.h5": "bytes behind the first NUL are seen in chunks that are only referenced (README); verify finds them",
}

# The least that a full run compares; raise it with every file added.
FLOOR = {
    "files": 247,
    "datasets": 9900,
    "attributes": 2600,
    "ranges": 26300,
    "inline chunks": 15400,
    "groups in xarray": 1130,
    "variables in xarray": 9770,
    "references in Parquet": 41300,
    "variables through Parquet": 8100,
    "sidecar files": 64,
    "codecs of imagecodecs": 91,
}

# A line of more than MOST_CHUNKS is read only where chunks are stored, in the file or in the references, beside these, and at so many places between.
PLACES = 1_000

# Files that xarray itself can't open, so that only h5py is the judge.
NOT_FOR_XARRAY = {
    "attribute/references.h5": "h5netcdf takes a reference for a list",
    "datatype/committed.h5": "h5netcdf wants netCDF's own committed types",
    "datatype/committed_v2.h5": "h5netcdf wants netCDF's own committed types",
    "datatype/compound.h5": "xarray reads no records with big-endian members",
    "datatype/compound_decoded.h5": "xarray reads no records with big-endian members",
    "datatype/compound_v3.h5": "xarray reads no records with big-endian members",
    "datatype/long_double.h5": "h5py has no quadruple precision",
    "datatype/odd_size.h5": "h5py has no integers of 3 bytes",
    "datatype/opaque.h5": "h5py converts no opaque type with another's tag",
    "datatype/time.h5": "h5py has no time class",
    "datatype/vlen_integers.h5": "h5netcdf doesn't read sequences",
    "family/one_member/member_%05d.h5": "xarray opens no family",
    "family/rows/member_%05d.h5": "xarray opens no family",
    "family/v0/member_%05d.h5": "xarray opens no family",
    "family/v2/member_%05d.h5": "xarray opens no family",
    "family/v3_user_block/member_%05d.h5": "xarray opens no family",
    "fill_value/record_attribute.h5": "h5netcdf hashes no record",
    "filter/nbit_records.h5": "xarray reads no records with big-endian members",
    "group/dense_deep.h5": "h5netcdf follows every soft link",
    "group/external_link.h5": "h5netcdf follows every external link",
    "group/external_links.h5": "h5netcdf follows every external link",
    "group/external_links_read.h5": "h5netcdf follows every external link",
    "group/external_links_spelled.h5": "h5netcdf follows every external link",
    "group/external_links_target.h5": "h5netcdf follows every external link",
    "group/soft_links.h5": "h5netcdf follows every soft link",
    "group/soft_links_compact.h5": "h5netcdf follows every soft link",
    "kerchunk/vlen_latin1.h5": "h5netcdf wants ASCII where the type says so",
}

# Attributes that carry netCDF's own bookkeeping: readers don't show them, or show them as something else.
HIDDEN = {
    "CLASS", "DIMENSION_LABELS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST",
    "_FillValue", "_NCProperties", "_Netcdf4Coordinates", "_Netcdf4Dimid", "_nc3_strict",
}  # fmt: skip


# What CF calls the members of an enumeration.
FLAGS = ("flag_values", "flag_meanings")


# ---------------------------------------------------------------- attributes


def has_json_form(value):
    if isinstance(value, h5py.Reference):
        return False
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        try:
            for v in array.ravel():
                v.decode() if isinstance(v, bytes) else v.encode()
            return True
        except (AttributeError, UnicodeError):
            return False  # not text, or not UTF-8
    return array.dtype.kind not in "Vc" and not (array.dtype.kind == "f" and array.dtype.itemsize > 8)


def same_attribute(ours, truth):
    """JSON has one kind of number, no one-element arrays (by kerchunk's custom), and names for NaN and infinity."""
    if isinstance(truth, h5py.Empty):
        return ours in (None, "", [])
    if isinstance(ours, str) and np.ndim(truth) > 1:
        ours = json.loads(ours)  # kerchunk writes tables as text
    given, ours, truth = ours, np.asarray(ours).ravel(), np.asarray(truth).ravel()
    if truth.size == 0:
        return ours.size == 0 or list(ours) in ([""], [None])
    if truth.dtype.kind == "f" and ours.size < truth.size:
        truth = truth[~np.isnan(truth)]  # NaN beside numbers in missing_value, which would be text
    if ours.size != truth.size:
        return False
    if is_text(truth):
        # an empty fixed-length string is a blank to kerchunk
        return is_text(ours) and [text(v).rstrip("\0 ") for v in ours] == [text(v).rstrip("\0 ") for v in truth]
    if truth.dtype.kind == "f":
        ours = [float(v) for v in ours]  # float() reads "NaN", "Infinity" and "-Infinity"
        narrow = truth.dtype.type
        return all(narrow(a) == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(ours, truth))
    # NumPy makes floats of a list in which one number needs 64 bits without a sign
    return [int(v) for v in np.asarray(given, object).ravel()] == [int(v) for v in truth]


# ---------------------------------------------------------------- one file


class Checked:
    """What was compared for one file, and what was found wrong."""

    def __init__(self, name):
        self.name = name
        self.count = collections.Counter()
        self.problems = []
        self.expected = {}  # what is to be refused
        self.seconds = 0.0

    def problem(self, message):
        self.problems.append(f"{self.name}: {message}")

    def attributes(self, where, ours, truth):
        truth = {text(name): value for name, value in truth.items()}  # h5py tells names that aren't UTF-8 as bytes
        for name, value in truth.items():
            if name in HIDDEN or (isinstance(value, str) and value == "DIMENSION_SCALE"):
                continue
            if not has_json_form(value):
                self.count["attributes without a JSON form, not compared"] += 1
                continue
            self.count["attributes"] += 1
            if name not in ours:
                self.problem(f"{where}: attribute {name} is missing")
                continue
            try:
                same = same_attribute(ours[name], value)
            except (TypeError, ValueError):
                same = False
            if not same:
                self.problem(f"{where}: attribute {name} is {str(ours[name])[:80]!r} instead of {str(value)[:80]!r}")
        for name in set(ours) - set(truth) - {"_ARRAY_DIMENSIONS"} - HIDDEN:
            self.problem(f"{where}: attribute {name} is not in the file")


def refusals(name, objects):
    """What of a file is to be refused, and why: {path: words}."""
    expected = {}
    for path, words in REFUSED.get(name, {}).items():
        of_group = {p for p, kind in objects.items() if kind == "dataset" and p.rpartition("/")[0] == path.removesuffix("/*")}
        expected.update(dict.fromkeys(of_group if path.endswith("/*") else {path}, words))
    return expected


def scan(checked, binary, source, out, options):
    """Runs the program; the refusals must be those of the table, in the exit code, on stderr and in the report."""
    report_path = out.with_suffix(".report.json")
    command = [binary, "scan", str(source), "-o", str(out), "--report", str(report_path), *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    expected, attributes = checked.expected, ATTRIBUTES.get(checked.name, {})
    code = 3 if expected or attributes else 0
    if run.returncode != code:
        checked.problem(f"exit code {run.returncode}, expected {code}: {run.stderr.strip()[-300:]}")
    said, attributes_said = {}, {}
    for line in run.stderr.splitlines():
        path, colon, reason = line.partition(": ")
        if "\\" in path and reason.startswith("told as "):
            continue
        if path.startswith("/") and colon and reason.startswith("attribute "):
            attributes_said.setdefault(path, []).append(reason.removeprefix("attribute "))
        elif path.startswith("/") and colon:
            said[path] = reason
    for path in sorted(set(attributes_said) | set(attributes)):
        a, b = sorted(attributes_said.get(path, [])), attributes.get(path, [])
        if len(a) != len(b) or not all(reason.startswith(words) for reason, words in zip(a, b)):
            checked.problem(f"{path}: attributes refused {a}, expected {b}")
    for path in sorted(set(said) - set(expected)):
        checked.problem(f"{path}: refused without being expected: {said[path]}")
    report = json.loads(report_path.read_text()) if report_path.exists() else None
    if report is None:
        checked.problem("no report was written")
    for path, reason in expected.items():
        if path not in said:
            checked.problem(f"{path}: expected to be refused ({reason}), stderr doesn't say so")
        elif reason.lower() not in said[path].lower():
            checked.problem(f"{path}: refused with another reason than {reason!r}: {said[path]}")
        if report is not None and not reported(report, path, reason):
            checked.problem(f"{path}: the report doesn't give {reason!r}")
    checked.count["refused as expected"] += len(set(said) & set(expected))
    return set(said) | set(expected)


def reported(value, path, reason):
    """Is there an object somewhere in the report that names the path (as key or value) and the reason?"""
    if isinstance(value, list):
        return any(reported(v, path, reason) for v in value)
    if not isinstance(value, dict):
        return False
    if path in value and reason.lower() in json.dumps(value[path]).lower():
        return True
    if path in value.values() and reason.lower() in json.dumps(value).lower():
        return True
    return any(reported(v, path, reason) for v in value.values())


def strict_json(data):
    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    return json.loads(data, parse_constant=refuse, object_pairs_hook=once)


def document(value):
    """An inline document: an object, or its text."""
    if isinstance(value, str) and value.startswith("base64:"):
        value = base64.b64decode(value[7:]).decode()
    return strict_json(value) if isinstance(value, str) else value


def validate(checked, refs_path, source, objects, linked, refused):
    """The references as data, before any reader sees them. Returns the paths of the arrays."""
    whole = strict_json(refs_path.read_text())
    if whole.get("version") != 1:
        checked.problem(f"version {whole.get('version')}")
    refs, arrays = whole["refs"], {}
    for key, value in refs.items():
        if key.rpartition("/")[2] in (".zarray", ".zattrs", ".zgroup", ".zmetadata"):
            try:
                parsed = document(value)
            except ValueError as error:
                checked.problem(f"{key}: {error}")
                continue
            if key.endswith(".zarray"):
                arrays["/" + key[: -len("/.zarray")]] = parsed
    for path, kind in objects.items():
        if kind == "group" and (path + "/.zgroup").lstrip("/") not in refs:
            checked.problem(f"{path}: no .zgroup")
    datasets = {p for p, kind in objects.items() if kind == "dataset"} - dimension_only(source)
    for path in sorted(p for p in datasets - refused if told_as(p) not in arrays):
        checked.problem(f"{path}: not in the references and not refused")
    for path in sorted(set(arrays) - {told_as(p) for p in datasets} - dimension_only(source) - linked):
        if not any(path.startswith(p + "/") for p, kind in objects.items() if kind == "again"):
            checked.problem(f"{path}: an array that is not in the file")
    for path in sorted(set(arrays) & set(checked.expected)):
        checked.problem(f"{path}: refused, but in the references")
    for path, array in arrays.items():
        dimensions = document(refs.get(path[1:] + "/.zattrs", "{}")).get("_ARRAY_DIMENSIONS")
        if not isinstance(dimensions, list) or len(dimensions) != len(array["shape"]):
            checked.problem(f"{path}: _ARRAY_DIMENSIONS {dimensions} for shape {array['shape']}")
        if len(array["chunks"]) != len(array["shape"]):
            checked.problem(f"{path}: chunks {array['chunks']} for shape {array['shape']}")
    files = {os.path.realpath(file) for file in (members(source) or [source])}
    sidecar = refs_path.with_name(refs_path.name + ".sidecar")
    if sidecar.exists():
        files.add(os.path.realpath(sidecar))
        checked.count["sidecar files"] += 1
    ids = [codec["id"] for array in arrays.values() for codec in array["filters"] or []]
    checked.count["codecs of imagecodecs"] += sum(id.startswith("imagecodecs_") for id in ids)
    sizes = {}
    for key, value in refs.items():
        path, _, name = ("/" + key).rpartition("/")
        if name.startswith("."):
            continue
        if path not in arrays:
            checked.problem(f"{key}: a chunk of no array")
            continue
        array = arrays[path]
        grid = chunk_counts(array["shape"], array["chunks"]) or [1]
        index = name.split(array.get("dimension_separator", "."))
        if len(index) != len(grid) or not all(i.isdigit() and int(i) < n for i, n in zip(index, grid)):
            checked.problem(f"{key}: outside the chunk grid {grid}")
        if isinstance(value, str):
            checked.count["inline chunks"] += 1
            continue
        checked.count["ranges"] += 1
        url, offset, length = value
        file = url.removeprefix("file://")
        beside = checked.name in EXTERNAL and os.path.dirname(os.path.realpath(file)) == os.path.dirname(os.path.realpath(source))
        if os.path.realpath(file) not in files and not beside:
            checked.problem(f"{key}: refers to {url}")
            continue
        size = sizes.setdefault(file, os.path.getsize(file))
        if offset < 0 or length <= 0 or offset + length > size:
            checked.problem(f"{key}: bytes {offset}+{length} of a file of {size}")
    return arrays


def places(refs_path, source, arrays):
    """{path: where an array of very many chunks is looked at}, along its only dimension: where the file has chunks, or the references."""
    refs, found = strict_json(refs_path.read_text())["refs"], {}
    for path, array in arrays.items():
        if len(array["shape"]) != 1:
            continue
        [length], [chunk] = array["shape"], array["chunks"]
        if length > MOST_CHUNKS * chunk:
            stored = [int(key.rpartition("/")[2]) * chunk for key in refs if re.fullmatch(rf"{re.escape(path[1:])}/\d+", key)]
            with open_hdf5(source) as f:
                stored += [f[path].id.get_chunk_info(n).chunk_offset[0] for n in range(f[path].id.get_num_chunks())]
            beside = (np.array(stored, int)[:, None] + np.arange(-chunk, 2 * chunk)).ravel()
            between = np.linspace(0, length - 1, PLACES, dtype=int)
            found[path] = np.union1d(np.clip(beside, 0, length - 1), between)
    return found


def compare_with_h5py(checked, refs_path, source, objects, arrays, looked_at):
    """Each dataset and each object's attributes, without any netCDF or CF convention in between."""
    root = zarr.open_group("reference://", storage_options={"fo": str(refs_path)}, mode="r", zarr_format=2)
    nameless = dimension_only(source)
    with open_hdf5(source) as f:
        for path, kind in objects.items():
            if kind == "group":
                checked.attributes(path, dict((root[path[1:]] if path != "/" else root).attrs), read_attributes(f[path]))
            if kind != "dataset" or told_as(path) not in arrays or path in nameless or path in checked.expected:
                continue
            checked.count["datasets"] += 1
            try:
                ours = root[told_as(path)[1:]]
                ours_values = ours[looked_at.get(path, ())]
            except Exception as error:
                checked.problem(f"{path}: zarr: {type(error).__name__}: {str(error)[:160]}")
                continue
            truth = read(f[path])
            truth = truth[looked_at[path]] if path in looked_at else truth
            if ours_values is not None and np.shape(ours_values) != np.shape(truth) and padded(f[path], np.shape(ours_values)):
                # netCDF: an unlimited dimension is as long as its longest variable
                ours_values = ours_values[tuple(slice(n) for n in np.shape(truth))]
            why = same_values(ours_values, truth)
            if why:
                checked.problem(f"{path}: {why}")
            checked.attributes(path, dict(ours.attrs), read_attributes(f[path]))


def read_attributes(obj):
    attributes = {name: obj.attrs[name] for name in obj.attrs}
    return flags(obj) | attributes


def flags(obj):
    """The members of a dataset's enumeration as CF has them, where the dataset has no flags of its own and their names are
    distinct words."""
    if not isinstance(obj, h5py.Dataset) or obj.id.get_type().get_class() not in (h5py.h5t.ENUM, h5py.h5t.ARRAY):
        return {}
    members = h5py.check_enum_dtype(obj.dtype.base)
    words = {re.sub(r"\s", "_", name): value for name, value in (members or {}).items()}
    if not members or len(words) < len(members) or any(name in obj.attrs for name in (*FLAGS, "flag_masks")):
        return {}
    words = sorted(words.items(), key=lambda word: word[1])
    return {"flag_values": np.array([value for _, value in words]), "flag_meanings": " ".join(word for word, _ in words)}


def open_file(source, group):
    """The file as xarray sees it, or why it doesn't open. netCDF-C is asked about its own files only: a float of 16 bytes
    in another makes it crash."""
    engines = [("h5netcdf", {"phony_dims": "access"})] + [("netcdf4", {})] * (source.suffix == ".nc")
    for engine, options in engines:
        try:
            return xr.open_dataset(source, engine=engine, group=group, cache=False, **options), None
        except Exception as error:
            why = f"{engine}: {type(error).__name__}: {str(error)[:120]}"
    return None, why


def open_references(refs_path, group):
    """The references as xarray sees them. With `group=` the kerchunk engine shows an empty dataset for all but the root,
    because zarr 3.1 asks fsspec for the listing of "//group": hence a store that starts at the group."""
    if group is None:
        return xr.open_dataset(str(refs_path), engine="kerchunk", cache=False)
    fs = kerchunk.utils.refs_as_store(str(refs_path), read_only=True).fs
    return xr.open_zarr(zarr.storage.FsspecStore(fs, path=group, read_only=True), zarr_format=2, consolidated=False)


def compare_with_xarray(checked, refs_path, source, objects, refused, looked_at):
    for path, kind in objects.items():
        if kind != "group":
            continue
        group = path.strip("/") or None
        truth, why = open_file(source, group)
        if truth is None:
            checked.count["groups that xarray can't open"] += 1
            if checked.name not in NOT_FOR_XARRAY:
                checked.problem(f"{path}: xarray doesn't open the file itself, and NOT_FOR_XARRAY doesn't name it: {why}")
            continue
        checked.count["groups in xarray"] += 1
        try:
            ours = open_references(refs_path, group)
        except Exception as error:
            checked.problem(f"{path}: xarray doesn't open the references: {type(error).__name__}: {str(error)[:160]}")
            continue
        checked.attributes(f"xarray {path}", ours.attrs, truth.attrs)
        truth = truth.rename({n: n.replace("\\", "%5C") for n in truth.variables if "\\" in n})
        names = {n for n in truth.variables if f"{path.rstrip('/')}/{n}" not in refused}
        for name in sorted(names - set(ours.variables)):
            checked.problem(f"{path}: xarray misses variable {name}")
        for name in sorted(set(ours.variables) - set(truth.variables)):
            checked.problem(f"{path}: xarray shows variable {name}, which the file doesn't have")
        if (set(ours.coords) & names) != (set(truth.coords) & names):
            checked.problem(f"{path}: coordinates {sorted(ours.coords)} instead of {sorted(truth.coords)}")
        for name in sorted(names & set(ours.variables)):
            checked.count["variables in xarray"] += 1
            where = f"{path.rstrip('/')}/{name}"
            at = looked_at.get(where, ...)
            compare_variable(checked, f"xarray {where}", ours.variables[name][at], truth.variables[name][at])


def compare_variable(checked, where, ours, truth):
    def shown(dims):
        return tuple("phony" if str(d).startswith("phony_dim") else d for d in dims)

    try:
        truth_values = truth.values
    except Exception as error:
        checked.count["variables that xarray can't read from the file"] += 1
        if checked.name not in NOT_FOR_XARRAY:
            checked.problem(f"{where}: xarray doesn't read the file itself, and NOT_FOR_XARRAY doesn't name it: {str(error)[:120]}")
        return
    # h5netcdf has no name for the dimensions of an array datatype
    named = len(truth.dims) if np.ndim(truth_values) > len(truth.dims) else len(ours.dims)
    # of two dimensions of one name in a group, one has its length behind it
    names = [name.removesuffix(f"_{size}") for name, size in zip(ours.dims, ours.shape)]
    if shown(names if names != list(ours.dims) and checked.name in RENAMED else ours.dims)[:named] != shown(truth.dims):
        checked.problem(f"{where}: dimensions {ours.dims} instead of {truth.dims}")
    try:
        values = ours.values
    except Exception as error:
        checked.problem(f"{where}: {type(error).__name__}: {str(error)[:160]}")
        return
    if any(isinstance(value, h5py.Reference | h5py.RegionReference) for value in np.ravel(truth_values)[:1]):
        return  # compared with h5py: xarray shows references as objects
    why = same_values(values, truth_values, exact=False)
    if why:
        checked.problem(f"{where}: {why}")
    # those of an enumeration are compared with its members already
    checked.attributes(where, {k: v for k, v in ours.attrs.items() if k in truth.attrs or k not in FLAGS}, truth.attrs)


def write_parquet(checked, binary, source, refs_path, options):
    """The same references as Parquet; None if there are none, as is said then."""
    folder = refs_path.with_suffix(".parq")
    if "sidecar" in options:
        options = [*options, "--sidecar", f"{refs_path}.sidecar"]
    run = subprocess.run([binary, "scan", str(source), "-o", str(folder), *options], capture_output=True, text=True, timeout=120)
    if checked.name in NOT_AS_FOLDERS:
        if run.returncode != 1 or "too long" not in run.stderr:
            checked.problem(f"Parquet: exit code {run.returncode}, though NOT_AS_FOLDERS names it")
        return
    if not (folder / ".zmetadata").exists():
        checked.problem(f"Parquet: exit code {run.returncode}: {run.stderr.strip()[-300:]}")
        return
    return folder


# How a set was made stands behind it, where no reader looks.
MADE = re.compile(rb'(?<=,"h5refs":\{)"made":\{[^{}]*\},?')


def identity(refs_path, folder, refused):
    """What two sets have in common if no reader can tell them apart: every byte of them but how they were made, and what is not in them.
    (A sidecar file is named in its set.)"""
    files = [refs_path, *sorted(file for file in (folder.rglob("*") if folder else ()) if file.is_file())]
    names = [file.relative_to(folder) if file is not refs_path else None for file in files]
    return frozenset(refused), *((name, MADE.sub(b"", file.read_bytes())) for name, file in zip(names, files))


def compare_parquet(checked, refs_path, folder, looked_at):
    """The references as Parquet against those as JSON: every key as fsspec reads it, the rows as pyarrow reads them, and the root's
    variables as xarray does."""
    refs = strict_json(refs_path.read_text())["refs"]
    documents = {key: document(value) for key, value in refs.items() if key.rpartition("/")[2].startswith(".z")}
    if strict_json((folder / ".zmetadata").read_text())["metadata"] != documents:
        checked.problem("Parquet: .zmetadata holds other documents")
    mapper = LazyReferenceMapper(str(folder))
    whole = fsspec.filesystem("reference", fo=str(folder), remote_protocol="file")
    chunks = {key: as_bytes(value) for key, value in refs.items() if key not in documents}
    found = {}
    # the mapper itself lists no set with groups: it takes them for arrays
    arrays = [key.removesuffix("/.zarray") for key in documents if key.endswith("/.zarray")]
    for key in (key for array in arrays for key in mapper._keys_in_field(array) if key in mapper):
        value = mapper[key]
        # the mapper gives bytes as they stand in the column, of which readers get what the file system makes
        found[key] = whole.cat_file(key) if isinstance(value, bytes) else [value[0], *map(int, value[1:])]
    for key in sorted(key for key in found.keys() | chunks.keys() if found.get(key) != chunks.get(key)):
        checked.problem(f"Parquet: {key} is {str(found.get(key))[:80]} instead of {str(chunks.get(key))[:80]}")
    checked.count["references in Parquet"] += len(found)
    rows = 0
    for file in folder.rglob("refs.*.parq"):
        table = pyarrow.parquet.read_table(file, partitioning=None)
        if table.column_names != ["path", "offset", "size", "raw"]:
            checked.problem(f"Parquet: {file.name} has the columns {table.column_names}")
        rows += 2 * len(table) - table["path"].null_count - table["raw"].null_count
    if rows != len(chunks):
        checked.problem(f"Parquet: {rows} rows hold something for pyarrow, {len(chunks)} in JSON")
    # without the protocol fsspec looks for it in the references, and fails where groups are among them
    protocol = {"remote_protocol": "file"}
    with open_references(refs_path, None) as ours, xr.open_dataset(str(folder), engine="kerchunk", cache=False, storage_options=protocol) as parquet:
        if sorted(ours.variables) != sorted(parquet.variables) or str(ours.attrs) != str(parquet.attrs):
            checked.problem("Parquet: xarray shows other variables or attributes")
        for name in ours.variables:
            a, b = (variables[name][looked_at.get(f"/{name}", ...)] for variables in (ours.variables, parquet.variables))
            same = a.dims == b.dims and a.dtype == b.dtype and str(a.attrs) == str(b.attrs)
            if not same or same_bytes(a) != same_bytes(b):
                checked.problem(f"Parquet: xarray reads another {name}")
            checked.count["variables through Parquet"] += 1


def same_bytes(variable):
    """What can be compared of a variable's values; or why they are not there, which is the same then too."""
    try:
        values = np.asarray(variable.values)
    except Exception as error:
        return type(error).__name__
    return str(values.tolist()) if values.dtype.hasobject else values.tobytes()


def as_bytes(value):
    if not isinstance(value, str):
        return value
    return base64.b64decode(value[7:]) if value.startswith("base64:") else value.encode()


def register(testdata):
    """Makes a process ready for files of testdata."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(testdata))
    from generate import register_quantizers

    register_quantizers()
    imagecodecs.numcodecs.register_codecs()


def check(binary, keep, file):
    source, name = file
    started = time.monotonic()
    checked = Checked(name)
    checked.count["files"] += 1
    os.chdir(source.parent)  # libhdf5 looks for external files and virtual sources here
    objects, linked = objects_of(source)
    variants = [
        ("", []),
        (".not_inline", ["--inline-threshold", "0"]),
        (".sidecar", ["--inline-threshold", "0", "--unsupported", "sidecar", "--repair-bytes", "0"]),
        (".imagecodecs", ["--inline-threshold", "0", "--codecs", "imagecodecs"]),
    ]
    if name in EXTERNAL:
        external = ["--inline-threshold", "0", "--external-root", str(source.parent)]
        variants += [(".external", external), (".external_sidecar", [*external, "--unsupported", "sidecar", "--repair-bytes", "0"])]
    compared = {}  # what was counted for sets of references that were compared
    for variant, options in variants:
        checked.expected = {} if "--external-root" in options else refusals(name, objects)
        if "sidecar" in options and "--external-root" not in options:
            held = HELD_IN_SIDECAR.get(name, set())
            checked.expected = {p: words for p, words in checked.expected.items() if p not in held}
            checked.expected |= OTHER_REASON_WITH_SIDECAR.get(name, {})
        out = keep / (name.replace("/", "_") + variant + ".json")
        before = len(checked.problems)
        try:
            refused = scan(checked, binary, source, out, options)
            if not out.exists():
                checked.problem("no references were written")
                continue
            arrays = validate(checked, out, source, objects, linked, refused)
            folder = write_parquet(checked, binary, source, out, options)
            same = identity(out, folder, refused)
            if same in compared:
                checked.count += compared[same]
                checked.count["sets identical to one compared"] += 1
                continue
            counted = checked.count.copy()
            looked_at = places(out, source, arrays)
            compare_with_h5py(checked, out, source, objects, arrays, looked_at)
            compare_with_xarray(checked, out, source, objects, refused, looked_at)
            if folder:
                compare_parquet(checked, out, folder, looked_at)
            compared[same] = checked.count - counted
        except Exception as error:
            checked.problem(f"stopped by {type(error).__name__}: {str(error)[:200]}")
        if options:
            checked.problems[before:] = [f"{' '.join(options)}: {p}" for p in checked.problems[before:]]
    unread = checked.count["groups that xarray can't open"] + checked.count["variables that xarray can't read from the file"]
    if name in NOT_FOR_XARRAY and not unread:
        checked.problem("xarray opens it all, though NOT_FOR_XARRAY names it")
    checked.seconds = time.monotonic() - started
    return checked


# ---------------------------------------------------------------- all files


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the h5refs program")
    parser.add_argument("--testdata", type=pathlib.Path, default=here.parents[1] / "testdata")
    parser.add_argument("--keep", type=pathlib.Path, help="keep references and reports here")
    parser.add_argument("-v", "--verbose", action="store_true", help="print all problems of a file, not the first three")
    parser.add_argument("only", nargs="*", help="names such as chunk/sparse.h5 (no floor then)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes, each with a file at a time")
    args = parser.parse_args()
    testdata = args.testdata.resolve()
    names = sources(testdata)
    stale = (set(REFUSED) | set(NOT_FOR_XARRAY)) - set(names.values())
    if stale:
        sys.exit(f"named in a table of this script, but not in testdata: {sorted(stale)}")
    binary = os.path.abspath(args.bin)
    total, failed = collections.Counter(), 0
    print(f"{'file':45} {'datasets':>8} {'variables':>9} {'refused':>7} {'seconds':>7}  result")
    with tempfile.TemporaryDirectory() as scratch:
        keep = (args.keep or pathlib.Path(scratch)).resolve()
        keep.mkdir(parents=True, exist_ok=True)
        asked = {source: name for source, name in names.items() if not args.only or name in args.only}
        for name in sorted(set(asked.values()) & set(LEFT_OUT)):
            print(f"{name:45} LEFT OUT: {LEFT_OUT[name]}")
        asked = {source: name for source, name in asked.items() if name not in LEFT_OUT}
        # libhdf5 has one lock and zarr one event loop for a process
        pool = multiprocessing.get_context("spawn").Pool(args.jobs, register, [testdata])
        for checked in pool.imap(functools.partial(check, binary, keep), asked.items()):
            name = checked.name
            total += checked.count
            failed += bool(checked.problems)
            result = f"{len(checked.problems)} PROBLEMS" if checked.problems else "same"
            if not checked.problems and name in NOT_FOR_XARRAY:
                result = "same, by h5py only: " + NOT_FOR_XARRAY[name]
            c = checked.count
            print(f"{name:45} {c['datasets']:8} {c['variables in xarray']:9} {c['refused as expected']:7} {checked.seconds:7.1f}  {result}")
            for problem in checked.problems if args.verbose else checked.problems[:3]:
                print("    " + problem)
    print()
    for what, n in sorted(total.items()):
        print(f"{n:8} {what}")
    print(f"{failed:8} files with problems")
    short = [f"{total[what]} {what}, at least {least} expected" for what, least in FLOOR.items() if total[what] < least]
    if short and not args.only:
        print("too little was compared: " + "; ".join(short))
        failed += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
