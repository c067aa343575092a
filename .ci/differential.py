"""Compares what this crate reads of datasets with what libhdf5 reads of them, through h5py.

    differential.py --values PROGRAM [--refusals FILE] FILE_OR_FOLDER...

PROGRAM is `examples/values.rs`, which says what form elements are compared in. Each file is read in a process of its own: libhdf5 dies of
some. Exit code 1: a dataset reads differently, or is refused though h5py reads it and no line of REFUSED says why.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import functools
import hashlib
import json
import operator
import os
import signal
import struct
import subprocess
import sys

# Files, datasets and reasons, each a pattern: what is refused although h5py reads it, and why that is right.
REFUSED = [
    ("*/filter/registered.h5", "*", "*which is not done", "other filters than the ones that are undone here"),
    ("*/gen/filters/*", "*", "*which is not done", "the same"),
    ("*/filter/nbit_records.h5", "/lost", "*nbit stream*", "libhdf5 reads other values than were written"),
    ("*/real/*", "*", "*which is not done", "the same"),
    ("*/datatype/deep.h5", "/d1*", "*datatype_depth*", "deeper than the default of a limit"),
    ("*/cvefiles/*", "*", "*", "files made to be broken: libhdf5 does not see every contradiction"),
    ("*/fuzzerfiles/*", "*", "*", "the same"),
    ("*/bad_offset.h5", "*", "*LocalHeap*", "the same"),
    ("*/hostile/rows_of_blocks/virtual.h5", "/part", "*reaches over the end*", "made by fuzzing: libhdf5 reads some boxes of it, and not the whole"),
    ("*/vds_i32_to_f64.h5", "*", "*another datatype", "converted values are not what is stored"),
    ("*/data_layout/virtual_refused.h5", "/of_itself", "*a source of itself", "its values depend on one another"),
    ("*/data_layout/virtual_refused.h5", "/other_type", "*another datatype", "converted values are not what is stored"),
]

# What reads differently, and why that is right.
DIFFERENT = [
    ("*/cve-2025-44905.h5", "/Array_le", "*h5py: float128*", "exponents beyond those of a double: told as the bytes of the file"),
]

TOGETHER, MOST_BLOCKS = 1 << 18, 512
NAN = struct.pack("<Q", 0x7FF8000000000000)


def fixed(dtype, values, file):
    """An array of one row of bytes for each element, or None where rows differ in length."""
    import h5py
    import numpy

    count = values.size
    if not count:
        return numpy.empty((0, 0), numpy.uint8)
    rows = lambda array: numpy.ascontiguousarray(array).reshape(count, -1).view(numpy.uint8).reshape(count, -1)
    if dtype.hasobject or dtype.kind == "S":
        return None
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        length = int(numpy.prod(shape))
        inner = fixed(base, values.reshape(-1), file)
        return None if inner is None else inner.reshape(count // length if length else count, -1)
    if dtype.kind == "V" and dtype.names:
        parts = [fields(dtype, name, values, file, fixed) for name in dtype.names]
        return None if any(part is None for part in parts) else numpy.concatenate(parts, axis=1)
    if dtype.kind in "VmM":
        length = numpy.full((count, 1), dtype.itemsize, "<u4")
        return numpy.concatenate([rows(length), rows(values.view(f"V{dtype.itemsize}"))], axis=1)
    if dtype.kind == "f" and dtype.itemsize > 8:
        length = numpy.full((count, 1), 10, "<u4")
        return numpy.concatenate([rows(length), rows(values.astype("<f16"))[:, :10]], axis=1)
    if dtype.kind == "f":
        with numpy.errstate(invalid="ignore"):
            doubles = values.astype("<f8")
        doubles = doubles.copy() if doubles is values else doubles
        doubles[numpy.isnan(doubles)] = struct.unpack("<d", NAN)[0]
        return rows(doubles)
    if dtype.kind == "c":
        parts = numpy.stack([values.real, values.imag], axis=-1)
        return fixed(parts.dtype, parts.reshape(-1), file).reshape(count, -1)
    if dtype.kind in "iub":
        return rows(values.astype("<i8" if dtype.kind == "i" else "<u8"))
    raise TypeError(f"no form of {dtype}")


def fields(dtype, name, values, file, form):
    """What a form makes of one field of records."""
    import numpy

    field = dtype.fields[name][0]
    part = values[name]
    if field.subdtype is not None:
        base, shape = field.subdtype
        made = form(base, part.reshape(-1), file)
        length = int(numpy.prod(shape))
        if made is None:
            return None
        if isinstance(made, list):
            return [b"".join(made[n * length : (n + 1) * length]) for n in range(values.size)]
        return made.reshape(values.size, -1)
    return form(field, part, file)


def listed(dtype, values, file):
    """The same as a list of bytes."""
    import h5py

    whole = fixed(dtype, values, file)
    if whole is not None:
        return [row.tobytes() for row in whole]
    if dtype.kind == "V" and dtype.names:
        parts = [fields(dtype, name, values, file, listed) for name in dtype.names]
        return [b"".join(row) for row in zip(*parts)]
    if dtype.kind == "S" or h5py.check_string_dtype(dtype) is not None:
        texts = [value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value for value in values.tolist()]
        return [struct.pack("<I", len(text)) + text for text in [text or b"" for text in texts]]
    if h5py.check_ref_dtype(dtype) is not None:
        return [reference(value, file) for value in values.tolist()]
    base = h5py.check_vlen_dtype(dtype)
    if base is not None:
        return [sequence(base, value, file) for value in values]
    raise TypeError(f"no form of {dtype}")


def sequence(base, value, file):
    import numpy

    if base.subdtype is not None:
        inner, shape = base.subdtype
        value = numpy.asarray(value, dtype=inner)
        count = value.size // int(numpy.prod(shape))
        return struct.pack("<I", count) + b"".join(listed(inner, value.reshape(-1), file))
    value = numpy.asarray(value, dtype=base)
    return struct.pack("<I", value.size) + b"".join(listed(base, value.reshape(-1), file))


def reference(value, file):
    import h5py

    if not value:
        return struct.pack("<Q", 2**64 - 1)
    try:
        if isinstance(value, h5py.RegionReference):
            found = h5py.h5r.dereference(value, file.id)
        else:
            found = file[value].id
        return struct.pack("<Q", address(found))
    except Exception:
        return struct.pack("<Q", 2**64 - 2)


def address(found):
    import h5py

    info = h5py.h5o.get_info(found)
    return info.addr


def blocks(shape):
    """The blocks of a dataset as examples/values.rs has them."""
    product = lambda sizes: functools.reduce(operator.mul, sizes, 1)
    if not shape:
        yield ()
        return
    axis = next(axis for axis in range(len(shape)) if product(shape[axis + 1 :]) <= TOGETHER)
    rows = max(1, TOGETHER // max(1, product(shape[axis + 1 :])))
    per_index = -(-shape[axis] // rows)
    count = product(shape[:axis]) * per_index
    for n in range(0, count, max(1, -(-count // MOST_BLOCKS))):
        start = n % per_index * rows
        block, rest = [slice(start, min(start + rows, shape[axis]))], n // per_index
        for size in reversed(shape[:axis]):
            block.insert(0, slice(rest % size, rest % size + 1))
            rest //= size
        yield tuple(block)


def forms(dataset):
    """The form of the elements, block by block."""
    import h5py
    import numpy

    if dataset.shape is None:
        return
    for block in blocks(dataset.shape):
        values = dataset[block]
        if isinstance(values, numpy.ndarray) and values.dtype.kind != "O":
            array = values
        elif isinstance(values, numpy.generic) and values.dtype.kind != "O":
            array = numpy.asarray(values)
        elif isinstance(values, numpy.ndarray) and dataset.shape:
            array = values
        else:
            array = numpy.empty(1, object)
            array[0] = values
        dtype = dataset.dtype
        if dtype.subdtype is not None:
            dtype = dtype.subdtype[0]
        array = array.reshape(-1)
        if dtype.kind == "S" and isinstance(dataset.id.get_type(), h5py.h5t.TypeOpaqueID):
            # Opaque bytes that say they are NumPy's: all count, NULs at the end too.
            dtype, array = numpy.dtype(f"V{dtype.itemsize}"), array.view(f"V{dtype.itemsize}")
        whole = fixed(dtype, array, dataset.file) if array.size else None
        yield b"" if not array.size else whole.tobytes() if whole is not None else b"".join(listed(dtype, array, dataset.file))


def h5py_of(path, dump=None):
    """What h5py reads: one line of JSON for each dataset."""
    import h5py
    import hdf5plugin  # noqa: F401

    os.chdir(os.path.dirname(path) or ".")
    with h5py.File(os.path.basename(path), "r") as file:
        for place, name in datasets(file):
            if dump is not None and name != dump:
                continue
            line = {"path": name, "address": place}
            try:
                dataset = file[name]
                line["shape"] = dataset.shape
                line["type"] = str(dataset.dtype)
                hash = hashlib.sha256()
                for form in forms(dataset):
                    hash.update(form)
                    if dump is not None:
                        sys.stdout.buffer.write(form)
                line["sha256"] = hash.hexdigest()
            except Exception as error:
                line["error"] = f"{type(error).__name__}: {error}"
            if dump is None:
                print(json.dumps(line), flush=True)


def datasets(file):
    """Address and path of every dataset that hard links lead to; what cannot be reached is told."""
    import h5py

    seen, rest = {address(file.id)}, ["/"]
    while rest:
        group = rest.pop()
        try:
            names = list(file[group])
        except Exception as error:
            print(json.dumps({"path": group, "error": f"{type(error).__name__}: {error}"}), flush=True)
            continue
        for name in names:
            path = f"{group.rstrip('/')}/{name}"
            try:
                if not isinstance(file.get(path, getlink=True), h5py.HardLink):
                    continue
                item = file[path]
                place = address(item.id)
            except Exception as error:
                print(json.dumps({"path": path, "error": f"{type(error).__name__}: {error}"}), flush=True)
                continue
            if place not in seen:
                seen.add(place)
                if isinstance(item, h5py.Group):
                    rest.append(path)
                elif isinstance(item, h5py.Dataset):
                    yield place, path


def lines(command, **more):
    """The lines of JSON that a command writes, and what ended it if not itself."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=300, **more)
    except subprocess.TimeoutExpired:
        return [], "it took more than 300 s"
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode < 0:
        return found, f"killed by {signal.Signals(-done.returncode).name}"
    told = done.stderr.decode(errors="replace").strip().splitlines()
    return found, (told[-1] if told else "it failed") if done.returncode else None


