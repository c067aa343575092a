"""A reader of references: what it reads compared with h5py, and what it refuses with what `h5refs lint` says that it refuses.

For every file and family of testdata, and every set of options of `scan`:
  1. an array that lint finds nothing about is read, and is what h5py reads;
  2. an array that lint finds something about is refused or misread, and the reader's own words for it are those that SAYS has for one of
     the rules;
  3. the set, or a group of it, opens as a whole exactly where lint says so.
What differs from that is named in EXCEPT with its reason, and differs still.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np

from truth import objects_of, open_hdf5, padded, read, sources, told_as
from values import same_values

# What these tell is no matter of an array's values.
BESIDE = {"group-name", "nested-groups"}


class Reader:
    """A reader and what is known of it.

    open: (path of the references, {"/array": .zarray}) -> an object with `read("/array")` and `close()`, and, where groups are opened as a
      whole, `stopped`: {group: error}. It raises what the reader says when the set doesn't open.
    variants: lists of options of `scan`.
    says: {rule of lint: pattern of the reader's own words for it}.
    exceptions: {(file, "/array"): why it is refused or misread without lint saying so}.
    floor: the least number of arrays that are read, and of those that aren't, by rule.
    """

    def __init__(self, name, open, variants, says, exceptions, floor):
        self.name, self.open, self.variants = name, open, variants
        self.says, self.exceptions, self.floor = says, exceptions, floor


class Checked:
    """What was compared, and what was found wrong."""

    def __init__(self):
        self.read, self.refused, self.problems, self.excepted = 0, collections.Counter(), [], set()

    def problem(self, where, text):
        self.problems.append(f"{where}: {text}")


def run(command, codes):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode not in codes:
        raise RuntimeError(f"{command[1]} ends with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def arrays_of(refs_path):
    """{"/path": .zarray} of a set."""
    refs = json.loads(refs_path.read_text())["refs"]
    return {"/" + key.removesuffix("/.zarray"): json.loads(value) for key, value in refs.items() if key.endswith("/.zarray")}


def differs(values, f, path, names):
    """None, or how what was read differs from what h5py reads."""
    dataset = f[names.get(path, path)]
    truth = read(dataset)
    if values is not None and np.shape(values) != np.shape(truth) and padded(dataset, np.shape(values)):
        # netCDF: an unlimited dimension is as long as its longest variable
        values = values[tuple(slice(n) for n in np.shape(truth))]
    return same_values(values, truth)


def outcomes(opened, arrays, source):
    """{path: None, or why it is not read right} of each array by itself."""
    names = {told_as(path): path for path, kind in objects_of(source)[0].items() if kind == "dataset"}
    found = {}
    with open_hdf5(source) as f:
        for path in arrays:
            try:
                values = opened.read(path)
            except Exception as error:
                found[path] = f"{type(error).__name__}: {str(error)[:300]}"
                continue
            why = differs(values, f, path, names)
            found[path] = why and f"differs: {why}"
    return found


def compare(checked, reader, where, name, findings, found):
    """What is found of each array, against what lint finds."""
    for path, why in found.items():
        rules = {f["rule"] for f in findings if f["path"] == path and f["severity"] != "note"} - BESIDE
        if (name, path) in reader.exceptions and why and not rules:
            checked.excepted.add((name, path))
        elif why is None and not rules:
            checked.read += 1
        elif why is None:
            checked.problem(f"{where} {path}", f"is read, though lint finds {sorted(rules)}")
        elif not rules:
            checked.problem(f"{where} {path}", f"lint finds nothing, but {why}")
        elif not any(re.search(reader.says.get(rule, "(?!)"), why) for rule in rules):
            checked.problem(f"{where} {path}", f"other words than those of {sorted(rules)}: {why}")
        else:
            checked.refused.update(rules)


def check(checked, binary, reader, source, name, options, out):
    os.chdir(source.parent)  # libhdf5 looks for external files and virtual sources here
    run([binary, "scan", str(source), "-o", str(out), *options], (0, 3))
    findings = json.loads(run([binary, "lint", "--for", reader.name, "--json", str(out)], (0, 4)))
    where, arrays = " ".join([name, *options]), arrays_of(out)
    stops = [f for f in findings if f["severity"] == "set"]
    try:
        opened = reader.open(out, arrays)
    except Exception as error:
        if not stops:
            checked.problem(where, f"lint finds nothing that stops the set, but {error}")
        return
    if stops:
        checked.problem(where, f"opens, though lint finds {stops}")
    found = outcomes(opened, arrays, source)
    if hasattr(opened, "stopped"):
        told = {f["path"].rpartition("/")[0] for f in findings if f["severity"] == "group"}
        for group in sorted(told ^ set(opened.stopped)):
            checked.problem(f"{where} {group or '/'}", f"the group as a whole: lint {group in told}, {opened.stopped.get(group)}")
    opened.close()
    compare(checked, reader, where, name, findings, found)


# Files whose differences no rule of lint can know: they are in chunks that are only referenced.
LEFT_OUT = {"datatype/text_after_nul.h5": "bytes behind the first NUL, which libhdf5 does not read (README); verify finds them"}


def main(doc, reader):
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the h5refs program")
    parser.add_argument("--testdata", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "testdata")
    parser.add_argument("only", nargs="*", help="names such as chunk/sparse.h5 (no floor then)")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    files = sources(args.testdata.resolve())
    binary, checked = os.path.abspath(args.bin), Checked()
    with tempfile.TemporaryDirectory() as scratch:
        for source, name in files.items():
            if name in LEFT_OUT:
                print(f"LEFT OUT: {name}: {LEFT_OUT[name]}")
                continue
            for n, options in enumerate(reader.variants if not args.only or name in args.only else ()):
                # GDAL remembers what it has read by its name
                out = pathlib.Path(scratch) / f"{name.replace('/', '_')}.{n}.json"
                check(checked, binary, reader, source, name, options, out)
    if not args.only:
        told = {"read": checked.read, **checked.refused}
        for what in sorted(set(told) ^ set(reader.floor)):
            checked.problem("all files", f"{told.get(what, 0)} arrays of {what!r}, which is on one side only of what was found and FLOOR")
        for what, least in reader.floor.items():
            if told.get(what, 0) < least:
                checked.problem("all files", f"{told.get(what, 0)} arrays of {what!r}, at least {least} expected")
        for gone in sorted(set(reader.exceptions) - checked.excepted):
            checked.problem("all files", f"EXCEPT names {gone}, which is not so")
    for problem in checked.problems:
        print(problem)
    print(f"{checked.read:8} arrays are read, and are the same")
    for rule, number in sorted(checked.refused.items()):
        print(f"{number:8} arrays are not, as lint says: {rule}")
    print(f"{len(checked.excepted):8} arrays are not, as EXCEPT says")
    print(f"{len(checked.problems):8} problems")
    sys.exit(1 if checked.problems else 0)
