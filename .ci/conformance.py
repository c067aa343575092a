"""Runs the conformance judge over files, and asks another truth where a rule of the judge is not the file's.

    conformance.py --judge FOLDER --bin PROGRAM [--index INDEX.json] [--jobs N] [--out OUT.json] FILE_OR_FOLDER...
    conformance.py --judge FOLDER --bin PROGRAM --selftest

FOLDER holds the judge: `oracle.py`, which was tuned with kerchunk as its only subject, and `run_all.py`, whose other options are taken too.
With `--selftest` references are damaged, and each damage must be noticed: those of the judge, and some for each of the answers. Files of
netCDF classic and DMR++ are not for this judge: `interop/with_netcdf3.py` and `with_dmrpp.py` ask xarray.

What it calls wrong stays wrong, unless each of its complaints is answered here from h5py or netCDF-C, never from what is judged:

* dimensions without scales have names of no meaning: what counts is that each name has one length in a group (the judge numbers axes, so
  that `phony_dim_0` has two);
* an empty text is empty (kerchunk makes a space of it);
* labels of dimensions belong to the dimensions;
* members of enumerations are CF's flags, which must be those of the type;
* records are compared field by field, by name: each leaf has the type and place that h5py tells, what is not a leaf is padding, and the
  values are the same; texts of variable length are held as long as the longest;
* arrays of arrays have all their dimensions;
* variables of netCDF-4 that are called otherwise in HDF5, and those that are shorter than their unlimited dimension, read as netCDF-C reads
  them;
* a group that lies in itself is there once.

Each answer is counted. Exit code 1 where something is wrong, panicked, hung or crashed.
"""

import base64
import collections
import copy
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy

NON_COORDINATE = "_nc4_non_coord_"


def leaves(dtype, at=0, name=""):
    """Name, offset and type of every leaf of a record; those of arrays are numbered."""
    if dtype.names:
        for member in dtype.names:
            kind, offset = dtype.fields[member][:2]
            yield from leaves(kind, at + offset, f"{name}.{member}" if name else member)
    elif dtype.subdtype:
        base, shape = dtype.subdtype
        for n, index in enumerate(numpy.ndindex(shape)):
            yield from leaves(base, at + n * base.itemsize, ".".join([name, *map(str, index)]))
    else:
        yield name, at, dtype


def leaf_values(values, dtype, name=""):
    """The same, with the values of each."""
    if dtype.names:
        for member in dtype.names:
            yield from leaf_values(values[member], dtype.fields[member][0], f"{name}.{member}" if name else member)
    elif dtype.subdtype:
        base, shape = dtype.subdtype
        for index in numpy.ndindex(shape):
            yield from leaf_values(values[(..., *index)], base, ".".join([name, *map(str, index)]))
    else:
        yield name, values


def nested(kind):
    """Dimensions of arrays in arrays, and the type of their elements."""
    if kind.get_class() != h5py.h5t.ARRAY:
        return [], kind
    inner, element = nested(kind.get_super())
    return [*kind.get_array_dims(), *inner], element


def told_flags(dataset):
    """What CF has for the members of an enumeration."""
    kind = dataset.id.get_type()
    while kind.get_class() == h5py.h5t.ARRAY:
        kind = kind.get_super()
    if kind.get_class() != h5py.h5t.ENUM:
        return None
    members = sorted((kind.get_member_value(n), kind.get_member_name(n).decode()) for n in range(kind.get_nmembers()))
    return {"flag_values": [value for value, _ in members], "flag_meanings": " ".join(name for _, name in members)}


