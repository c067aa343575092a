#!/usr/bin/env python3
"""Is a dataset of a DAP2 server, rewritten by examples/prism/rewrite.sh, what xarray says it is, also where the copy was killed?

usage: with_prism.py --bin PATH [--kills N]

pydap serves a dataset of the shape of PRISM, a tenth as long in each dimension, and the shape of PRISM itself without its elements. Of the
latter the candidates of `plan` have the notebook's numbers. Exit 1 on any difference.
"""
import argparse
import filecmp
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import numpy as np
import xarray as xr
import zarr
from pydap.handlers.lib import BaseHandler
from pydap.model import BaseType, DatasetType
from with_dap import serve

SCRIPT = pathlib.Path(__file__).parents[2] / "examples/prism/rewrite.sh"
SHAPE = (144, 62, 141)
DIMENSIONS = ("time", "lat", "lon")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=12)
    arguments = parser.parse_args()
    truth = prism()
    url = serve(BaseHandler(of_xarray(truth)))
    with tempfile.TemporaryDirectory() as folder:
        folder, binary = pathlib.Path(folder), arguments.bin.absolute()
        whole = folder / "whole.zarr"
        started = time.monotonic()
        rewritten(binary, url, whole)
        took = time.monotonic() - started
        compare(whole, truth, json.loads(pathlib.Path(f"{whole}.plan.json").read_text()))
        killed = killed_and_resumed(binary, url, folder / "killed.zarr", arguments.kills, took)
        same_files(whole, folder / "killed.zarr")
        typo(binary, url, folder)
    numbers(binary, serve(BaseHandler(full_size())))
    print(f"W2: identical, also after {killed} kills; 72 x 354 x 354 is a candidate")


def prism():
    """Monthly rain and temperatures, with missing values, and coordinates."""
    rng = np.random.default_rng(1)
    time_, lat, lon = (np.arange(n, dtype="f8") for n in SHAPE)
    attributes = {"units": "mm", "_FillValue": np.float32(-9999), "long_name": "precipitation"}
    dataset = xr.Dataset(
        {name: (DIMENSIONS, rng.normal(size=SHAPE).astype("f4").round(2), dict(attributes)) for name in ("ppt", "tmx")},
        {"time": ("time", time_, {"units": "days since 1895-01-01"}), "lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
        {"title": "PRISM in small"},
    )
    dataset["ppt"].values[rng.random(SHAPE) < 0.1] = -9999
    return dataset


def of_xarray(source):
    dataset = DatasetType("prism", attributes={"NC_GLOBAL": source.attrs})
    for name, variable in source.variables.items():
        dataset[name] = BaseType(name, variable.values, dims=list(variable.dims), attributes=variable.attrs)
    return dataset


def full_size():
    """What takes no room: one element, wherever it is read."""
    dataset = DatasetType("prism")
    dataset["tmn"] = BaseType("tmn", np.broadcast_to(np.float32(0), (1512, 621, 1405)), dims=list(DIMENSIONS), attributes={"_ChunkSizes": [1, 23, 44]})
    return dataset


def rewritten(binary, url, out):
    subprocess.run([SCRIPT, url, out, "200kB", "1MB", "2MB"], env=os.environ | {"H5REFS": str(binary)}, check=True, capture_output=True)


def compare(out, truth, plan):
    found = xr.open_zarr(out, consolidated=True, chunks=None).load()
    xr.testing.assert_identical(found, xr.decode_cf(truth))
    group = zarr.open_group(out, mode="r")
    assert set(plan) == {"ppt", "tmx"}, plan
    for name, wanted in plan.items():
        chunks = dict(zip(DIMENSIONS, group[name].chunks))
        assert chunks == wanted and 200_000 <= np.prod(group[name].chunks) * 4 <= 1_000_000, (name, chunks, wanted)
        assert group[name][...].tobytes() == truth[name].values.tobytes(), name
    for name in DIMENSIONS:
        assert group[name].chunks == group[name].shape, name


def killed_and_resumed(binary, url, out, kills, took):
    """Kills the script at random moments of the time that it takes, and lets it end at last; gives how many of the kills met it."""
    random.seed(2)
    environment, met = os.environ | {"H5REFS": str(binary)}, 0
    for _ in range(kills):
        started = subprocess.Popen([SCRIPT, url, out, "200kB", "1MB", "2MB"], env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.1, 0.9) * took)
        running = started.poll() is None
        met += running
        try:
            os.killpg(started.pid, 9)
        except ProcessLookupError:
            pass
        started.wait()
        if not running:
            # It was whole: what is gone on with is the beginning of another.
            shutil.rmtree(out)
    assert met > kills // 3, f"only {met} kills met it"
    rewritten(binary, url, out)
    return met


def same_files(one, other):
    files = [sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file()) for root in (one, other)]
    assert files[0] == files[1], set(files[0]) ^ set(files[1])
    differing = [str(path) for path in files[0] if not filecmp.cmp(one / path, other / path, shallow=False)]
    assert not differing and len(files[0]) > 10, differing


def typo(binary, url, folder):
    """The notebook's own plan has a name that is not there."""
    (folder / "plan.json").write_text(json.dumps({"ppt": {"time": 72, "lat": 31}, "tnm": {"time": 72}, "tmx": {"height": 1}}))
    done = subprocess.run([binary, "copy", url, "--plan", folder / "plan.json", "-o", folder / "none.zarr"], capture_output=True, text=True)
    assert done.returncode == 1 and not (folder / "none.zarr").exists(), done
    assert "tnm" in done.stderr and "height" in done.stderr, done.stderr


def numbers(binary, url):
    done = subprocess.run([binary, "plan", url, "--json"], capture_output=True, text=True, check=True)
    arrays = json.loads(done.stdout)["arrays"]
    tmn = next(array for array in arrays if array["path"] == "tmn")
    assert (tmn["today"]["chunks"], tmn["today"]["bytes"]) == ([1, 23, 44], 4048), tmn["today"]
    found = [one for one in tmn["candidates"] if one["chunks"] == [72, 354, 354]]
    assert found and found[0]["bytes"] == 36_091_008, [one["chunks"] for one in tmn["candidates"]]
    reads = {name: (cost["reads"], round(cost["latency"], 6)) for name, cost in found[0]["reads"].items()}
    assert sorted(reads.values()) == [(8, 1.6), (21, 4.2)], reads


if __name__ == "__main__":
    main()
