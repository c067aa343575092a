"""Where coordinates come from (selectors, types), what kinds of arrays there are, groups, and bad input."""
import gzip
import json
import re

import numpy as np
import xarray as xr

from combined import FORMS, case, concat, opened, references
from combined import V as Variable
from combined_silent import DAYS, TIME, X, month, timed


def plane(work, name, base, attrs=None, v_attrs=None, **others):
    """A file without any record dimension."""
    v = Variable("y x", base + np.arange(6, dtype="f4").reshape(2, 3), v_attrs or {"units": "K"}, chunksizes=(2, 3))
    return work.nc(name, {"y": Variable("y", np.arange(2.0)), "x": Variable("x", X), "v": v, **others}, attrs={"title": "all", **(attrs or {})})


def stacked(files, dim, values, attrs=None):
    """What xarray makes of files along a new dimension."""
    coordinate = xr.Variable(dim, values, attrs or {})
    sets = opened(files)
    truth = xr.concat(sets, dim, data_vars=[n for n in sets[0].data_vars if sets[0][n].ndim > 1], coords="minimal", compat="override", combine_attrs="override")
    return truth.assign_coords({dim: coordinate})


@case("selectors: a new dimension from an index, attributes, names, lists, constants")
def new_dimension(work):
    files = [plane(work, f"run_{n}_of_3.nc", 10 * i, {"member": np.int32(n), "tag": f"m{n}"}, {"units": "K", "level": 0.5 * n}) for i, n in enumerate((3, 7, 12))]
    for selector, values in [
        ("INDEX", [0, 1, 2]),
        ("attr:member", [3, 7, 12]),
        ("vattr:v:level", [1.5, 3.5, 6.0]),
        ("list:[5,6,9]", [5, 6, 9]),
        ("list:[0.5,6,9]", [0.5, 6.0, 9.0]),
    ]:
        work.answer(files, "--coo-map", f"run={selector}", truth=stacked(files, "run", values), forms=FORMS[:4])
    for dtype, values in (("i4", [3, 7, 12]), ("f4", [3, 7, 12]), (">i2", [3, 7, 12]), ("u1", [3, 7, 12])):
        for selector in ("re:run_(\\d+)_", "attr:member"):
            options = ("--coo-map", f"run={selector}", "--coo-dtypes", f"run={dtype}")
            work.answer(files, *options, truth=stacked(files, "run", np.array(values, dtype)), forms=FORMS[:3])
    # texts are in the order of texts, as kerchunk has them
    texts = stacked([files[2], files[0], files[1]], "run", np.array(["12", "3", "7"]))
    work.answer(files, "--coo-map", r"run=re:run_(\d+)_", truth=texts, forms=FORMS[:3])
    texts = stacked([files[2], files[0], files[1]], "run", np.array(["m12", "m3", "m7"]))
    work.answer(files, "--coo-map", "run=attr:tag", truth=texts, forms=FORMS[:3])
    work.answer(files, "--coo-map", "run=attr:member", "--coo-dtypes", "run=U", truth=stacked([files[2], files[0], files[1]], "run", np.array(["12", "3", "7"])), forms=FORMS[:2])
    dates = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "M8[s]")
    listed = 'run=list:["2020-01-01","2020-02-01","2020-03-01"]'
    work.answer(files, "--coo-map", listed, "--coo-dtypes", "run=M8[s]", truth=stacked(files, "run", dates), forms=FORMS[:3])
    work.answer([files[0]], "--coo-map", "run=8", truth=stacked(files[:1], "run", [8]), forms=FORMS[:3])
    work.answer([files[0]], "--coo-map", "run=abc", truth=stacked(files[:1], "run", ["abc"]), forms=FORMS[:3])
    refused = [
        ("run=8", [], ["duplicate", r"run_3_of_3\.nc", r"run_7_of_3\.nc", "run=8"]),
        ("run=attr:tag", ["--coo-dtypes", "run=i4"], [r"run_3_of_3\.nc", '"m3" is no <i4']),
        ("run=attr:gone", [], [r"run_3_of_3\.nc", "no attribute gone"]),
        ("run=re:nothing_(.)", [], [r"run_3_of_3\.nc", "name does not match"]),
        ("run=list:[1,2]", [], [r"run_12_of_3\.nc", "the list has no value"]),
        ("run=vattr:gone:level", [], [r"run_3_of_3\.nc", "no array gone"]),
        ("run=data:gone", [], [r"run_3_of_3\.nc", "no array gone"]),
        ("run=list:[300,301,302]", ["--coo-dtypes", "run=u1"], ["300 is no .u1"]),
        ("run=list:[0.1,0.2,0.3]", ["--coo-dtypes", "run=f4"], ["0.1 is no <f4"]),
    ]
    for selector, options, words in refused:
        work.refused(files, "--coo-map", selector, *options, words=words, forms=FORMS[:2])


