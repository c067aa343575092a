"""The files of testdata, and what libhdf5 reads from them, through h5py."""
import sys

import h5py
import hdf5plugin  # noqa: F401 (filters for h5py; before netCDF4, whose own would disturb it)
import numpy as np

from values import text


# Files that the readers are not asked about, and where it is held what becomes of them.
LEFT_OUT = {
    "datatype/deep.h5": "the default limits refuse two of its datasets: tests/it/golden.rs reads it without, tests/it/limits.rs with them",
    "group/dangerous_names.h5": "many of its names can be no keys: tests/it/names.rs tells what becomes of each",
}


def sources(testdata):
    """{file: name} of every file and of every family of files; h5py learns the filters that only testdata has."""
    found = sorted(p for p in testdata.glob("*/*") if p.suffix in (".h5", ".nc"))
    found += sorted(p.with_name("member_%05d.h5") for p in testdata.glob("family/*/member_00000.h5"))
    sys.path.insert(0, str(testdata))
    from generate import register_quantizers

    register_quantizers()
    named = {p: p.relative_to(testdata).as_posix() for p in found}
    for name in sorted(set(named.values()) & set(LEFT_OUT)):
        print(f"{name:45} LEFT OUT: {LEFT_OUT[name]}")
    return {p: name for p, name in named.items() if name not in LEFT_OUT}


def open_hdf5(path):
    """The file, or the family that a pattern names."""
    family = {"driver": "family", "memb_size": 0} if members(path) else {}
    return h5py.File(path, "r", **family)


def members(path):
    """The files of a family, which its name is a pattern of."""
    return sorted(path.parent.glob(path.name.replace("%05d", "*"))) if "%" in path.name else []


def objects_of(path):
    """{path: 'group' | 'again' | 'dataset'} over hard links; 'again' is a group inside itself. Soft links to datasets apart."""
    objects, linked = {}, set()
    with open_hdf5(path) as f:

        def visit(obj, name, ancestors):
            if isinstance(obj, h5py.Dataset):
                objects[name] = "dataset"
            if not isinstance(obj, h5py.Group):
                return
            address = h5py.h5o.get_info(obj.id).addr
            objects[name] = "again" if address in ancestors else "group"
            if address in ancestors:
                return
            for child in obj:
                where = name.rstrip("/") + "/" + child
                if isinstance(obj.get(child, getlink=True), h5py.HardLink):
                    visit(obj[child], where, ancestors | {address})
                    continue
                try:
                    if isinstance(obj.get(child), h5py.Dataset):
                        linked.add(where)
                except (OSError, RuntimeError):
                    pass  # a loop of links, or a file that isn't there

        visit(f["/"], "/", frozenset())
    return objects, linked


def dimension_only(source):
    """netCDF dimensions without a variable: HDF5 datasets, but nothing that a netCDF reader shows."""
    found = set()
    with open_hdf5(source) as f:

        def visit(name, obj):
            if isinstance(obj, h5py.Dataset) and text(obj.attrs.get("NAME", b"")).startswith("This is a netCDF dimension but not"):
                found.add("/" + name)

        f.visititems(visit)
    return found


def read(dataset):
    """All of a dataset, references as paths. h5py converts no opaque type whose tag is not its own, so such is read as it is stored,
    and has no type for integers and floats of 3 bytes, which libhdf5 converts to 4."""
    try:
        dataset.dtype
    except TypeError:
        integer = dataset.id.get_type().get_class() == h5py.h5t.INTEGER
        values = np.zeros(dataset.shape, "<i4" if integer else "<f4")
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, values, h5py.h5t.STD_I32LE if integer else h5py.h5t.IEEE_F32LE)
        return values
    if dataset.dtype.hasobject:
        return as_paths(dataset[()], dataset.file)
    if dataset.dtype.kind != "V" or dataset.dtype.names or dataset.dtype.subdtype:
        return dataset[()]
    values = np.zeros(dataset.shape, dataset.dtype)
    dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, values, dataset.id.get_type())
    return values


def as_paths(values, f):
    """Values in which references are the paths that they lead to."""
    if isinstance(values, (h5py.Reference, h5py.RegionReference)):
        return (h5py.h5r.get_name(values, f.id) or b"").decode() if values else ""
    if isinstance(values, np.void) or (isinstance(values, np.ndarray) and values.dtype.names):
        for member in values.dtype.names:
            if values.dtype[member].hasobject:
                values[member] = as_paths(values[member], f)
    elif isinstance(values, np.ndarray) and values.dtype == object:
        for at in np.ndindex(*values.shape):
            values[at] = as_paths(values[at], f)
    return values


def told_as(path):
    """netCDF-C hides variables named like a dimension that is not theirs under another HDF5 name; readers take a backslash for a slash."""
    return path.replace("/_nc4_non_coord_", "/").replace("\\", "%5C")


def padded(dataset, shape):
    pairs = zip(shape, dataset.shape, dataset.maxshape)
    return len(shape) == len(dataset.shape) and all(a == b or (limit is None and a > b) for a, b, limit in pairs)
