#!/usr/bin/env python3
"""Does VirtualiZarr open a combined set, as JSON and as Parquet, once `h5refs outline` has led its inline chunks out, and see what xarray
sees in the files?"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import obstore.store
import xarray as xr
from obspec_utils.registry import ObjectStoreRegistry
from virtualizarr.parsers import KerchunkJSONParser, KerchunkParquetParser

FLOOR = {"sets": 4, "variables": 16}


def make(folder):
    """Three months of which each has its own coordinates, packed and compressed."""
    files, first = [], 0
    for month, days in enumerate([31, 28, 31]):
        data = np.arange(days * 6, dtype="f4").reshape(days, 2, 3) + 1000 * month
        dataset = xr.Dataset(
            {"sst": (("time", "y", "x"), data), "mean": (("time",), data.mean((1, 2)))},
            {"time": ("time", np.arange(first, first + days, dtype="i4"), {"units": "days since 2001-01-01"}), "x": [1.0, 2.0, 3.0]},
        )
        first += days
        files.append(folder / f"{month}.nc")
        encoding = {"sst": {"zlib": True, "chunksizes": (1, 2, 3)}, "mean": {"zlib": True, "chunksizes": (1,)}}
        dataset.to_netcdf(files[-1], engine="netcdf4", unlimited_dims=["time"], encoding=encoding)
    return files


def run(*command):
    subprocess.run([str(word) for word in command], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    program = pathlib.Path(parser.parse_args().bin).resolve()
    warnings.simplefilter("ignore")
    counts = dict.fromkeys(FLOOR, 0)
    registry = ObjectStoreRegistry({"file://": obstore.store.LocalStore()})
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch).resolve()
        files = make(folder)
        truth = xr.concat([xr.open_dataset(file, decode_cf=False) for file in files], "time", data_vars="minimal")
        for threshold in ("0", "500"):
            sets = []
            for file in files:
                sets.append(folder / f"{file.name}.{threshold}.json")
                run(program, "scan", file, "--inline-threshold", threshold, "-o", sets[-1])
            run(program, "combine", "-q", "--concat-dims", "time", *sets, "-o", folder / "all.json")
            for name, kind in (("led.json", KerchunkJSONParser), ("led.parq", KerchunkParquetParser)):
                run(program, "outline", "-q", folder / "all.json", "-o", folder / name)
                store = kind()(f"file://{folder / name}", registry)
                seen = xr.open_zarr(store, zarr_format=3, consolidated=False, decode_cf=False, chunks=None)
                for variable in truth.variables:
                    np.testing.assert_array_equal(seen[variable].values, truth[variable].values, variable)
                    counts["variables"] += 1
                counts["sets"] += 1
    print(counts)
    return all(counts[what] >= least for what, least in FLOOR.items())


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
