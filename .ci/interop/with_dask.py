#!/usr/bin/env python3
"""Does examples/dask give, on a local cluster, what one scan and one combine of all files give, byte for byte, and what xarray gives?

usage: with_dask.py --bin PATH

Granules as those of SWOT are scanned in parts and combined in a tree, from a list that is shuffled; again, where nothing is left to scan; and with
a file that is none, which is named. Exit 1 on any difference.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import warnings

import combined
from combined_workflows import swot, with_absent

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "examples" / "dask" / "scan_and_combine.py"
SELECTORS = ("--coo-map", "cycle_num=attr:cycle_number", "--coo-map", "pass_num=attr:pass_number")


def dask(work, files, out, *options, code=0):
    """Runs the example; what it says."""
    names = work.folder / "names.txt"
    names.write_text("".join(f"{file}\n" for file in files))
    command = [sys.executable, SCRIPT, names, "-o", out, "--work", work.folder / "work", "--bin", work.binary, "--workers", 2]
    command += ["--files-per-task", 3, "--sets-per-batch", 3, "--scan=--inline-threshold 100", *SELECTORS, *options]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, cwd=work.folder)
    if done.returncode != code:
        work.problem(f"ends with {done.returncode} instead of {code}: {done.stderr.strip()[-1500:]}")
    return done.stderr


@combined.case("Dask: a tree of batches is the flat combination")
def scan_and_combine(work):
    cycles, passes = [3, 4, 7], [1, 2, 5, 9]
    there = [(c, p) for c in cycles for p in passes if (c, p) not in ((4, 5), (7, 1))]
    granules = {key: swot(work, *key) for key in there}
    files = list(granules.values())
    random.Random(6).shuffle(files)
    truth = with_absent(dict(zip(granules, combined.opened(granules.values()))), cycles, passes)
    work.run("scan", *files, "--inline-threshold", "100", "--out-dir", work.folder / "flat")
    sets = [work.folder / "flat" / f"{file.name}.json" for file in files]
    for suffix in ("json", "parq"):
        flat = work.folder / f"flat.{suffix}"
        work.run("combine", *sets, *SELECTORS, "-o", flat)
        out = work.folder / f"tree.{suffix}"
        said = dask(work, files, out)
        if "level 2: 2 combined" not in said or "level 3: 1 combined" not in said:
            work.problem(f"no tree of three levels: {said[-500:]}")
        combined.same_bytes(work, "a tree by Dask", flat, out)
        work.count["answers"] += 1
        work.compare(out, truth, f"Dask to {suffix}")
    made = {one: one.stat().st_mtime_ns for one in (work.folder / "work" / "sets").iterdir()}
    if len(made) != len(files):
        work.problem(f"{len(made)} sets of {len(files)} files")
    dask(work, files, work.folder / "again.json")
    combined.same_bytes(work, "the tree again", work.folder / "flat.json", work.folder / "again.json")
    if any(one.stat().st_mtime_ns != when for one, when in made.items()):
        work.problem("files were scanned again")
    broken = work.folder / "broken.nc"
    broken.write_bytes(files[0].read_bytes()[:2000])
    nothing = work.folder / "nothing.json"
    said = dask(work, [*files, broken], nothing, code=1)
    if f"not scanned: {broken}" not in said or nothing.exists():
        work.problem(f"a broken file: {said[-500:]}")
    without = work.folder / "without.json"
    dask(work, [broken, *files], without, "--without-failed", code=3)
    combined.same_bytes(work, "without the broken file", work.folder / "flat.json", without)
    work.count["refusals"] += 2
    said = dask(work, [*files, work.folder / "other" / files[0].name], nothing, code=1)
    if "two inputs have this name" not in said:
        work.problem(f"two files of one name: {said[-500:]}")


FLOOR = {"cases": 1, "answers": 2, "variables": 14, "refusals": 2, "same bytes": 4}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the h5refs program")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [one for one in combined.CASES if one[0].startswith("Dask")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "dask"
        folder.mkdir()
        well = combined.run_all(cases, os.path.abspath(args.bin), folder.resolve(), [], FLOOR)
    sys.exit(0 if well else 1)