@case("selectors: VARNAME, variables of several files as one")
def variable_name(work):
    files = []
    for i, name in enumerate(("ta", "ua")):
        variables = {"time": Variable("time", np.arange(2.0), DAYS), name: Variable("time", i * 5 + np.arange(2, dtype="f4"))}
        files.append(work.nc(f"{name}.nc", variables))
    # two arrays of different names are two arrays; each is along the new dimension, and missing where it is not
    for form in FORMS[:3]:
        out, _ = work.combine(work.sets(files, form), "--concat-dims", "variable", "--coo-map", "variable=VARNAME", "--identical-dims", "time", "--policy", "missing=fill", suffix=form[2], code=3)
        truth = xr.concat(opened(files), "variable", data_vars="all", combine_attrs="override").assign_coords(variable=["ta", "ua"])
        work.count["answers"] += 1
        work.compare(out, truth, "VARNAME")


def as_times(truth, dtype):
    """Times that are of a type of times in the set too: without units, and without a calendar."""
    return truth.assign_coords(time=xr.Variable("time", truth["time"].values.astype(dtype), truth["time"].attrs))


@case("types of times: M8 from CF times, without stale units")
def datetimes(work):
    files = [month(work, "a.nc", [0, 1]), month(work, "b.nc", [48, 72], 10, time_attrs={"units": "hours since 2000-01-01", "calendar": "standard"})]
    filled = [month(work, f"f{n}.nc", [2 * n, 2 * n + 1], 10 * n, time_attrs={**DAYS, "_FillValue": -1.0}) for n in range(2)]
    for given in (files, files[:1], filled):
        truth = concat(given, "time")
        for selector in ("data:time", "cf:time"):
            for dtype in ("M8[s]", "M8[ns]"):
                work.answer(given, "--coo-map", f"time={selector}", "--coo-dtypes", f"time={dtype}", truth=as_times(truth, dtype), forms=FORMS[:3])
    # bounds have the units of their coordinates, which have none any more
    bounded = [timed(work, f"b{n}.nc", [2 * n, 2 * n + 1], "days since 2000-01-01", "standard", 0) for n in range(2)]
    work.answer(bounded, *TIME, "--coo-dtypes", "time=M8[s]", truth=as_times(concat(bounded, "time"), "M8[s]"), forms=FORMS[:3])
    bounded[1] = timed(work, "hours.nc", [48, 72], "hours since 2000-01-01", "standard", 0)
    work.refused(bounded, *TIME, "--coo-dtypes", "time=M8[s]", words=["time_bnds has the units of time, which differ"], forms=FORMS[:2])
    half = month(work, "half.nc", [0, 0.5])
    work.refused([half], *TIME, "--coo-dtypes", "time=M8[D]", words=["time", "no whole number of the type's unit"], forms=FORMS[:2])
    noleap = [month(work, f"n{n}.nc", [n], time_attrs={"units": "days since 2000-01-01", "calendar": "noleap"}) for n in range(2)]
    work.refused(noleap, *TIME, "--coo-dtypes", "time=M8[s]", words=["noleap"], forms=FORMS[:2])


