"""The cases of combining in which kerchunk's MultiZarrToZarr, append and subchunk were silently wrong."""
import itertools

import numpy as np
import xarray as xr

from combined import FORMS, case, concat, opened, references, same_bytes
from combined import V as Variable

DAYS = {"units": "days since 2000-01-01", "calendar": "standard"}
X = np.array([10.0, 20.0, 30.0])


def month(work, name, times, base=0, attrs=None, drop=(), time_attrs=DAYS, how=None, **others):
    """A file with a record variable, a 1-D record variable (of the default chunk, which is longer than it), and two static ones."""
    times = np.asarray(times)
    n = len(times)
    variables = {
        "time": Variable("time", times.astype(times.dtype if times.dtype.kind == "i" else "f8"), time_attrs),
        "x": Variable("x", X),
        "v": Variable("time x", base + np.arange(n * 3, dtype="f4").reshape(n, 3), {"units": "K"}, chunksizes=(1, 3)),
        "n": Variable("time", base + np.arange(n, dtype="i4"), chunksizes=(512,)),
        "mask": Variable("x", np.array([1, 0, 1], "i1")),
        **others,
    }
    return work.nc(name, {k: v for k, v in variables.items() if k not in drop}, attrs=attrs or {"title": "all"})


TIME = ("--concat-dims", "time")


@case("B.3 1: chunks longer than the variable")
def longer(work):
    for zlib in (False, True):
        how = {"zlib": zlib, "shuffle": False, "chunksizes": (512,)}
        lengths = [(3, 5, 2), (4, 4, 4)]
        for k, of in enumerate(lengths):
            files, start = [], 0
            for i, n in enumerate(of):
                extra = {"w": Variable("time", 100.0 * i + np.arange(n), **how), "big": Variable("time", start + np.arange(n, dtype=">i2"), **how)}
                files.append(month(work, f"{zlib}{k}{i}.nc", start + np.arange(n), 10 * start, **extra))
                start += n
            work.answer(files, *TIME, truth=concat(files, "time"))
            if not zlib:  # cut into pieces where they are too large to be stored anew
                work.answer(files, *TIME, "--inline-array-bytes", "0", truth=concat(files, "time"))
            else:
                work.refused(files, *TIME, "--inline-array-bytes", "0", words=[r"error: w: chunks: its [34] rows along time from time=0 .*on do not fill chunks of 512", rf"{zlib}{k}0\.nc"])
                work.answer(files, *TIME, "--inline-array-bytes", "0", "--policy", "chunks=drop", truth=concat(files, "time").drop_vars(["w", "big"]), code=3)


@case("B.3 2: a last chunk that is partial, not in the last file")
def partial(work):
    def of(name, zlib, lengths):
        files, start = [], 0
        for i, n in enumerate(lengths):
            values = np.arange(start * 6, (start + n) * 6, dtype="f4").reshape(n, 3, 2)
            p = Variable("time x y", values, zlib=zlib, shuffle=zlib, chunksizes=(2, 3, 2))
            files.append(month(work, f"{name}{i}.nc", start + np.arange(n), 10 * start, p=p, drop=("n",)))
            start += n
        return files

    for zlib in (False, True):
        files = of(f"mid{zlib}", zlib, (3, 2, 1))
        work.answer(files, *TIME, truth=concat(files, "time"))
        if zlib:
            work.refused(files, *TIME, "--inline-array-bytes", "0", words=[r"error: p: chunks: its 3 rows along time from time=0 .* chunks of 2", r"midTrue0\.nc"])
        else:
            work.answer(files, *TIME, "--inline-array-bytes", "0", truth=concat(files, "time"))
        files = of(f"end{zlib}", zlib, (2, 4, 3))
        work.answer(files, *TIME, "--inline-array-bytes", "0", truth=concat(files, "time"))
        # in front of the others, so that what was aligned is not any more
        files = of(f"front{zlib}", zlib, (1, 2, 2))
        work.answer(files[::-1], *TIME, truth=concat(files, "time"))