def compare(path, program):
    """Each dataset of a file: its path, what became of it, and why."""
    path = os.path.abspath(path)
    environment = dict(os.environ, HDF5_EXTFILE_PREFIX="${ORIGIN}", HDF5_VDS_PREFIX="${ORIGIN}", HDF5_USE_FILE_LOCKING="FALSE")
    theirs, death = lines([sys.executable, __file__, "--h5py", path], env=environment)
    ours, failure = lines([program, "--external-root", os.path.dirname(path), path])
    results = []
    if death and not theirs:
        return [("", "h5py cannot", death)]
    if failure:
        return [("", "refused", failure)]
    by_address = {line["address"]: line for line in ours}
    for their in theirs:
        our = by_address.get(their.get("address"))
        if "error" in their:
            results.append((their["path"], "h5py cannot", their["error"]))
        elif our is None:
            results.append((their["path"], "refused", "it is not listed"))
        elif "error" in our:
            results.append((their["path"], "refused", our["error"]))
        elif our["sha256"] != their["sha256"]:
            results.append((their["path"], "different", f"{our['type']} {our['shape']}, h5py: {their['type']} {their['shape']}"))
        elif (their["shape"] or []) != our["shape"]:
            results.append((their["path"], "different", f"shape {our['shape']}, h5py: {their['shape']}"))
        else:
            results.append((their["path"], "equal", our["type"]))
    return results