@case("several dimensions of which one exists")
def two_dimensions(work):
    def runs(name, member, times, base):
        return month(work, name, times, base, attrs={"member": np.int32(member)}, drop=("mask", "n"))

    files = [runs("m0a.nc", 0, [0, 1], 0), runs("m0b.nc", 0, [2], 10), runs("m1a.nc", 1, [0, 1], 100), runs("m1b.nc", 1, [2], 110)]
    sets = opened(files)
    truth = xr.combine_nested([sets[:2], sets[2:]], ["member", "time"], data_vars="all", coords="minimal", compat="override", combine_attrs="override")
    truth = truth.assign_coords(member=[0, 1])
    options = ("--concat-dims", "member,time", "--coo-map", "member=attr:member")
    work.answer(files, *options, truth=truth)
    work.answer(files[::-1], *options, truth=truth, forms=FORMS[:3])
    # one of four is not there: missing chunks of floats read as NaN
    truth = xr.concat([xr.concat(sets[:2], "time", combine_attrs="override", data_vars="minimal", coords="minimal", compat="override"), sets[2]], "member", join="outer", data_vars="all", coords="minimal", compat="override", combine_attrs="override").assign_coords(member=[0, 1])
    work.answer(files[:3], *options, truth=truth)


@case("kinds of arrays along the dimension")
def kinds(work):
    record = np.dtype([("a", "<i4"), ("b", "<f8")])

    def kind(n, length, **how):
        rows = n * 10 + np.arange(length)
        texts = np.array([f"wörd {i}" * (1 + i % 3) for i in rows], object)
        return {
            "big": Variable("time x", np.repeat(rows, 3).reshape(-1, 3).astype(">f8"), chunksizes=(1, 3)),
            "bigrow": Variable("time", rows.astype(">i4"), chunksizes=(512,)),
            "words": Variable("time", texts),
            "record": Variable("time", np.array([(i, i / 4) for i in rows], record), **how),
            "char": Variable("time nchar", np.array([list(f"{i:04}") for i in rows], "S1")),
            "byte": Variable("time", (rows % 100).astype("u1")),
            "wide": Variable("time", rows.astype("u8") + np.uint64(2**63), chunksizes=(512,)),
        }

    for name, how in (("whole", {"chunksizes": (1,)}), ("long", {"chunksizes": (512,)}), ("zlib", {"chunksizes": (4,), "zlib": True})):
        files = [month(work, f"{name}{n}.nc", 10 * n + np.arange(length), **kind(n, length, **how)) for n, length in enumerate((3, 5, 2))]
        work.answer(files, *TIME, truth=concat(files, "time"))


@case("coordinates that are texts, big-endian, of several widths")
def odd_coordinates(work):
    def site(name, names, base):
        v = Variable("site x", base + np.arange(3 * len(names), dtype="f4").reshape(-1, 3), chunksizes=(1, 3))
        return work.nc(name, {"site": Variable("site", np.array(names, object)), "x": Variable("x", X), "v": v})

    files = [site("a.nc", ["alfa", "bravo"], 0), site("b.nc", ["charlie", "déltä"], 10)]
    work.answer(files[::-1], "--concat-dims", "site", truth=concat(files, "site"))
    work.refused([files[0], site("c.nc", ["bravo", "echo"], 20)], "--concat-dims", "site", words=["duplicate", 'site="bravo"', r"a\.nc", r"c\.nc"], forms=FORMS[:3])

    def of(name, values, base):
        v = Variable("k x", base + np.arange(3 * len(values), dtype="f4").reshape(-1, 3), chunksizes=(1, 3))
        return work.nc(name, {"k": Variable("k", values), "x": Variable("x", X), "v": v})

    for n, (one, two) in enumerate([(">f4", ">f4"), (">i2", ">i2"), ("<f4", "<f8"), ("i2", "i4"), ("u1", "f8"), (">f8", "<f8"), ("u4", "u4"), ("f4", "f4")]):
        files = [of(f"{n}a.nc", np.array([1, 2], one), 0), of(f"{n}b.nc", np.array([3, 4], two), 10)]
        truth = concat(files, "k")

        def check(out, _said, truth=truth):
            values = references(out)["k"].values
            if values.tolist() != truth["k"].values.tolist():
                work.problem(f"{one} and {two}: {values}")

        for form in FORMS[:3]:  # the type is one that holds both, not always NumPy's
            out, said = work.combine(work.sets(files, form), "--concat-dims", "k", suffix=form[2])
            check(out, said)
            work.count["answers"] += 1
            work.compare(out, truth.assign_coords(k=truth["k"].astype(references(out)["k"].dtype)), f"{one} and {two}")
    exact = [of("exact.nc", np.array([2**53 + 1], "i8"), 0), of("float.nc", np.array([0.5]), 10)]
    work.refused(exact, "--concat-dims", "k", words=["9007199254740993", r"exact\.nc"], forms=FORMS[:2])


