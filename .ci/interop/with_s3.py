#!/usr/bin/env python3
"""Do the workflows whose files lie in S3 (W1, W4, W5) end with what xarray makes of the files, from URLs to values read back from S3?

usage: with_s3.py --bin PATH

A moto_server on loopback has buckets of small files; h5refs, built with the feature remote, scans them by pattern, list and mask, and combines the
sets; xarray reads the results through fsspec and s3fs. A file is copied to a bucket as a Zarr store, also with runs that are killed. Exit 1 on any
difference.
"""
import argparse
import logging
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import warnings

import boto3
import numpy as np
import xarray as xr
from moto.server import ThreadedMotoServer

import combined
from combined import case, concat, opened, same_bytes
from combined import V as Variable
from combined_workflows import GOES_SAME, goes, goes_truth, swot, with_absent

KEYS = {"aws_access_key_id": "canary-key", "aws_secret_access_key": "canary-secret", "aws_session_token": "canary-token"}
# A program that finds no credentials of its own, but those that it is told.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


class Bucket:
    """A bucket on the server; what is in it may be read by all, or only with credentials."""

    def __init__(self, work, name, public=True):
        self.work, self.name, self.acl = work, name, "public-read" if public else "private"
        self.client = boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1", **KEYS)
        self.client.create_bucket(Bucket=name, ACL=self.acl)
        self.options = ["--storage-option", f"endpoint={ENDPOINT}"]
        remote = {"endpoint_url": ENDPOINT, "anon": public}
        if public:
            self.options.append("--anon")
        else:
            for name, value in (("key", "aws_access_key_id"), ("secret", "aws_secret_access_key"), ("token", "aws_session_token")):
                self.options += ["--storage-option", f"{name}={KEYS[value]}"]
                remote[name] = KEYS[value]
        work.storage = {"remote_protocol": "s3", "remote_options": remote}

    def put(self, key, file):
        body = file if isinstance(file, bytes) else pathlib.Path(file).read_bytes()
        self.client.put_object(Bucket=self.name, Key=key, Body=body, ACL=self.acl)
        return f"s3://{self.name}/{key}"

    def run(self, *arguments, code=0, options=None):
        """Runs the program on it; its standard error, in which no credentials are."""
        command = [self.work.binary, *map(str, arguments), *(self.options if options is None else options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.work.folder, env=CLEAN)
        said = done.stderr
        if done.returncode != code or "panicked" in said:
            self.work.problem(f"{' '.join(command[1:])} ends with {done.returncode} instead of {code}: {said.strip()[-600:]}")
        if any(secret in said + done.stdout for secret in ("canary-secret", "canary-token")):
            self.work.problem(f"credentials are told: {said.strip()[-600:]}")
        return said


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def says(work, said, *words):
    work.count["told"] += 1
    for word in words:
        if word not in said:
            work.problem(f"{word!r} is not in {said.strip()[-900:]!r}")


@case("S3, W1: GOES-16 by pattern, anonymous")
def w1(work):
    bucket = Bucket(work, "noaa-goes16")
    files = [goes(work, n) for n in (0, 1, 2, 3)]
    for n, file in enumerate(files):
        bucket.put(f"ABI-L2-SSTF/2020/210/{n:02}/{file.name}", file)
    bucket.put("ABI-L2-SSTF/2020/210/00/notes.txt", b"no data")
    bucket.put("ABI-L2-SSTF/2020/211/00/broken.nc", b"no data")
    sets = work.folder / "sets"
    bucket.run("scan", "s3://noaa-goes16/ABI-L2-SSTF/2020/210/*/*.nc", "--inline-threshold", 300, "--out-dir", sets)
    if names(sets) != [f"{file.name}.json" for file in files]:
        work.problem(f"sets {names(sets)}")
    along = ("--concat-dims", "t", "--coo-map", "t=cf:t", "--identical-dims", GOES_SAME)
    outs = [work.folder / name for name in ("sets.json", "sets.parq", "files.json", "days.json")]
    fetch = ("--allow", "s3://noaa-goes16/")
    bucket.run("combine", f"{sets}/*.json", *along, *fetch, "-o", outs[0])
    bucket.run("combine", sets, *along, *fetch, "-o", outs[1])
    bucket.run("combine", "s3://noaa-goes16/ABI-L2-SSTF/2020/{210,none}/**/*.nc", *along, *fetch, "-o", outs[2])
    days = ("s3://noaa-goes16/ABI-L2-SSTF/{year}/{doy}/{hour}/*.nc", "--dates", "2020-07-28")
    bucket.run("combine", *days, *along, *fetch, "-o", outs[3])
    truth = goes_truth(files)
    for out in outs:
        work.count["answers"] += 1
        work.compare(out, truth, out.name)
    same_bytes(work, "by pattern and by mask", outs[2], outs[3])
    says(work, bucket.run("scan", "s3://noaa-goes16/none/*.nc", "-o", "x", code=1), "s3://noaa-goes16/none/*.nc: nothing matches")
    says(work, bucket.run("scan", "s3://no-such-bucket/*.nc", "-o", "x", code=1), "s3://no-such-bucket/: there is no such bucket")
    says(work, bucket.run("scan", "s3://noaa-goes16/ABI-L2-SSTF/*", "-o", "x", code=1), "only folders match")


@case("S3, W4: SWOT by list, with credentials, failures and a second run")
def w4(work):
    bucket = Bucket(work, "podaac-swot", public=False)
    cycles, passes = [3, 4, 7], [1, 2, 5]
    granules = {(c, p): swot(work, c, p) for c in cycles for p in passes if (c, p) != (4, 5)}
    urls = [bucket.put(f"L2/{file.name}", file) for file in granules.values()]
    spoiled = next(iter(granules.values()))
    bucket.put(f"L2/{spoiled.name}", spoiled.read_bytes()[:2000])
    listed = work.folder / "granules.txt"
    listed.write_text("".join(f"{url}\n" for url in urls))
    sets = work.folder / "sets"
    scan = ("scan", f"@{listed}", "--inline-threshold", 0, "--out-dir", sets)
    says(work, bucket.run(*scan, code=3), f"s3://podaac-swot/L2/{spoiled.name}")
    failures = work.folder / "sets.h5refs-failures"
    if failures.read_text().split() != [f"s3://podaac-swot/L2/{spoiled.name}"]:
        work.problem(f"failures {failures.read_text()}")
    if names(sets) != sorted(f"{file.name}.json" for file in granules.values() if file != spoiled):
        work.problem(f"sets {names(sets)}")
    bucket.put(f"L2/{spoiled.name}", spoiled)
    made = {one: one.stat().st_mtime_ns for one in sets.iterdir()}
    bucket.run("scan", f"@{failures}", "--inline-threshold", 0, "--out-dir", sets)
    bucket.run(*scan, "--resume")
    if any(one.stat().st_mtime_ns != when for one, when in made.items()) or len(names(sets)) != len(urls):
        work.problem("what was done is done again, or not all is done")
    # What has changed is not what was done.
    changed = swot(work, 3, 2)
    bucket.put(f"L2/{changed.name}", changed.read_bytes() + b"\0")
    bucket.run(*scan, "--resume")
    again = [one.name for one, when in made.items() if one.stat().st_mtime_ns != when]
    if again != [f"{changed.name}.json"]:
        work.problem(f"one file has changed, and these sets: {again}")
    out = work.folder / "swot.parq"
    selectors = ("--coo-map", "cycle_num=attr:cycle_number", "--coo-map", "pass_num=attr:pass_number")
    bucket.run("combine", sets, *selectors, "--allow", "s3://podaac-swot", "-o", out)
    truth = with_absent(dict(zip(granules, opened(granules.values()))), cycles, passes)
    work.count["answers"] += 1
    work.compare(out, truth, "granules")
    anonymous = ["--storage-option", f"endpoint={ENDPOINT}", "--anon"]
    says(work, bucket.run("scan", "s3://podaac-swot/L2/*.nc", "-o", "x", code=1, options=anonymous), "403")


def himawari(work, day, hour):
    """A file as those of Himawari-8, with more data than is held inline."""
    rng = np.random.default_rng(100 * day + hour)
    sst = {"scale_factor": 0.01, "add_offset": 273.15, "_FillValue": np.int16(-32768), "units": "kelvin"}
    time = np.array([1293840000 + 86400 * day + 3600 * hour], "i4")
    variables = {
        "time": Variable("time", time, {"units": "seconds since 1981-01-01 00:00:00"}),
        "lat": Variable("lat", np.linspace(60, -60, 90, dtype="f4"), {"units": "degrees_north"}),
        "lon": Variable("lon", np.linspace(80, 200, 120, dtype="f4"), {"units": "degrees_east"}),
        "sea_surface_temperature": Variable("time lat lon", rng.integers(-300, 4500, (1, 90, 120)).astype("i2"), sst, zlib=True, chunksizes=(1, 40, 50)),
        "quality_level": Variable("time lat lon", rng.integers(0, 6, (1, 90, 120)).astype("i1"), {"_FillValue": np.int8(-128)}, zlib=True, chunksizes=(1, 90, 120)),
        "wind_speed": Variable("time lat lon", rng.integers(0, 90, (1, 90, 120)).astype("i1"), {}, zlib=True, chunksizes=(1, 50, 60)),
    }
    return work.nc(f"202202{day:02}{hour:02}0000-SST.nc", variables, sizes={"time": 1}, attrs={"title": "L2P", "start_time": f"202202{day:02}T{hour:02}"})


@case("S3, W5: Himawari-8 by mask, a combination a day, and the days combined")
def w5(work):
    bucket = Bucket(work, "himawari")
    hours = {26: (0, 1, 2, 3), 27: (5,), 28: (22, 0, 9)}
    files = {day: [himawari(work, day, hour) for hour in of] for day, of in hours.items()}
    local = work.folder / "root"

    def place(day, file):
        key = f"2022/02/{day:02}/{file.name[8:10]}00/{file.name}"
        (local / key).parent.mkdir(parents=True, exist_ok=True)
        (local / key).write_bytes(file.read_bytes())
        bucket.put(f"root/{key}", file)

    for day, file in ((day, file) for day, of in files.items() for file in of):
        place(day, file)
    truth = concat(sorted(file for of in files.values() for file in of), "time").drop_vars("wind_speed")
    mask = "{year}/{month}/{day}/*/{year}{month}{day}*-SST.nc"
    for where, root, options in (("s3", "s3://himawari/root", bucket.options), ("local", local, [])):
        work.storage = {"remote_protocol": "s3", "remote_options": {"endpoint_url": ENDPOINT, "anon": True}} if where == "s3" else {}
        days = work.folder / where
        along = ("--concat-dims", "time", "--coo-map", "time=data:time")
        daily = ("combine", f"{root}/{mask}", "--dates", "2022-02-26..2022-03-01", *along, "--drop", "wind_speed", "-o", days / "{year}/{year}{month}{day}-SST.json")
        said = bucket.run(*daily, options=options)
        says(work, said, "2022-03-01: no files", "4 days: 3 written, 0 existing, 1 without files, 0 failed")
        says(work, bucket.run(*daily, "--resume", options=options), "4 days: 0 written, 3 existing, 1 without files, 0 failed")
        out = work.folder / f"{where}.parq"
        bucket.run("combine", days / "**/*-SST.json", *along, "-o", out, options=[])
        if where == "local":
            work.storage = {}
        work.count["answers"] += 1
        work.compare(out, truth, f"days, {where}")
        one = days / "2022" / "20220227-SST.json"
        work.count["answers"] += 1
        work.compare(one, concat(files[27], "time").drop_vars("wind_speed"), f"one file, {where}")
        flat = work.folder / f"{where}-flat.parq"
        bucket.run("combine", f"{root}/2022/**/*.nc", *along, "--drop", "wind_speed", "-o", flat, options=options)
        same_bytes(work, "days combined", flat, out)
    # A day that has got one more file is not what it was; the others are.
    place(27, himawari(work, 27, 6))
    daily = ("combine", f"s3://himawari/root/{mask}", "--dates", "2022-02-26..2022-02-28", *along, "--drop", "wind_speed")
    said = bucket.run(*daily, "--resume", "-o", work.folder / "s3" / "{year}/{year}{month}{day}-SST.json")
    says(work, said, "2022-02-27: written", "3 days: 1 written, 2 existing, 0 without files, 0 failed")


def read_back(bucket, prefix, but=()):
    """What lies under a prefix of a bucket, by key."""
    keys = [key for key in read_keys(bucket, prefix) if key not in but]
    return {key: bucket.client.get_object(Bucket=bucket.name, Key=f"{prefix}{key}")["Body"].read() for key in keys}


@case("S3, copy: a store is written to a bucket, and reads as the file")
def copied(work):
    bucket = Bucket(work, "copies", public=False)
    cf = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "netcdf" / "cf.nc"
    url, chunks = "s3://copies/a b/cf.zarr", ("--chunks", "sst=1x2x3", "--verify", "all")
    bucket.run("copy", cf, "-o", url, *chunks)
    stored, local = read_back(bucket, "a b/cf.zarr/"), work.folder / "cf.zarr"
    bucket.run("copy", cf, "-o", local, *chunks, options=[])
    if stored != {path.relative_to(local).as_posix(): path.read_bytes() for path in local.rglob("*") if path.is_file()}:
        work.problem(f"other objects than files: {sorted(stored)}")
    work.count["same bytes"] += 1
    remote = {"endpoint_url": ENDPOINT, "key": KEYS["aws_access_key_id"], "secret": KEYS["aws_secret_access_key"], "token": KEYS["aws_session_token"]}
    with xr.open_dataset(cf, engine="netcdf4") as file, xr.open_zarr(url, storage_options=remote, chunks=None) as store:
        work.count["answers"] += 1
        # Zarr knows no float32 in attributes, so that what is scaled by one is float64 there.
        if not file.drop_vars("sst").load().identical(store.drop_vars("sst").load()):
            work.problem("xarray reads another dataset from the bucket than from the file")
    with xr.open_dataset(cf, mask_and_scale=False) as file, xr.open_zarr(url, storage_options=remote, mask_and_scale=False) as store:
        work.count["answers"] += 1
        if file.sst.dtype != store.sst.dtype or not np.array_equal(file.sst.values, store.sst.values):
            work.problem("xarray reads other elements from the bucket than from the file")
    # Nothing is overwritten that is not said to be.
    says(work, bucket.run("copy", cf, "-o", url, *chunks, code=1), "something is there already: --overwrite replaces a store")
    says(work, bucket.run("copy", cf, "-o", "s3://copies/a b", *chunks, "--overwrite", code=1), "it is no Zarr store: it is not replaced")
    says(work, bucket.run("copy", cf, "-o", url, "--compressor", "none", "--resume", code=1), "is not the copy that was begun")
    bucket.run("copy", cf, "-o", url, *chunks, "--resume")
    if read_back(bucket, "a b/cf.zarr/") != stored:
        work.problem("what was refused has changed the store")
    # Another store takes its place, and nothing of this one is left.
    bucket.run("copy", cf, "-o", url, "--variables", "time", "--overwrite")
    if any(key.startswith("sst") for key in read_back(bucket, "a b/cf.zarr/")):
        work.problem("something of the old store is left")
    says(work, bucket.run("copy", cf, "-o", "s3://copies", code=1), "it is a whole bucket")
    says(work, bucket.run("copy", cf, "-o", f"{ENDPOINT}/copies/x.zarr", code=1), "not to web servers")
    says(work, bucket.run("copy", cf, "-o", "s3://none/x.zarr", code=1), "there is no such bucket")
    if left := [path.name for path in work.folder.iterdir() if "h5refs" in path.name]:
        work.problem(f"something is left: {left}")


@case("S3, copy: one that is killed and gone on with is the one that was not")
def killed(work):
    bucket = Bucket(work, "killed", public=False)
    numbers = np.random.default_rng(3).integers(0, 900, (200, 90, 110)).astype("f4")
    numbers[::7] = -1
    file = work.nc("maps.nc", {"maps": Variable("t y x", numbers, {"_FillValue": np.float32(-1)}, zlib=True, chunksizes=(1, 90, 110))}, sizes={})
    more = ("--chunks", "maps=25x31x40", "--memory", "12MB", "--jobs", 4)
    bucket.run("copy", file, "-o", "s3://killed/whole.zarr", *more)
    whole, chosen, out = read_back(bucket, "whole.zarr/"), random.Random(5), "s3://killed/out.zarr"
    command = [work.binary, "copy", str(file), "-o", out, "--resume", *map(str, more), *bucket.options]
    seen, state = 0, work.folder / "out.zarr.h5refs-state"
    for n in range(12):
        run = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=work.folder, env=CLEAN)
        # Chunks more than there were, so that each run gets further.
        wanted = seen + chosen.randrange(3, 12)
        while run.poll() is None and (seen := len(read_keys(bucket, "out.zarr/"))) < wanted:
            pass
        run.send_signal(chosen.choice([signal.SIGKILL, signal.SIGTERM]))
        if run.wait() == 0:
            break
        work.count["killed"] += 1
        if n == 0:
            if any(secret in state.read_text() for secret in KEYS.values()):
                work.problem("credentials are noted")
            says(work, bucket.run("copy", file, "-o", out, *more, code=1), "a copy was begun: --resume goes on with it")
            other = ("copy", file, "-o", "s3://killed/other.zarr", *more, "--resume", "--state", state)
            says(work, bucket.run(*other, code=1), "the copy that was begun")
        # Only the mark of a store that is being written goes after the last document.
        if ".zmetadata" in read_keys(bucket, "out.zarr/"):
            other = read_back(bucket, "out.zarr/", but={".h5refs-copy"}).items() ^ whole.items()
            if other:
                work.problem(f"a killed copy left documents without their chunks: {sorted(key for key, _ in other)}")
    bucket.run("copy", file, "-o", out, "--resume", "--verify", "all", *more)
    if read_back(bucket, "out.zarr/") != whole:
        work.problem("a copy that was killed and gone on with is another")
    work.count["same bytes"] += 1
    # Of a copy whose place somebody has emptied, nothing is taken to be there.
    begun = subprocess.Popen([*command[:4], "s3://killed/emptied.zarr", *command[5:]], stderr=subprocess.DEVNULL, cwd=work.folder, env=CLEAN)
    noted = work.folder / "emptied.zarr.h5refs-state"
    while begun.poll() is None and not (noted.exists() and '"done"' in noted.read_text()):
        pass
    begun.kill()
    begun.wait()
    for key in read_keys(bucket, "emptied.zarr/"):
        bucket.client.delete_object(Bucket=bucket.name, Key=f"emptied.zarr/{key}")
    said = bucket.run("copy", file, "-o", "s3://killed/emptied.zarr", "--resume", *more, code=1)
    says(work, said, "what was written of the copy that was begun is not there any more")
    bucket.run("copy", file, "-o", "s3://killed/emptied.zarr", "--overwrite", *more)
    if read_back(bucket, "emptied.zarr/") != whole:
        work.problem("a copy that was begun anew is another")
    work.count["same bytes"] += 1


def read_keys(bucket, prefix):
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
    return [one["Key"].removeprefix(prefix) for page in pages for one in page.get("Contents", ())]


FLOOR = {"cases": 5, "answers": 11, "variables": 60, "same bytes": 6, "told": 19, "killed": 3}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the h5refs program, with the feature remote")
    parser.add_argument("words", nargs="*", help="only cases with one of these words in their names")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    ENDPOINT = "http://{}:{}".format(*server.get_host_and_port())
    cases = [one for one in combined.CASES if one[0].startswith("S3")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "s3"
        folder.mkdir()
        well = combined.run_all(cases, os.path.abspath(args.bin), folder.resolve(), args.words, FLOOR)
    server.stop()
    sys.exit(0 if well else 1)
