#!/usr/bin/env python3
"""Do zarr and xarray read the same through references made of DMR++ sidecars as through references made of the files?

usage: with_dmrpp.py --bin PATH [--testdata DIR]

For every sidecar of testdata/dmrpp, and the file that its name tells: `PATH scan` of both, with `--inline-threshold 0`, and of the sidecar once more
with `--as-served`. zarr reads each array that both have as the same, and xarray reads the values and dimensions of the root of both, but for
variables that were refused, as the same. Exit 1 on any difference, on an array that is neither there nor refused (as the report says) nor left out
by the builder, and when less was compared than FLOOR says.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import fsspec
import numpy as np
import xarray as xr
import zarr

warnings.simplefilter("ignore")
FLOOR = {"arrays": 100, "arrays as served": 130, "datasets": 35}
# What the builder leaves out: types that DAP4 has not, and structures of more than numbers.
LEFT_OUT = {"datatype/compound.h5": {"mixed", "nested"}, "datatype/floats.h5": {"f2_be", "f2_le"}}


def scan(program, source, output, *options):
    report = output.with_suffix(".report")
    arguments = [program, "scan", source, "-o", output, "--report", report, "--inline-threshold", "0", *options]
    run = subprocess.run(arguments, capture_output=True, text=True)
    if run.returncode not in (0, 3):
        sys.exit(f"{source}: {run.stderr}")
    told = [outcome for file in json.loads(report.read_text())["files"] for outcome in file["report"]["objects"]]
    return {outcome["path"].lstrip("/") for outcome in told if outcome["outcome"] == "refused" and "attribute" not in outcome}


def arrays(path):
    references = json.loads(path.read_text())
    # The copy of the file is the file.
    for key, value in references["refs"].items():
        if isinstance(value, list) and value[0] == "https://example.com/copy":
            value[0] = next(v[0] for v in references["refs"].values() if isinstance(v, list) and v[0] != value[0])
    path.write_text(json.dumps(references))
    return {key.removesuffix("/.zarray") for key in references["refs"] if key.endswith("/.zarray")}


def store(path):
    options = {"asynchronous": True}
    fs = fsspec.filesystem("reference", fo=str(path), remote_protocol="file", remote_options=options, asynchronous=True)
    return zarr.open_group(zarr.storage.FsspecStore(fs, read_only=True, path=""), mode="r", zarr_format=2)


def raw(array):
    value = np.asarray(array[...])
    return (value.shape, value.dtype, value.tolist() if value.dtype == object else value.tobytes())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--testdata", default="testdata")
    options = parser.parse_args()
    root, compared, differences = pathlib.Path(options.testdata).resolve(), collections.Counter(), []
    for sidecar in sorted(root.glob("dmrpp/*.dmrpp")):
        structure, case, extension = sidecar.name.split(".")[:3]
        name = f"{structure}/{case}.{extension}"
        with tempfile.TemporaryDirectory() as folder:
            of_file, of_sidecar = pathlib.Path(folder, "file.json"), pathlib.Path(folder, "sidecar.json")
            scan(options.bin, root / name, of_file)
            refused = scan(options.bin, sidecar, of_sidecar, "--url", str(root / name))
            there, here = arrays(of_file), arrays(of_sidecar)
            for path in sorted(there - here - refused - LEFT_OUT.get(name, set())):
                differences.append(f"{sidecar.name}: {path} is not there, and nothing says so")
            served = pathlib.Path(folder, "served.json")
            scan(options.bin, sidecar, served, "--url", str(root / name), "--as-served")
            for kind, path_of, among in (("arrays", of_sidecar, here), ("arrays as served", served, arrays(served))):
                one, other = store(of_file), store(path_of)
                for path in sorted(there & among):
                    compared[kind] += 1
                    if str(raw(one[path])) != str(raw(other[path])):
                        differences.append(f"{sidecar.name}: of the {kind} {path} reads otherwise")
            opened = [xr.open_dataset(str(path), engine="kerchunk", open_dataset_options={"decode_cf": False}) for path in (of_file, of_sidecar)]
            missing = [path for path in opened[0].variables if path not in opened[1].variables]
            compared["datasets"] += 1
            if set(missing) - refused - LEFT_OUT.get(name, set()):
                differences.append(f"{sidecar.name}: xarray misses {missing}")
            # Bounds are decoded as their coordinate is.
            opened = [xr.decode_cf(opened[0].drop_vars(missing)), xr.decode_cf(opened[1])]
            for path in opened[1].variables:
                # Which dimensions without a name are one is not told.
                found, expected = opened[1][path].variable, opened[0][path].variable
                unnamed = all(name.startswith("phony") for name in (*found.dims, *expected.dims))
                if not (found.dims == expected.dims or unnamed):
                    differences.append(f"{sidecar.name}: dimensions of {path} are {found.dims}, not {expected.dims}")
                if not np.array_equal(found.values, expected.values, equal_nan=expected.dtype.kind in "fcmM"):
                    differences.append(f"{sidecar.name}: xarray reads {path} otherwise")
    for difference in differences:
        print(difference)
    print(f"{len(differences)} differences; compared: {dict(compared)}")
    short = {kind: least for kind, least in FLOOR.items() if compared[kind] < least}
    if short:
        print(f"less was compared than expected: {short}")
    return 1 if differences or short else 0


if __name__ == "__main__":
    sys.exit(main())