def settled(oracle):
    """The judge, whose complaints are answered where another truth has the answer."""

    class Settled(oracle.Judge):
        answered = collections.Counter()

        def dataset(self, ds, path):
            folder, _, name = path.rpartition("/")
            beside = lambda other: f"{folder}/{other}" if folder else other
            if beside(NON_COORDINATE + name) in ds.file and self.nc_dims(path) is not None:
                # What has its name is a dimension; the variable is judged where netCDF-C has it.
                return {"status": "skipped"}
            if name.startswith(NON_COORDINATE):
                path = beside(name.removeprefix(NON_COORDINATE))
            try:
                report = super().dataset(ds, path)
            except Exception as error:
                # It cannot print some types of h5py's.
                report = {"status": "wrong", "errors": [f"dtype: {error}"]}
            if report.get("status") == "wrong":
                self.answer(ds, path, report)
            return report

        def answer(self, ds, path, report):
            found = [self.settles(ds, path, *error.split(": ", 1)) for error in report["errors"]]
            report["errors"] = [error for error, rule in zip(report["errors"], found) if not rule]
            if not report["errors"]:
                report["status"] = "ok"
                report["notes"] = [*report.get("notes", []), *(f"answered: {rule}" for rule in dict.fromkeys(found))]
                del report["errors"]

        def settles(self, ds, path, code, _text):
            """The rule by which a complaint is answered."""
            try:
                array = self.R.js(path + "/.zarray")
                if code == "dims":
                    return self.are_dimensions(ds, path) and "dimensions without scales"
                if code == "attrs":
                    return self.are_attributes(ds, path) and "attributes"
                if ds.dtype.names and code in ("dtype", "values", "unreadable"):
                    return self.are_records(ds, path, array) and "records"
                if ds.dtype.subdtype and code in ("dtype", "shape", "values"):
                    return self.are_arrays(ds, path, array) and "arrays of arrays"
                if code == "values":
                    return self.is_as_netcdf_reads(path, array) and "shorter than its dimension"
            except Exception as error:
                print(f"{self.src} {path}: {code} is not answered: {type(error).__name__}: {error}", file=sys.stderr)
            return None

        def are_dimensions(self, ds, path):
            """Whether axes with scales have their names, and no name has two lengths in a group."""
            names, shape = (self.R.js(path + key)[what] for key, what in (("/.zattrs", "_ARRAY_DIMENSIONS"), ("/.zarray", "shape")))
            scales = [oracle.truth_dims(ds)[n] if len(ds.dims[n]) or h5py.h5ds.is_scale(ds.id) else None for n in range(len(ds.shape))]
            lengths = collections.defaultdict(set)
            folder = path.rpartition("/")[0]
            for array in self.R.arrays:
                if array.rpartition("/")[0] == folder:
                    of_array = self.R.js(array + "/.zattrs").get("_ARRAY_DIMENSIONS") or []
                    for dimension, length in zip(of_array, self.R.js(array + "/.zarray")["shape"]):
                        lengths[dimension].add(length)
            named = all(told is None or name in told for name, told in zip(names, scales))
            return named and len(names) == len(shape) and all(len(lengths[name]) == 1 for name in names)

        def are_attributes(self, obj, path):
            """Whether the judge finds no fault once empty texts are empty and flags are those of the type."""
            found = self.R.js((path + "/" if path else "") + ".zattrs") or {}
            truth, bad = oracle.truth_attrs(obj)
            for name in list(truth):
                if truth[name][0] == " " and obj.attrs[name] in (b"", ""):
                    truth[name] = ("", False)
            flags = told_flags(obj) if isinstance(obj, h5py.Dataset) else None
            if flags and not {"flag_values", "flag_meanings", "flag_masks"} & set(truth):
                truth |= {name: (value, False) for name, value in flags.items()}
            truth.pop("DIMENSION_LABELS", None)
            if isinstance(obj, h5py.Group):
                found = {name: value for name, value in found.items() if name != "_ARRAY_DIMENSIONS"}
            complaints = []
            self.cmp_attrs(truth, found, lambda code, text: complaints.append(text), bad)
            return not complaints

        def are_records(self, ds, path, array):
            ours = dict((name, (at, kind)) for name, at, kind in leaves(oracle.parse_dtype(array["dtype"])))
            truth = {name: (at, kind) for name, at, kind in leaves(ds.dtype) if name}
            # What is held inline was decoded, and may be packed closer.
            held = not any(isinstance(self.R.r[f"{path}/{chunk}"], list) for chunk in self.R.chunks.get(path, []))
            for name, (at, kind) in truth.items():
                our_at, our_kind = ours.pop(name)
                is_text = kind.kind == "O" and h5py.check_string_dtype(kind) is not None and our_kind.kind == "S"
                if not (is_text or (our_kind == kind and (held or our_at == at))):
                    return False
            if any(kind.kind != "V" or not name.startswith("__padding_") for name, (_, kind) in ours.items()):
                return False
            whole = tuple(slice(0, size) for size in array["shape"])
            read, values = self.own_read(path, array, whole), ds[()]
            for name, expected in leaf_values(values, ds.dtype):
                if name and not self.is_same(expected, read[name]):
                    return False
            return True

        @staticmethod
        def is_same(expected, read):
            if expected.dtype.kind == "O":
                texts = [text.encode() if isinstance(text, str) else text or b"" for text in expected.ravel().tolist()]
                return texts == read.ravel().tolist()
            return expected.shape == read.shape and expected.tobytes() == read.astype(expected.dtype).tobytes()

        def are_arrays(self, ds, path, array):
            """Arrays in arrays, which NumPy has no type for: as their bytes."""
            dimensions, element = nested(ds.id.get_type())
            if array["shape"] != [*ds.shape, *dimensions] or oracle.parse_dtype(array["dtype"]) != element.dtype:
                return False
            whole = tuple(slice(0, size) for size in array["shape"])
            offset, size = ds.id.get_offset(), ds.id.get_storage_size()
            return offset is not None and self.raw.at(offset, size) == self.own_read(path, array, whole).tobytes()

        def is_as_netcdf_reads(self, path, array):
            if self.nc_dims(path) is None:
                return False
            variable = self._nc[path]
            variable.set_auto_maskandscale(False)
            whole = tuple(slice(0, size) for size in array["shape"])
            expected, read = numpy.asarray(variable[...]), self.own_read(path, array, whole)
            return expected.shape == read.shape and expected.tobytes() == read.astype(expected.dtype).tobytes()

        def group(self, group, path):
            report = super().group(group, path)
            if report["status"] == "wrong":
                errors = {error.split(": ", 1)[0] for error in report["errors"]}
                if errors == {"attrs"} and self.are_attributes(group, path):
                    return {"status": "ok"}
                # A link back to a group that it lies in, of which there would be no end.
                if errors == {"group_missing"} and self.lies_in_itself(group, path):
                    return {"status": "ok"}
            return report

        def lies_in_itself(self, group, path):
            above = ["", *(path.rsplit("/", n)[0] for n in range(1, path.count("/") + 1))]
            return any(group.file["/" + other] == group and other in self.R.groups for other in above)

    return Settled