def is_listed(outcome, file, path, why):
    return any(
        fnmatch.fnmatch(file, one) and fnmatch.fnmatch(path, two) and fnmatch.fnmatch(why, three)
        for one, two, three, _ in (REFUSED if outcome == "refused" else DIFFERENT)
    )


def files(names):
    for name in names:
        if os.path.isfile(name):
            yield name
        for folder, _, members in sorted(os.walk(name)):
            for member in sorted(members):
                if member.endswith((".h5", ".hdf5", ".nc", ".nc4", ".he5", ".hdf", ".h5ad", ".loom", ".mat", ".cdf")):
                    yield os.path.join(folder, member)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--values", help="the program made of examples/values.rs")
    parser.add_argument("--h5py", help="print what h5py reads of a file")
    parser.add_argument("--dump", help="with --h5py, the form of this dataset instead")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="a line for each dataset that h5py cannot read, too")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    if arguments.h5py:
        return h5py_of(arguments.h5py, arguments.dump)
    program = os.path.abspath(arguments.values)
    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        names = list(files(arguments.files))
        for name, results in zip(names, pool.map(lambda name: compare(name, program), names)):
            for path, outcome, why in results:
                if outcome in ("different", "refused") and is_listed(outcome, name, path, why):
                    outcome = f"{outcome}, as listed"
                counts[outcome] += 1
                if outcome in ("different", "refused") or (arguments.verbose and outcome != "equal"):
                    print(f"{outcome}: {name} {path}: {why}", flush=True)
    print(f"{len(names)} files: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    return 1 if counts["different"] or counts["refused"] or not counts["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