@case("arrays without the dimension: the same, or refused")
def static(work):
    def of(name, n, depth, units="K"):
        depth = Variable("y x", np.asarray(depth, "f4"), chunksizes=(2, 3))
        return month(work, name, [n], 10 * n, depth=depth, y=Variable("y", np.arange(2.0)), v=Variable("time x", np.full((1, 3), n, "f4"), {"units": units, "long_name": f"run {n}"}, chunksizes=(1, 3)))

    same = np.arange(6).reshape(2, 3)
    files = [of("a.nc", 0, same), of("b.nc", 1, same), of("c.nc", 2, same)]
    work.answer(files, *TIME, truth=concat(files, "time"))
    odd = [of("a.nc", 0, same), of("odd.nc", 1, same + 1)]
    forms = [form for form in FORMS if form[1] == ["--inline-threshold", "0"]]
    work.refused(odd, *TIME, words=[r"error: depth: static: its values are not those of .*a\.nc", r"odd\.nc"], forms=forms)
    work.answer(odd, *TIME, "--policy", "static=first", truth=concat(odd, "time"), code=3, forms=forms)
    work.answer(odd, *TIME, "--policy", "static=drop", truth=concat(odd, "time").drop_vars("depth"), code=3, forms=forms)
    work.answer(odd, *TIME, "--identical-dims", "depth", truth=concat(odd, "time"))
    expanded = concat(odd, "time", data_vars=["depth"])
    work.answer(odd, *TIME, "--policy", "static=expand", truth=expanded, code=3, forms=forms)
    # inline arrays are compared by their bytes, and expanded where they differ
    work.answer(odd, *TIME, truth=expanded, forms=[form for form in FORMS if form not in forms])
    work.refused(files, *TIME, "--identical-dims", "v", words=["v is said to be the same in all sets, and has a dimension along which"], forms=FORMS[:2])
    work.refused(odd, *TIME, "--policy", "attributes=error", words=[r'v/long_name: attributes: long_name is "run 1" instead of "run 0"', r"odd\.nc"], forms=FORMS[:2])


@case("groups")
def groups(work):
    def of(name, times, base):
        members = {
            "/": {"time": Variable("time", np.array(times, "f8"), DAYS), "top": Variable("time", base + np.arange(len(times), dtype="i4"), chunksizes=(512,))},
            "model": {"x": Variable("x", X), "v": Variable("time x", base + np.arange(3 * len(times), dtype="f4").reshape(-1, 3), chunksizes=(1, 3))},
            "model/deep": {"z": Variable("time", base + np.arange(len(times), dtype="f8"), chunksizes=(512,)), "level": Variable("level", np.arange(2.0))},
        }
        return work.nc(name, members.pop("/"), groups=members, attrs={"title": "all"})

    files = [of("a.nc", [0, 1, 2], 0), of("b.nc", [3, 4], 50)]
    truths = {group: concat(files, "time", {"group": group}) for group in (None, "model", "model/deep")}
    # a group by itself has no coordinates of a dimension that its parent has: xarray sees none either
    for form in FORMS:
        out, _ = work.combine(work.sets(files, form), *TIME, suffix=form[2])
        for group, truth in truths.items():
            work.count["answers"] += 1
            work.compare(out, truth, f"group {group} from {form[0]} {form[1]}", group)

    def inner(name, times, base):
        members = {"time": Variable("time", np.array(times, "f8"), DAYS), "n": Variable("time", base + np.arange(len(times)), chunksizes=(512,))}
        return work.nc(name, {"other": Variable("k", np.arange(3 + base))}, groups={"g/h": members})

    files = [inner("g0.nc", [0, 1], 0), inner("g1.nc", [2], 5)]
    truth = concat(files, "time", {"group": "g/h"})
    work.answer(files, *TIME, "--group", "/g/h", truth=truth)
    work.refused(files, *TIME, "--group", "g/gone", words=["gone|time"], forms=FORMS[:2])
    for form in FORMS[:3]:
        out, _ = work.combine(work.sets(files, form), *TIME, "--coo-map", "time=data:g/h/time", "--drop", "other", suffix=form[2])
        work.count["answers"] += 1
        work.compare(out, truth, "data:g/h/time", "g/h")


