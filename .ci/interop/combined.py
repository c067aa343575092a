"""Small netCDF-4 files, what `h5refs combine` makes of them, and what xarray makes of them: answers are compared, refusals are read."""
import collections
import contextlib
import itertools
import json
import os
import pathlib
import re
import subprocess

import netCDF4
import numpy as np
import xarray as xr
import zarr
import kerchunk.utils

from values import same_values

# How sets come in and go out. `scan` holds small chunks inline or none; netCDF files are scanned by `combine` itself.
FORMS = (
    ("json", ["--inline-threshold", "500"], "json"),
    ("json", ["--inline-threshold", "0"], "parq"),
    ("nc", [], "json"),
    ("parq", ["--inline-threshold", "0"], "json"),
    ("json.gz", ["--inline-threshold", "500"], "parq"),
    ("json.zst", ["--inline-threshold", "0"], "json"),
)

CASES = []


def case(name):
    """Registers a function of a `Work` as a case."""
    return lambda function: CASES.append((name, function)) or function


class V:
    """A variable: dimensions, values, attributes; what else createVariable takes."""

    def __init__(self, dims, values, attrs=None, **how):
        self.dims, self.attrs, self.how = tuple(dims.split()), attrs or {}, how
        self.values = values if isinstance(values, np.ndarray) else np.asarray(values)