@case("B.3 3: types differ")
def types(work):
    a = month(work, "a.nc", [0, 1])
    b = month(work, "b.nc", [2, 3], v=Variable("time x", np.arange(6, dtype="i4").reshape(2, 3), {"units": "K"}, chunksizes=(1, 3)))
    work.refused([a, b], *TIME, words=[r"error: v: dtype: is of type <i4 instead of <f4 \[.*b\.nc", "--policy"])
    work.answer([a, b], *TIME, "--policy", "dtype=drop", truth=concat([a, b], "time").drop_vars("v"), code=3)
    c = month(work, "c.nc", [2, 3], v=Variable("time x", np.arange(6, dtype="f4").reshape(2, 3), {"units": "K"}, chunksizes=(1, 3), endian="big"))
    work.refused([a, c], *TIME, words=[r"error: v: dtype: is of type >f4 instead of <f4 \[.*c\.nc"])


@case("B.3 4: codecs differ")
def codecs(work):
    def files(name):
        found = []
        for i, how in enumerate([{}, {"zlib": True, "shuffle": False}, {"zlib": True, "complevel": 9}, {"fletcher32": True}]):
            values = 10 * i + np.arange(6, dtype="f4").reshape(2, 3)
            found.append(month(work, f"{name}{i}.nc", [2 * i, 2 * i + 1], 10 * i, drop=("n",), v=Variable("time x", values, chunksizes=(1, 3), **how)))
        return found

    found = files("f")
    work.answer(found, *TIME, truth=concat(found, "time"))
    work.refused(found, *TIME, "--inline-array-bytes", "0", words=[r"error: v: codecs: has codecs .*Zlib.* instead of \[\]", r"f1\.nc", r"f2\.nc"])
    work.answer(found, *TIME, "--inline-array-bytes", "0", "--policy", "codecs=drop", truth=concat(found, "time").drop_vars("v"), code=3)
    a, b = (
        month(work, f"{c}.nc", [i], drop=("n",), v=Variable("time x", np.full((1, 3), i, "f4"), chunksizes=(1, 3 - i)))
        for i, c in enumerate("ab")
    )
    work.answer([a, b], *TIME, truth=concat([a, b], "time"))
    work.refused([a, b], *TIME, "--inline-array-bytes", "0", words=[r"error: v: chunks: has chunks \[1, 2\] instead of \[1, 3\]", r"b\.nc"])


@case("B.3 5: another axis has another length")
def lengths(work):
    a = month(work, "a.nc", [0, 1], y=Variable("y", np.arange(4.0)), w=Variable("time y", np.ones((2, 4), "f4"), chunksizes=(1, 4)))
    b = month(work, "b.nc", [2, 3], y=Variable("y", np.arange(5.0)), w=Variable("time y", np.ones((2, 5), "f4"), chunksizes=(1, 4)))
    work.refused([a, b], *TIME, words=[r"error: w: shape: has 5 along y instead of 4 \[.*b\.nc", r"error: y: coordinate: has shape \[5\] instead of \[4\]"])
    truth = concat_without([a, b], ["w", "y"])
    work.answer([a, b], *TIME, "--drop", "y", "--policy", "shape=drop", truth=truth, code=3)
    c = month(work, "c.nc", [2, 3], x=Variable("x", X + 1))
    work.refused([a, c], *TIME, "--drop", "w,y", words=[r"error: x: coordinate: its values are not those of .*a\.nc", r"c\.nc", "11"])
    truth = concat([a, c], "time", join="override").drop_vars(["w", "y"])
    work.answer([a, c], *TIME, "--drop", "w,y", "--policy", "coordinate=first", truth=truth, code=3)