@case("bad input")
def bad_input(work):
    good = month(work, "good.nc", [0, 1])
    set_ = work.sets([good])[0]
    whole = set_.read_text()
    cases = {
        "text.json": (b"this is no set", r"text\.json"),
        "cut.json": (whole[: len(whole) // 2].encode(), r"cut\.json"),
        "cut.json.gz": (gzip.compress(whole.encode())[:-40], r"cut\.json\.gz"),
        "empty.json": (b"", r"empty\.json"),
        "list.json": (b"[1, 2]", r"list\.json"),
        "cut.nc": (good.read_bytes()[:300], r"cut\.nc"),
        "nothing.json": (b'{"version": 1, "refs": {}}', r"nothing\.json|there is no"),
        "range.json": (json.dumps({"version": 1, "refs": {**json.loads(whole)["refs"], "v/0.0": ["x", -1, 5]}}).encode(), r"range\.json"),
        "outside.json": (json.dumps({"version": 1, "refs": {**json.loads(whole)["refs"], "v/9.0": ["x", 1, 12]}}).encode(), r"outside\.json"),
    }
    for name, (content, word) in cases.items():
        (work.folder / name).write_bytes(content)
        for inputs in ([work.folder / name], [set_, work.folder / name], [work.folder / name, set_]):
            _, said = work.combine(inputs, *TIME, code=1)
            work.count["refusals"] += 1
            if not re.search(word, said):
                work.problem(f"{name}: {said}")
    no_time = work.nc("no_time.nc", {"x": Variable("x", X)})
    work.refused([good, no_time], *TIME, words=[r"no_time\.nc", "there is no array time", "--coo-map time="], forms=FORMS[:3])
    gone = work.folder / "gone.json"
    for inputs, words, code in ([[gone], ["gone.json"], 1], [[], ["INPUTS"], 2], [[set_, "@gone.txt"], ["gone.txt"], 1]):
        _, said = work.combine(inputs, *TIME, code=code)
        if not all(word in said for word in words):
            work.problem(f"{inputs}: {said}")
    (work.folder / "none.txt").write_text("\n")
    said = work.combine(["@none.txt"], *TIME, code=1)[1]
    if "no inputs" not in said:
        work.problem(f"an empty list: {said}")
    if "--concat-dims" not in work.combine([set_], code=1)[1]:
        work.problem("no dimension named")
    # what a chunk needs is not there any more
    moved = work.nc("moved.nc", {"time": Variable("time", np.arange(2.0), DAYS), "n": Variable("time", np.arange(2), chunksizes=(512,))})
    lost = work.sets([moved], FORMS[1])[0]
    moved.unlink()
    words = [r"moved\.nc"]
    said = work.combine([lost, set_], *TIME, code=1)[1]
    if not all(re.search(word, said) for word in words):
        work.problem(f"a file that is gone: {said}")
    # an output that cannot be written
    (work.folder / "file").write_text("not a folder")
    before = sorted(p.name for p in work.folder.iterdir())
    for out in ("file/out.json", "file/out.parq", "missing/out.json"):
        said = work.run("combine", set_, *TIME, "-o", work.folder / out, code=1)
        work.count["refusals"] += 1
        if "out." not in said and "file" not in said and "missing" not in said:
            work.problem(f"{out}: {said}")
    (work.folder / "taken.parq").mkdir()
    (work.folder / "taken.parq" / "mine").write_text("keep")
    work.run("combine", set_, *TIME, "-o", work.folder / "taken.parq", code=1)
    if sorted(p.name for p in work.folder.iterdir()) != sorted([*before, "taken.parq"]) or (work.folder / "taken.parq" / "mine").read_text() != "keep":
        work.problem(f"something is left: {sorted(p.name for p in work.folder.iterdir())}")