def harmed(program, oracle):
    """Damages that the answers must not cover, each of them named if it is not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/s.h5", f"{folder}/r.json"
        with h5py.File(source, "w") as file:
            file.attrs["empty"] = numpy.bytes_(b"")
            colours = h5py.enum_dtype({"red": 1, "blue": 5}, basetype="i2")
            file.create_dataset("colours", data=numpy.array([1, 5, 5], "i2"), dtype=colours)
            record = numpy.dtype({"names": ["a", "b"], "formats": ["<i2", ("<f4", (2,))], "offsets": [0, 4], "itemsize": 12})
            file.create_dataset("records", data=numpy.array([(1, (2, 3)), (4, (5, 6))], record))
            file.create_dataset("wide", data=numpy.ones((2, 7)))
        subprocess.run([program, "scan", source, "-o", out, "--inline-threshold", "0"], check=True)
        good = json.load(open(out))

        def change(refs, key, how):
            document = json.loads(refs[key])
            how(document)
            refs[key] = json.dumps(document)

        def swap(document):
            document["dtype"][0][0], document["dtype"][2][0] = document["dtype"][2][0], document["dtype"][0][0]

        def bytes_of(refs):
            _, at, length = refs["records/0"]
            with open(source, "rb") as file:
                file.seek(at)
                refs["records/0"] = "base64:" + base64.b64encode(file.read(length)[::-1]).decode()

        damages = {
            "nothing": lambda refs: None,
            "a flag of another value": lambda refs: change(refs, "colours/.zattrs", lambda d: d.update(flag_values=[1, 6])),
            "a flag of another name": lambda refs: change(refs, "colours/.zattrs", lambda d: d.update(flag_meanings="red blau")),
            "fields that are swapped": lambda refs: change(refs, "records/.zarray", swap),
            "a field of another type": lambda refs: change(refs, "records/.zarray", lambda d: d["dtype"][0].__setitem__(1, "<u2")),
            "records of other bytes": bytes_of,
            "a space for an empty text": lambda refs: change(refs, ".zattrs", lambda d: d.update(empty="x")),
            "a name of two lengths": lambda refs: change(refs, "wide/.zattrs", lambda d: d.update(_ARRAY_DIMENSIONS=["same", "same"])),
        }
        missed = []
        for name, damage in damages.items():
            broken = copy.deepcopy(good)
            damage(broken["refs"])
            json.dump(broken, open(out, "w"))
            found = oracle.check(source, out, inline=0)["summary"]
            if bool(found["wrong"] + found["groups_wrong"] + found["oracle_error"]) == (name == "nothing"):
                missed.append(name)
        print(f"{len(damages) - len(missed)} of {len(damages)} as they should be", *missed, sep="; ")
        return missed


def is_hdf5(path):
    """Whether a file is for this judge: neither netCDF classic nor XML."""
    with open(path, "rb") as file:
        return not file.read(5).startswith((b"CDF", b"<?xml", b"<Data"))


def main():
    arguments = sys.argv[1:]
    if "--judge" not in arguments:
        sys.exit(__doc__)
    at = arguments.index("--judge")
    folder = arguments[at + 1]
    del arguments[at : at + 2]
    sys.path.insert(0, os.path.abspath(folder))
    import oracle
    import run_all

    oracle.Judge = settled(oracle)
    if "--selftest" in arguments:
        if harmed(arguments[arguments.index("--bin") + 1], oracle):
            sys.exit(1)
        # It ends with an exit code of its own.
        import selftest  # noqa: F401
    sys.argv = [run_all.__file__, *arguments]
    expand = run_all.expand
    run_all.expand = lambda paths: [path for path in expand(paths) if is_hdf5(path)]
    results = []
    table = run_all.table
    run_all.table = lambda found: (results.extend(found), table(found))
    run_all.main()
    harm = [found for found in results if found["verdict"] in ("wrong", "panicked", "hung", "crashed", "oom", "unclear")]
    for found in harm:
        print(found["verdict"], found["path"], found.get("bad"), found.get("bad_groups"))
    sys.exit(bool(harm))


if __name__ == "__main__":
    main()