def concat_without(files, names):
    sets = [one.drop_vars(names) for one in opened(files)]
    return xr.concat(sets, "time", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override")


@case("B.3 6: packing differs")
def packing(work):
    def packed(**attrs):
        return Variable("time x", np.arange(6, dtype="i2").reshape(2, 3), {"scale_factor": 0.5, "add_offset": 10.0, "_FillValue": np.int16(-1), **attrs}, chunksizes=(1, 3))

    a = month(work, "a.nc", [0, 1], p=packed())
    for n, (name, value, check, words) in enumerate([
        ("scale_factor", 0.25, "packing", r"error: p/scale_factor: packing: scale_factor is 0\.25 instead of 0\.5"),
        ("add_offset", 11.0, "packing", r"error: p/add_offset: packing: add_offset is 11\.0 instead of 10\.0"),
        ("_FillValue", np.int16(-9), "fill-value", r"error: p: fill-value: has fill value -9 instead of -1"),
        ("missing_value", np.int16(3), "packing", r"error: p/missing_value: packing: missing_value is 3 instead of absent"),
    ]):
        b = month(work, f"b{n}.nc", [2, 3], p=packed(**{name: value}))
        work.refused([a, b], *TIME, words=[words, rf"b{n}\.nc"])
        work.answer([a, b], *TIME, "--policy", f"{check}=drop", truth=concat([a, b], "time").drop_vars("p"), code=3)

        def raw(out, _said, files=(a, b)):
            ours, theirs = references(out, open_dataset_options={"decode_cf": False}), concat(files, "time", {"decode_cf": False})
            if ours["p"].values.tolist() != theirs["p"].values.tolist() or ours["p"].attrs.get("scale_factor") != 0.5:
                work.problem(f"{name}: {ours['p'].values} {ours['p'].attrs}")

        for form in FORMS:  # the first's is taken for all, and the stored numbers stay
            out, said = work.combine(work.sets([a, b], form), *TIME, "--policy", f"{check}=first", suffix=form[2], code=3)
            raw(out, said)
    none = month(work, "none.nc", [2, 3], p=Variable("time x", np.arange(6, dtype="i2").reshape(2, 3), {"scale_factor": 0.5, "add_offset": 10.0}, chunksizes=(1, 3)))
    work.refused([a, none], *TIME, words=[r"error: p: fill-value: has fill value null instead of -1", r"none\.nc"])
    unit = month(work, "unit.nc", [2, 3], v=Variable("time x", np.ones((2, 3), "f4"), {"units": "degC"}, chunksizes=(1, 3)))
    plain = month(work, "plain.nc", [0, 1])
    work.refused([plain, unit], *TIME, words=[r'error: v/units: units: units is "degC" instead of "K"', r"unit\.nc"])


def timed(work, name, values, units, calendar, base, dtype="f8", bounds=1, **others):
    values = np.asarray(values, dtype)
    attrs = {"units": units, "calendar": calendar}
    if bounds:
        attrs["bounds"] = "time_bnds"
        others["time_bnds"] = Variable("time nv", np.stack([values, values + bounds], 1), chunksizes=(1, 2))
    return month(work, name, values, base, time_attrs=attrs, **others)


@case("B.3 7: units of times differ")
def units(work):
    for n, calendar in enumerate(["standard", "proleptic_gregorian", "noleap", "360_day", "julian", "all_leap"]):
        for dtype in ("f8", "i4"):
            files = [
                timed(work, f"a{n}{dtype}.nc", [0, 1, 2], "days since 2000-02-27", calendar, 0, dtype),
                timed(work, f"b{n}{dtype}.nc", [72, 96], "hours since 2000-02-27 00:00:00", calendar, 10, dtype, 24),
                timed(work, f"c{n}{dtype}.nc", [11, 12], "days since 2000-02-21", calendar, 20, dtype),
            ]
            work.answer(files, *TIME, truth=concat(files, "time"), forms=FORMS[: 6 if n < 1 else 3])
            work.answer(files[::-1], *TIME, "--coo-map", "time=cf:time", truth=concat(files, "time"), forms=FORMS[:2])
    whole = timed(work, "whole.nc", [0, 1], "days since 2000-01-01", "standard", 0, "i4", bounds=0)
    half = timed(work, "half.nc", [60, 66], "hours since 2000-01-01", "standard", 0, "i4", bounds=0)
    work.answer([whole, half], *TIME, truth=concat([whole, half], "time"))  # in hours then: no whole days
    spelled = timed(work, "spelled.nc", [2, 3], "days since 2000-1-1 00:00", "standard", 0, "i4", bounds=0)
    work.answer([whole, spelled], *TIME, truth=concat([whole, spelled], "time"))
    noleap = timed(work, "noleap.nc", [2, 3], "days since 2000-01-01", "noleap", 0, "i4", bounds=0)
    work.refused([whole, noleap], *TIME, words=["calendar", "noleap", "standard", r"noleap\.nc"])
    # integers whose bounds are no integers in the unit that the times are now in
    whole = timed(work, "days.nc", [0, 1], "days since 2000-01-01", "standard", 0, "i4")
    hours = timed(work, "hours.nc", [48, 72], "hours since 2000-01-01", "standard", 0, "i4")
    work.refused([whole, hours], *TIME, words=["time_bnds: times in different units: a time has no exact number in days since 2000-01-01"])
    # numbers that are scaled before they are times
    packed = {"scale_factor": 0.5, "calendar": "standard"}
    units_of = ("days since 2000-01-01", "days since 2001-01-01")
    files = [month(work, f"packed{n}.nc", np.array([n, n + 4], "i4"), time_attrs={"units": units_of[n], **packed}) for n in range(2)]
    work.refused(files, *TIME, words=[r"packed0\.nc", "coordinates time: units differ, and there is scale_factor"], forms=FORMS[:3])
    files = [month(work, f"same{n}.nc", np.array([n, n + 4], "i4") + 9 * n, time_attrs={"units": units_of[0], **packed}) for n in range(2)]
    work.answer(files, *TIME, truth=concat(files, "time"), forms=FORMS[:3])
    t1 = [Variable("time", np.array([10], "i4"), {"units": units, **packed}) for units in units_of]
    files = [month(work, f"t1{n}.nc", [n], t1=t1[n]) for n in range(2)]
    work.refused(files, *TIME, words=[r"error: t1/units: units: units is .days since 2001-01-01", r"t11\.nc"], forms=FORMS[:3])
    # other variables that are times
    files = [
        month(work, "t0.nc", [0, 1], t1=Variable("time", np.array([0.0, 1.5]), {"units": "days since 2000-01-01", "calendar": "noleap"})),
        month(work, "t1.nc", [2, 3], t1=Variable("time", np.array([1.0, 2.0]), {"units": "days since 2001-01-01", "calendar": "noleap"})),
    ]
    work.answer(files, *TIME, truth=concat(files, "time"))


@case("bounds of times that are no coordinates of the axis")
def bounds_beside(work):
    def of(name, step, valid, units, since, since_units):
        times = {"units": units, "calendar": "standard"}
        valid = np.asarray(valid, "f8")
        hours = 24.0 if units.startswith("hours") else 1.0
        variables = {
            "step": Variable("step", np.asarray(step, "i4")),
            "a_bnds": Variable("step nv", np.stack([valid, valid + hours], 1)),
            "valid": Variable("step", valid, {**times, "bounds": "a_bnds"}),
            "since": Variable("", np.float64(since), {"units": since_units, "calendar": "standard", "bounds": "b_bnds"}),
            "b_bnds": Variable("nv", np.array([0.0, 6.0])),
        }
        return work.nc(name, variables)

    def truth(files):
        sets = [xr.open_dataset(file).set_coords("step") for file in files]
        return xr.concat([each.load() for each in sets], "step", data_vars="all" if sets[0].since.ndim == 0 and len({str(each.since.values) for each in sets}) > 1 else "minimal")

    first = of("a.nc", [0, 1], [0, 1], "days since 2000-01-01", 0, "hours since 2000-01-01")
    hours = of("b.nc", [2, 3], [48, 72], "hours since 2000-01-01", 0, "hours since 2000-01-01")
    later = of("c.nc", [2, 3], [48, 72], "hours since 2000-01-01", 0, "hours since 2000-01-02")
    work.answer([first, hours], "--concat-dims", "step", truth=truth([first, hours]), forms=FORMS[:4])
    # An array without the dimension that is not inline is thought to be the same.
    work.answer([first, later], "--concat-dims", "step", truth=truth([first, later]), forms=[FORMS[0], FORMS[2]])
    work.refused([first, later], "--concat-dims", "step", words=[r'error: since/units: units: units is "hours since 2000-01-02"'], forms=[FORMS[1], FORMS[3]])


@case("B.3 7: times that are the same in common units only")
def same_times(work):
    a = timed(work, "a.nc", [0, 1], "days since 2000-01-01", "standard", 0, bounds=0, drop=("n",))
    b = timed(work, "b.nc", [24, 48], "hours since 2000-01-01", "standard", 10, bounds=0, drop=("n",))
    words = [r"duplicate: time=1 \(2000-01-02.*\) is in 2 sets", r"a\.nc", r"b\.nc"]
    work.refused([a, b], *TIME, words=words)
    one, two = opened([a, b])
    for policy, truth in (("first", [one, two.isel(time=[1])]), ("last", [one.isel(time=[0]), two])):
        truth = xr.concat(truth, "time", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override")
        work.answer([a, b], *TIME, "--policy", f"duplicate={policy}", truth=truth, code=3)


@case("B.3 8: coordinates that are there twice")
def duplicates(work):
    a, b = month(work, "a.nc", [0, 1]), month(work, "b.nc", [1, 2], 10)
    c = month(work, "c.nc", [0, 1], 50)
    words = [r"duplicate: time=1 .*is in 2 sets", r"a\.nc", r"b\.nc", "--policy duplicate=first"]
    work.refused([a, b], *TIME, words=words)
    one, two = opened([a, b])
    for policy, truth in (("first", [one, two.isel(time=[1])]), ("last", [one.isel(time=[0]), two])):
        truth = xr.concat(truth, "time", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override")
        work.answer([a, b], *TIME, "--policy", f"duplicate={policy}", truth=truth, code=3)
        work.answer([b, a], *TIME, "--policy", f"duplicate={policy}", truth=truth, code=3, forms=FORMS[:2])
    for policy, file in (("first", a), ("last", c)):
        work.answer([c, a], *TIME, "--policy", f"duplicate={policy}", truth=opened([file])[0], code=3)
    # only what is stored anew in one chunk shows the difference, or only what is cut
    for name, how in (("anew", {"zlib": True, "chunksizes": (512,)}), ("cut", {"chunksizes": (512,)})):
        files = [month(work, f"{name}{i}.nc", [i, i + 1], 10 * i, drop=("v",), n=Variable("time", 10 * i + np.arange(2, dtype="i4"), **how)) for i in range(2)]
        work.refused(files, *TIME, words=[r"duplicate: .*time=1 .*2 sets", rf"{name}0\.nc", rf"{name}1\.nc"])
        if name == "cut":
            work.refused(files, *TIME, "--inline-array-bytes", "0", words=[r"duplicate: .*time=1 .*2 sets", rf"{name}0\.nc", rf"{name}1\.nc"])
            continue
        # the same elements twice are no difference where they are read; chunks are the same only at the same place
        files = [month(work, f"{name}_same{i}.nc", [i, i + 1], drop=("v",), n=Variable("time", i + np.arange(2, dtype="i4"), **how)) for i in range(2)]
        one, two = opened(files)
        truth = xr.concat([one, two.isel(time=[1])], "time", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override")
        work.answer(files, *TIME, truth=truth)
    twice = month(work, "twice.nc", [3, 3])
    work.refused([a, twice], *TIME, words=[r"twice\.nc", "3 is there twice"])
    mixed = month(work, "mixed.nc", [3, 5, 4])
    work.refused([a, mixed], *TIME, words=[r"mixed\.nc", "neither ascend nor descend: 5 comes before 4"])


@case("B.3 9: tiles of descending latitudes")
def descending(work):
    def tile(name, lats, base):
        v = Variable("lat x", base + np.arange(len(lats) * 3, dtype="f4").reshape(-1, 3), chunksizes=(1, 3))
        return work.nc(name, {"lat": Variable("lat", np.array(lats, "f8"), {"units": "degrees_north"}), "x": Variable("x", X), "v": v})

    files = [tile("south.nc", [70, 60], 20), tile("north.nc", [90, 80], 0)]
    work.answer(files, "--concat-dims", "lat", truth=xr.combine_by_coords(opened(files), combine_attrs="override"))
    rows = [tile(f"row{lat}.nc", [lat], lat) for lat in (60, 90, 70)]
    work.answer(rows, "--concat-dims", "lat", truth=xr.combine_by_coords(opened(rows), combine_attrs="override"))
    work.answer([*files, tile("end.nc", [50], 9)], "--concat-dims", "lat", truth=xr.combine_by_coords(opened([files[1], files[0], work.folder / "end.nc"]), combine_attrs="override"))
    up = tile("up.nc", [40, 50], 5)
    work.refused([files[0], up], "--concat-dims", "lat", words=[r"up\.nc", "ascend here and descend in others"])
    # tiles along two dimensions
    grid = []
    for i, j in itertools.product(range(2), range(2)):
        lat, lon = np.array([90.0, 80]) - 20 * i, np.array([0.0, 10]) + 20 * j
        v = Variable("lat lon", (1000 * i + 100 * j + np.arange(4)).reshape(2, 2).astype("i2"), chunksizes=(2, 2))
        grid.append(work.nc(f"tile{i}{j}.nc", {"lat": Variable("lat", lat), "lon": Variable("lon", lon), "v": v}))
    truth = xr.combine_by_coords(opened(grid), combine_attrs="override")
    work.answer(grid[::-1], "--concat-dims", "lat,lon", truth=truth)
    work.answer(grid, "--concat-dims", "lat,lon", truth=xr.combine_nested([opened(grid[:2]), opened(grid[2:])], ["lat", "lon"], combine_attrs="override"))


@case("B.3 10: a variable that a file lacks")
def missing(work):
    def files(name, dtype, fill=None, **how):
        attrs = {} if fill is None else {"_FillValue": np.dtype(dtype).type(fill)}
        w = Variable("time x", 1 + np.arange(6).reshape(2, 3).astype(dtype), attrs, **how)
        return [month(work, f"{name}a.nc", [0, 1], w=w), month(work, f"{name}b.nc", [2, 3], 10)]

    fill = ("--policy", "missing=fill")
    for name, dtype, value, how in [
        ("float", "f4", None, {"chunksizes": (1, 3)}),
        ("float1", "f4", None, {"chunksizes": (2, 3), "zlib": True}),
        ("filled", "f4", -9.0, {"chunksizes": (1, 3)}),
        ("integer", "i2", -9, {"chunksizes": (1, 3)}),
        ("long", "i2", -9, {"chunksizes": (512, 3), "zlib": True}),
        ("float512", "f4", None, {"chunksizes": (512, 3)}),
    ]:
        found = files(name, dtype, value, **how)
        for order in (found, found[::-1]):
            work.refused(order, *TIME, words=[r"error: w: missing: is in other sets and not here", rf"{name}b\.nc"], forms=FORMS[:3])
            work.answer(order, *TIME, *fill, truth=concat(found, "time"), code=3)
        work.answer(found, *TIME, "--policy", "missing=drop", truth=concat(found, "time").drop_vars("w"), code=3)
    found = files("bare", "i2", chunksizes=(1, 3))
    work.refused(found, *TIME, *fill, words=[r"error: w: gaps: 2 of 4 combinations .* there is no fill value: they would read as 0"])
    truth = concat(found, "time")
    truth["w"] = truth["w"].fillna(0).astype("i2")
    work.answer(found, *TIME, "--policy", "missing=fill,gaps=fill", truth=truth, code=3)
    work.answer(found, *TIME, "--policy", "missing=fill,gaps=drop", truth=truth.drop_vars("w"), code=3)


@case("B.3 11: NaN as a coordinate")
def nan(work):
    a, b = month(work, "a.nc", [0, 1]), month(work, "b.nc", [np.nan, 3], 10)
    work.refused([a, b], *TIME, words=[r"b\.nc", "coordinates time", "NaN"])
    # what the file declares to be missing is no coordinate either: xarray reads NaT
    c = month(work, "c.nc", [-9, 2], 10, time_attrs={**DAYS, "_FillValue": -9.0})
    work.refused([a, c], *TIME, words=[r"c\.nc", "coordinates time", "fill value|-9"])
    d = month(work, "d.nc", [-2, -1], 10, time_attrs={**DAYS, "_FillValue": 1.0})
    work.answer([a, d], *TIME, truth=xr.concat(opened([d, a]), "time", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override"))


@case("B.2 append: in any order, twice, and before")
def append(work):
    files = [month(work, f"f{n}.nc", [2 * n, 2 * n + 1], 10 * n) for n in range(3)]
    truth = concat(files, "time")
    for form in FORMS:
        a, b, c = work.sets(files, form)
        flat = work.combine([a, b, c], *TIME, suffix=form[2])[0]
        work.compare(flat, truth, f"flat {form[0]}")
        orders = [work.combine(order, *TIME, suffix=form[2])[0] for order in itertools.permutations([a, b, c])]
        same_bytes(work, f"orders of {form[0]}", flat, *orders)
        for one, rest in ((a, [b, c]), (c, [a, b]), (b, [c, a])):
            appended = work.combine([work.combine(rest, *TIME, suffix=form[2])[0], one], *TIME, suffix=form[2])[0]
            work.compare(appended, truth, f"{one.name} appended")
            again = work.combine([appended, one], *TIME, suffix=form[2])[0]
            twice = work.combine([one, appended, one], *TIME, suffix=form[2])[0]
            same_bytes(work, f"{one.name} appended", flat, appended, again, twice)
            # the command, in its place, and twice
            grown = work.combine(rest, *TIME, suffix=form[2])[0]
            for _ in range(2):
                work.run("append", grown, one, *TIME)
                same_bytes(work, f"{one.name} appended in its place", flat, grown)
        begun = work.folder / f"begun.{form[0]}.{form[2]}"
        for one in (c, a, b):
            work.run("append", begun, one, *TIME)
        same_bytes(work, f"{form[0]} one by one", flat, begun)
        other = work.sets([month(work, f"other{form[0]}.nc", [3, 9], 70)], form)[0]
        before = begun.read_bytes() if begun.is_file() else None
        said = work.run("append", begun, other, *TIME, code=1)
        work.count["refusals"] += 1
        if "duplicate" not in said or (before is not None and begun.read_bytes() != before):
            work.problem(f"what has another's time is appended: {said}")


@case("B.2 subchunk: compressed chunks are not cut")
def subchunk(work):
    values = np.arange(4 * 6 * 10, dtype="f4").reshape(4, 6, 10)
    for zlib in (False, True):
        p = Variable("time x y", values, zlib=zlib, chunksizes=(4, 6, 10))
        file = work.nc(f"{zlib}.nc", {"time": Variable("time", np.arange(4.0), DAYS), "p": p})
        set_, out = work.sets([file], FORMS[1])[0], work.folder / f"sub{zlib}.json"
        said = work.run("subchunk", set_, "p=8", "-o", out, code=1 if zlib else 0)
        if zlib:
            work.count["refusals"] += 1
            if out.exists() or "p" not in said:
                work.problem(f"subchunk of compressed chunks: {said}")
        else:
            work.count["answers"] += 1
            work.compare(out, opened([file])[0], "subchunk")
            chunks = references(out)["p"].encoding["chunks"]
            if tuple(chunks) != (1, 3, 10):
                work.problem(f"subchunk by 8: chunks {chunks}")