class Work:
    """A folder with files, the program, and what was compared so far."""

    def __init__(self, binary, folder, count):
        self.binary, self.folder, self.count, self.problems = binary, folder, count, []
        self.number = itertools.count()
        # How fsspec reaches the files, where it is not told by their names.
        self.storage = {}
        folder.mkdir()

    def problem(self, text):
        self.problems.append(text)

    def nc(self, name, variables, sizes=None, attrs=None, groups=None):
        """Makes a file. `sizes` gives dimensions; those that it does not name are as long as the variables along them, `time` unlimited."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with netCDF4.Dataset(path, "w") as f:
            for group, members in {"/": variables, **(groups or {})}.items():
                fill_group(f.createGroup(group) if group != "/" else f, members, sizes if sizes is not None else {})
            f.setncatts(attrs or {})
        return path

    def run(self, *command, code=0):
        """Runs the program; its standard error."""
        command = [self.binary, *map(str, command)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder)
        if done.returncode != code:
            self.problem(f"{' '.join(command[1:])} ends with {done.returncode} instead of {code}: {done.stderr.strip()[-600:]}")
        if "panicked" in done.stderr:
            self.problem(f"{' '.join(command[1:])} panics: {done.stderr.strip()[-600:]}")
        return done.stderr

    def sets(self, files, form=FORMS[0]):
        """The references of files in a form; the same for every call as long as a file is."""
        suffix, how, _ = form
        if suffix == "nc":
            return [pathlib.Path(file) for file in files]
        sets = []
        for file in map(pathlib.Path, files):
            out = file.with_name(f"{file.name}{''.join(how).replace('--inline-threshold', '.t')}.{suffix}")
            is_of_now = out.exists() and out.stat().st_mtime_ns > file.stat().st_mtime_ns
            if not is_of_now and suffix.startswith("json."):
                plain = self.sets([file], ("json", how, None))[0]
                self.run("convert", plain, "-o", out)
            elif not is_of_now:
                self.run("scan", file, "-o", out, *how)
            sets.append(out)
        return sets

    def combine(self, inputs, *options, suffix="json", code=0):
        """Combines sets: where the outcome is (a fresh name), and what was said."""
        out = self.folder / f"combined{next(self.number)}.{suffix}"
        said = self.run("combine", *inputs, *options, "-o", out, code=code)
        left = [p.name for p in self.folder.iterdir() if p.name.startswith(out.name)]
        if (code in (0, 3)) != out.exists() or left not in ([], [out.name]):
            self.problem(f"combine {options} ends with {code} and leaves {left}: {said[-300:]}")
        return out, said

    def answer(self, files, *options, truth, code=0, forms=FORMS, check=None):
        """`combine` gives, in all forms, what xarray has in `truth`; `check` sees each outcome too."""
        for form in forms:
            out, said = self.combine(self.sets(files, form), *options, suffix=form[2], code=code)
            if not out.exists():
                continue
            self.count["answers"] += 1
            self.compare(out, truth, f"{options} from {form[0]} {form[1]}")
            if check:
                check(out, said)

    def refused(self, files, *options, words, forms=FORMS):
        """`combine` refuses in all forms, writes nothing, and says the words (patterns)."""
        for form in forms:
            _, said = self.combine(self.sets(files, form), *options, suffix=form[2], code=1)
            self.count["refusals"] += 1
            for word in words:
                if not re.search(word, said):
                    self.problem(f"{options} from {form[0]} {form[1]}: {word!r} is not in {said.strip()[-700:]!r}")

    def compare(self, out, truth, where, group=None, **how):
        """Holds a set against what xarray has."""
        try:
            ours = references(out, group, self.storage, **how)
        except Exception as error:
            return self.problem(f"{where}: does not open: {type(error).__name__}: {str(error)[:300]}")
        with ours:
            for what, a, b in (("variables", set(ours.variables), set(truth.variables)), ("coordinates", set(ours.coords), set(truth.coords))):
                if a != b:
                    self.problem(f"{where}: {what} {sorted(a)} instead of {sorted(b)}")
            if not same_attributes(ours.attrs, truth.attrs):
                self.problem(f"{where}: attributes {ours.attrs} instead of {truth.attrs}")
            for name in sorted(set(ours.variables) & set(truth.variables)):
                self.count["variables"] += 1
                for why in different(ours.variables[name], truth.variables[name]):
                    self.problem(f"{where}: {name}: {why}")


def fill_group(group, members, sizes):
    for name, variable in members.items():
        shape = np.shape(variable.values)
        for dim, length in zip(variable.dims, shape):
            if all(dim not in g.dimensions for g in parents(group)):
                group.createDimension(dim, sizes.get(dim, None if dim == "time" else length))
        attrs = dict(variable.attrs)
        how = {"fill_value": attrs.pop("_FillValue")} if "_FillValue" in attrs else {}
        text = variable.values.dtype.kind in "UO"
        dtype = str if text else variable.values.dtype
        if variable.values.dtype.names:
            dtype = group.createCompoundType(variable.values.dtype, f"{name}_t")
        made = group.createVariable(name, dtype, variable.dims, **how, **variable.how)
        made.set_auto_maskandscale(False)
        made.setncatts(attrs)
        if variable.values.size:
            made[...] = variable.values.astype(object) if text else variable.values


def parents(group):
    while group is not None:
        yield group
        group = group.parent


def references(out, group=None, storage=None, **how):
    """A set as xarray sees it; a group through a store that starts there (see with_xarray.py)."""
    storage = storage or ({"remote_protocol": "file"} if out.suffix == ".parq" else {})
    if group is None:
        return xr.open_dataset(str(out), engine="kerchunk", cache=False, storage_options=storage, **how)
    fs = kerchunk.utils.refs_as_store(str(out), read_only=True, remote_protocol="file").fs
    store = zarr.storage.FsspecStore(fs, path=group, read_only=True)
    return xr.open_zarr(store, zarr_format=2, consolidated=False, chunks=None, **how)


def opened(files, **how):
    """Files as xarray sees them, in memory."""
    sets = []
    for file in files:
        with xr.open_dataset(file, engine="h5netcdf", **how) as one:
            sets.append(one.load())
    return sets


def concat(files, dim, how=None, **options):
    """What xarray makes of files along a dimension; arrays without it are not expanded."""
    options = {"data_vars": "minimal", "coords": "minimal", "compat": "override", "join": "outer", **options}
    return xr.concat(opened(files, **(how or {})), dim, combine_attrs="override", **options)


def different(ours, truth):
    if ours.dims != truth.dims:
        yield f"dimensions {ours.dims} instead of {truth.dims}"
    try:
        values = ours.values
    except Exception as error:
        yield f"{type(error).__name__}: {str(error)[:300]}"
        return
    why = same_values(values, truth.values, exact=False)
    if why:
        yield why
    if not same_attributes(ours.attrs, truth.attrs):
        yield f"attributes {ours.attrs} instead of {truth.attrs}"
    calendars = [v.encoding.get("calendar") for v in (ours, truth)]
    if calendars[0] != calendars[1]:
        yield f"calendar {calendars[0]} instead of {calendars[1]}"


def same_attributes(ours, truth):
    def same(a, b):
        a, b = np.asarray(a), np.asarray(b)
        return a.size == b.size and bool(np.all(a.ravel() == b.ravel()))

    return set(ours) == set(truth) and all(same(ours[name], truth[name]) for name in truth)


def same_bytes(work, what, one, *others):
    """Whether sets are the same, byte for byte: files or folders."""

    def content(path):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        return [(p.relative_to(path).as_posix(), p.read_bytes()) for p in files]

    for other in others:
        work.count["same bytes"] += 1
        if not one.exists() or not other.exists() or content(one) != content(other):
            work.problem(f"{what}: {one.name} and {other.name} are not the same bytes")


def run_all(cases, binary, folder, only, floor):
    """Runs cases; what is wrong is printed. True if nothing is."""
    count, wrong = collections.Counter(), 0
    for number, (name, function) in enumerate(cases):
        if only and not any(word in name for word in only):
            continue
        work = Work(binary, folder / f"{number:02}", count)
        try:
            function(work)
        except Exception as error:
            work.problem(f"{type(error).__name__}: {error} ({error.__traceback__.tb_next and lines(error)})")
        count["cases"] += 1
        for problem in work.problems:
            print(f"{name}: {problem}")
        wrong += len(work.problems)
    for what, least in ({} if only else floor).items():
        if count[what] < least:
            print(f"all cases: {count[what]} {what}, at least {least} expected")
            wrong += 1
    for what, number in count.items():
        print(f"{number:8} {what}")
    print(f"{wrong:8} problems")
    return wrong == 0


def lines(error):
    """Where it was raised, in these files."""
    trace, found = error.__traceback__, []
    while trace:
        found.append(f"{pathlib.Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(found[1:4])
