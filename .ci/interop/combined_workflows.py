"""The combine steps of five workflows that are notebooks today, on small files of the same structure."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import numpy as np
import xarray as xr

from combined import FORMS, case, concat, opened, references, same_bytes
from combined import V as Variable

ROOT = pathlib.Path(__file__).parents[2]
SIDECARS = ROOT / "examples/swot/from_sidecars.sh"
sys.path.insert(0, str(ROOT / "testdata"))
import dmrpp_sidecars  # noqa: E402 (it lies elsewhere)

# The folder of the compiled examples, which are run too; None: they are not.
EXAMPLES = None


def example(work, name, *arguments):
    """What an example writes, if examples are run."""
    out = arguments[0]
    done = subprocess.run([EXAMPLES / name, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    work.count["examples"] += 1
    if done.returncode or not out.exists():
        work.problem(f"example {name} ends with {done.returncode}: {done.stderr[-500:]}")
    return out


def goes(work, n):
    """A file as those of GOES-16: nothing along the time, which is a scalar."""
    rng = np.random.default_rng(n)
    scalar = {"grid_mapping": "goes_imager_projection", "coordinates": "retrieval_local_zenith_angle t y x"}
    packed = {"scale_factor": np.float32(0.00244163), "add_offset": np.float32(180.0), "units": "K", "_Unsigned": "true", "_FillValue": np.int16(-1)}
    chunks = {"chunksizes": (18, 18), "zlib": True}
    variables = {
        "SST": Variable("y x", rng.integers(-30000, 30000, (40, 44)).astype("i2"), {**packed, **scalar}, **chunks),
        "DQF": Variable("y x", rng.integers(0, 4, (40, 44)).astype("i1"), {"_FillValue": np.int8(-1), "_Unsigned": "true", **scalar}, **chunks),
        "t": Variable("", np.float64(649339200 + 3600 * n), {"units": "seconds since 2000-01-01 12:00:00", "standard_name": "time", "bounds": "time_bounds"}),
        "y": Variable("y", np.arange(40, dtype="i2"), {"scale_factor": np.float32(-5.6e-05), "add_offset": np.float32(0.151844)}),
        "x": Variable("x", np.arange(44, dtype="i2"), {"scale_factor": np.float32(5.6e-05), "add_offset": np.float32(-0.151844)}),
        "time_bounds": Variable("number_of_time_bounds", 649339200 + 3600.0 * n + np.array([-1800, 1800])),
        "goes_imager_projection": Variable("", np.int32(-2147483647), {"grid_mapping_name": "geostationary", "semi_major_axis": 6378137.0}),
        "retrieval_local_zenith_angle": Variable("", np.float32(90.0), {"units": "degree"}),
        "nominal_satellite_height": Variable("", np.float32(35786.023), {"units": "km"}),
        "percent_uncorrectable_GRB_errors": Variable("", np.float32(n / 8), {"units": "percent"}),
        "algorithm_container": Variable("", np.int32(-2147483647), {"input_ABI": f"OR_ABI-L2-{n}"}),
        "empty": Variable("none", np.empty(0, "f4"), {"units": "1"}),
    }
    attrs = {"title": "ABI L2 Sea Surface Temperature", "time_coverage_start": f"2020-07-28T{n:02}:00:00Z"}
    return work.nc(f"OR_ABI-L2-SSTF_{n:02}.nc", variables, sizes={"none": 0}, attrs=attrs)


# Scalars that are the same, which the notebook does not want along the time.
GOES_SAME = "goes_imager_projection,retrieval_local_zenith_angle,nominal_satellite_height,algorithm_container,empty"


def goes_truth(files):
    """What xarray makes of files of GOES-16 along a new dimension from their scalar `t`."""
    along = ["SST", "DQF", "time_bounds", "percent_uncorrectable_GRB_errors"]
    sets = opened(files)
    times = xr.concat([one["t"] for one in sets], "t").variable
    truth = xr.concat([one.drop_vars("t") for one in sets], "t", data_vars=along, coords="minimal", compat="override", combine_attrs="override")
    return truth.assign_coords(t=times)


@case("W1: GOES-16, a new dimension from a scalar")
def w1(work):
    files = [goes(work, n) for n in (0, 1, 2, 3)]
    truth = goes_truth(files)
    wide = truth.assign(empty=(("t", "none"), np.empty((4, 0), "f4"), {"units": "1"}))  # an array of data like others
    inline = ("json", ["--inline-threshold", "300"], "json")
    forms = [inline, FORMS[0], FORMS[2], ("nc", [], "parq")]
    for selector in ("data:t", "cf:t"):
        work.answer(files[::-1], "--concat-dims", "t", "--coo-map", f"t={selector}", truth=wide, forms=forms)
        # what is not inline is not read: it is along the new dimension unless it is said to be the same
        options = ("--concat-dims", "t", "--coo-map", f"t={selector}", "--identical-dims", GOES_SAME)
        work.answer(files, *options, truth=truth, forms=FORMS)
    old = []
    for set_ in work.sets(files, inline):
        document = json.loads(set_.read_text())
        url = next(v[0] for v in document["refs"].values() if isinstance(v, list))
        refs = {k: ["{{u}}", *v[1:]] if isinstance(v, list) and v[0] == url else v for k, v in document["refs"].items() if not k.startswith(".h5refs")}
        old.append(set_.with_name(f"old_{set_.name}"))
        old[-1].write_text(json.dumps({"version": 1, "templates": {"u": url}, "refs": refs}))
    out, _ = work.combine(old, "--concat-dims", "t")
    work.count["answers"] += 1
    work.compare(out, wide, "with templates")
    if EXAMPLES:
        work.compare(example(work, "combine_goes", work.folder / "example.json", *old), wide, "example")
        work.compare(example(work, "combine_goes", work.folder / "example2.json", *work.sets(files, inline)), wide, "example")


def cosima(work, n, months, level):
    """Some months as the ocean model of COSIMA has them: a noleap calendar, records in long chunks, grids of two dimensions."""
    middles = np.array([31 * m + 15.5 for m in months])
    begins, ends = middles - 15.5, middles + 15.5
    since = {"units": "days since 1900-01-01 00:00:00", "calendar": "NOLEAP", "calendar_type": "NOLEAP"}
    grid = np.random.default_rng(1).normal(size=(16, 20)).astype("f4")
    temp = np.random.default_rng(n).normal(size=(len(months), 3, 16, 20)).astype("f4")
    temp[:, :, 0] = -1e20
    missing = {"_FillValue": np.float32(-1e20), "missing_value": np.float32(-1e20)}
    averages = {"time_avg_info": "average_T1,average_T2,average_DT", "coordinates": "geolon_t geolat_t", "cell_methods": "time: mean", "units": "K"}
    long = {"chunksizes": (512,)}
    return work.nc(f"output{n:03}/ocean/ocean_month.nc", {
        "time": Variable("time", middles, {**since, "bounds": "time_bounds", "cartesian_axis": "T"}, **long),
        "nv": Variable("nv", np.array([1.0, 2.0])),
        "st_ocean": Variable("st_ocean", np.array([0.5, 1.5, 2.5]), {"edges": "st_edges_ocean"}),
        "st_edges_ocean": Variable("st_edges_ocean", np.arange(4.0)),
        "yt_ocean": Variable("yt_ocean", np.linspace(-80, 80, 16)),
        "xt_ocean": Variable("xt_ocean", np.linspace(-279, 79, 20)),
        "geolon_t": Variable("yt_ocean xt_ocean", grid, missing, zlib=True, complevel=level),
        "geolat_t": Variable("yt_ocean xt_ocean", grid * 2, missing, zlib=True, complevel=level, chunksizes=(8, 10)),
        "temp": Variable("time st_ocean yt_ocean xt_ocean", temp, {**missing, **averages}, zlib=True, chunksizes=(1, 3, 8, 10)),
        "average_T1": Variable("time", begins, {"units": since["units"], "calendar": "noleap"}, **long),
        "average_T2": Variable("time", ends, {"units": since["units"], "calendar": "noleap"}, zlib=True, **long),
        "average_DT": Variable("time", ends - begins, {"units": "days"}, **long),
        "time_bounds": Variable("time nv", np.stack([begins, ends], 1), {"units": since["units"], "calendar": "NOLEAP"}, chunksizes=(1, 2)),
    }, attrs={"filename": f"ocean_month.nc.{n}", "title": "ACCESS-OM2-025"})  # fmt: skip


@case("W3: COSIMA, months of a noleap calendar")
def w3(work):
    files = [cosima(work, 0, range(0, 3), 1), cosima(work, 1, range(3, 6), 9), cosima(work, 2, range(6, 8), 4)]
    truth = concat(files, "time")
    work.answer(files, "--concat-dims", "time", truth=truth)
    work.answer(files[::-1], "--concat-dims", "time", truth=truth, forms=[("nc", [], "parq"), ("parq", ["--inline-threshold", "0"], "parq")])
    out, _ = work.combine(work.sets(files, FORMS[3]), "--concat-dims", "time", suffix="parq")
    if (chunks := references(out)["temp"].encoding["chunks"]) != (1, 3, 8, 10):
        work.problem(f"chunks {chunks}")
    if EXAMPLES:
        for n, form in enumerate((FORMS[0], FORMS[3], FORMS[2])):
            where = work.folder / f"example{n}.parq"
            work.compare(example(work, "combine_cosima", where, *work.sets(files, form)), truth, "example")


def swot(work, cycle, number, lines=12):
    rng = np.random.default_rng(1000 * cycle + number)
    fill = np.int32(2147483647)
    ssha = rng.integers(-20000, 20000, (lines, 5)).astype("i4")
    ssha[0, 0] = fill
    chunks = {"chunksizes": (5, 5), "zlib": True}
    return work.nc(f"SWOT_{cycle:03}_{number:03}.nc", {
        "time": Variable("num_lines", 7e8 + 1e6 * cycle + np.arange(lines), {"units": "seconds since 2000-01-01", "calendar": "gregorian", "_FillValue": 9.969209968386869e36}, chunksizes=(5,), zlib=True),
        "latitude": Variable("num_lines num_pixels", ssha // 2, {"scale_factor": 1e-6, "_FillValue": fill, "units": "degrees_north"}, **chunks),
        "ssha_karin": Variable("num_lines num_pixels", ssha, {"scale_factor": 1e-4, "_FillValue": fill, "coordinates": "latitude"}, **chunks),
        "quality": Variable("num_lines num_pixels", rng.integers(0, 99, (lines, 5)).astype("u4"), {"_FillValue": np.uint32(4294967295)}, **chunks),
        "polarization": Variable("num_lines num_sides", rng.choice([b"H", b"V"], (lines, 2)).astype("S1"), chunksizes=(5, 2)),
    }, attrs={"cycle_number": np.int16(cycle), "pass_number": np.int16(number), "title": "Level 2 Low Rate"})  # fmt: skip


def with_absent(sets, cycles, passes):
    """What xarray makes of granules by cycle and pass; NaN, NaT and no text where there is none."""
    first = next(iter(sets.values()))

    def nothing(variable):
        empty = {"f": np.nan, "M": np.datetime64("NaT"), "S": b""}[variable.dtype.kind]
        return variable.copy(data=np.full(variable.shape, empty, variable.dtype))

    absent = xr.Dataset({n: nothing(v) for n, v in first.variables.items()}, attrs=first.attrs).set_coords(list(first.coords))
    rows = [[sets.get((c, p), absent) for p in passes] for c in cycles]
    truth = xr.combine_nested(rows, ["cycle_num", "pass_num"], data_vars="all", coords="all", combine_attrs="override", join="override")
    return truth.assign_coords(cycle_num=cycles, pass_num=passes).transpose("cycle_num", "pass_num", ...)


@case("W4: SWOT, two new dimensions from attributes")
def w4(work):
    cycles, passes = [3, 4, 7], [1, 2, 5, 9]
    there = [(c, p) for c in cycles for p in passes if (c, p) not in ((4, 5), (7, 1), (3, 9))]
    files = {key: swot(work, *key) for key in there}
    truth = with_absent(dict(zip(files, opened(files.values()))), cycles, passes)
    selectors = ("--coo-map", "cycle_num=attr:cycle_number", "--coo-map", "pass_num=attr:pass_number")
    shuffled = list(files.values())
    random.Random(4).shuffle(shuffled)
    work.answer(shuffled, *selectors, truth=truth)
    work.answer(shuffled, *selectors, "--coo-dtypes", "cycle_num=i2", "--coo-dtypes", "pass_num=u1",
                truth=truth.assign_coords(cycle_num=np.array(cycles, "i2"), pass_num=np.array(passes, "u1")), forms=FORMS[:3])  # fmt: skip
    # granules of another length
    short = swot(work, 7, 1, 11)
    work.refused([*shuffled, short], *selectors, words=["shape: has 11 along num_lines instead of 12", r"SWOT_007_001\.nc"], forms=FORMS[:3])

    def named(_out, said):
        if "SWOT_007_001.nc" not in said or "left out: the length of num_lines is 11 and not 12" not in said:
            work.problem(f"--where: {said}")

    work.answer([short, *shuffled], *selectors, "--where", "dim:num_lines=12", truth=truth, code=3, check=named)
    # an integer without a fill value has nothing for what no granule has
    bare = [work.nc(f"bare{c}{p}.nc", {"n": Variable("num_lines", np.arange(12))}, attrs={"cycle_number": np.int16(c), "pass_number": np.int16(p)}) for c, p in ((1, 1), (1, 2), (2, 2))]
    work.refused(bare, *selectors, words=["n: gaps: 1 of 4 combinations of coordinates are in no set"], forms=FORMS[:3])
    # in batches of whole cycles, then all
    for form in FORMS:
        flat, _ = work.combine(work.sets(shuffled, form), *selectors, suffix=form[2])
        batches = [work.combine(work.sets([f for k, f in files.items() if k[0] in of], form), *selectors, suffix=form[2])[0] for of in ([3], [7, 4])]
        tree, _ = work.combine(batches, "--concat-dims", "cycle_num,pass_num", suffix=form[2])
        same_bytes(work, f"a tree of {form[0]}", flat, tree)
    # in batches as they come, which have combinations that others have
    sets = work.sets(shuffled)
    flat, _ = work.combine(sets, *selectors)
    for size in (2, 4, 5):
        batches = [work.combine(sets[n : n + size], *selectors)[0] for n in range(0, len(sets), size)]
        tree, _ = work.combine(batches, "--concat-dims", "cycle_num,pass_num")
        same_bytes(work, f"a tree of {size}", flat, tree)
    grown = work.folder / "grown.json"
    for n in range(0, len(sets), 3):
        work.run("append", grown, *sets[n : n + 3], *selectors)
    same_bytes(work, "granules appended", flat, grown)
    if EXAMPLES:
        out = example(work, "combine_swot", work.folder / "example.json", 12, *work.sets([*shuffled, short]))
        work.compare(out, truth, "example")


@case("W4: SWOT, from DMR++ sidecars")
def w4_sidecars(work):
    cycles, passes = [3, 4], [1, 2, 5]
    files = {(c, p): swot(work, c, p) for c in cycles for p in passes if (c, p) != (4, 2)}
    # another length, and one whose sidecar has its elements in the opposite order
    short = swot(work, 4, 2, 11)
    sidecars = []
    for n, file in enumerate([*files.values(), short]):
        root = dmrpp_sidecars.Writer(str(file)).root
        if n % 2:
            dmrpp_sidecars.reversed_elements(root)
        sidecars.append(file.with_name(f"{file.name}.dmrpp"))
        dmrpp_sidecars.write(root, str(sidecars[-1]))
        # references are made without a look at it
        file.rename(file.with_suffix(".away"))
    (work.folder / "list.txt").write_text("".join(f"{sidecar}\n" for sidecar in sidecars))
    out = work.folder / "sidecars.json"
    command = [SIDECARS, work.folder / "list.txt", out, "12", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "H5REFS": str(work.binary)})
    for file in [*files.values(), short]:
        file.with_suffix(".away").rename(file)
    work.count["examples"] += 1
    if done.returncode or "1 left out" not in done.stderr:
        work.problem(f"{SIDECARS.name} ends with {done.returncode}: {done.stderr[-600:]}")
        return
    truth = with_absent(dict(zip(files, opened(files.values()))), cycles, passes)
    work.compare(out, truth, "sidecars")


def himawari(work, day, hour):
    rng = np.random.default_rng(100 * day + hour)
    sst = {"scale_factor": 0.01, "add_offset": 273.15, "_FillValue": np.int16(-32768), "units": "kelvin"}
    time = np.array([1262304000 + 86400 * day + 3600 * hour], "i4")
    variables = {
        "time": Variable("time", time, {"units": "seconds since 1981-01-01 00:00:00"}),
        "lat": Variable("lat", np.linspace(60, -60, 9, dtype="f4"), {"units": "degrees_north"}),
        "lon": Variable("lon", np.linspace(80, 200, 12, dtype="f4"), {"units": "degrees_east"}),
        "sea_surface_temperature": Variable("time lat lon", rng.integers(-300, 4500, (1, 9, 12)).astype("i2"), sst, zlib=True, chunksizes=(1, 4, 5)),
        "quality_level": Variable("time lat lon", rng.integers(0, 6, (1, 9, 12)).astype("i1"), {"_FillValue": np.int8(-128)}, zlib=True, chunksizes=(1, 9, 12)),
        "wind_speed": Variable("time lat lon", rng.integers(0, 90, (1, 9, 12)).astype("i1"), {}, zlib=True, chunksizes=(1, 5, 6)),
    }
    return work.nc(f"day{day}/202101{day:02}{hour:02}0000-SST.nc", variables, sizes={"time": 1}, attrs={"title": "L2P", "start_time": f"202101{day:02}T{hour:02}"})


@case("W5: Himawari-8, days of aggregates combined again")
def w5(work):
    days = [[himawari(work, day, hour) for hour in hours] for day, hours in ((1, (0, 1, 2, 3)), (2, (5,)), (3, (22, 0, 9)))]
    files = [file for day in days for file in day]
    truth = concat(sorted(files), "time").drop_vars("wind_speed")
    options = ("--concat-dims", "time", "--coo-map", "time=data:time")
    for form in [*FORMS, ("json", ["--inline-threshold", "100"], "json")]:
        flat, _ = work.combine(work.sets(files, form), *options, "--drop", "wind_speed", suffix=form[2])
        work.count["answers"] += 1
        work.compare(flat, truth, f"flat {form[0]}")
        daily = [work.combine(work.sets(day, form), *options, "--drop", "wind_speed", suffix=form[2])[0] for day in days]
        again = [work.combine(order, *options, suffix=form[2])[0] for order in (daily, daily[::-1])]
        nested, _ = work.combine([work.combine(daily[:2], *options, suffix=form[2])[0], daily[2]], *options, suffix=form[2])
        same_bytes(work, f"days of {form[0]}", flat, *again, nested)
        work.count["answers"] += 1
        work.compare(daily[1], opened(days[1])[0].drop_vars("wind_speed"), "one file")
    if EXAMPLES:
        folders = []
        for number, day in enumerate(days):
            folders.append(work.folder / f"sets{number}")
            folders[-1].mkdir()
            for set_ in work.sets(day):
                shutil.copy(set_, folders[-1])
        out = example(work, "combine_himawari", work.folder / "example.json", *folders)
        work.compare(out, concat(sorted(files), "time"), "example")
        out = example(work, "combine", work.folder / "plain.json", "time", *work.sets(files))
        work.compare(out, concat(sorted(files), "time"), "example")
