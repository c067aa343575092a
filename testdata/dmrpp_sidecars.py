"""DMR++ sidecars of files of other cases, as Hyrax's build_dmrpp writes them: testdata/dmrpp/<structure>.<file>[.<variation>].dmrpp.

Where things lie comes from libhdf5 through h5py (`H5Dget_chunk_info`), never from h5refs. What the builder leaves out is left out, and what it
rounds is rounded: fill values have six digits, and are the numbers that their bytes are on this machine.
"""
import base64
import os
import zlib
from xml.etree import ElementTree

DAP, DMRPP = "http://xml.opendap.org/ns/DAP/4.0#", "http://xml.opendap.org/dap/dmrpp/1.0.0#"
HERE = "OPeNDAP_DMRpp_DATA_ACCESS_URL"
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
HIDDEN = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties"}
PADS = ["null_term", "null_pad", "space_pad"]

CASES = [
    "chunk/btree_v1.h5", "chunk/sparse.h5", "chunk/partial_edges_gzip.h5", "chunk/larger_than_shape.h5", "chunk/single.h5",
    "data_layout/compact.h5", "data_layout/contiguous.h5", "dataspace/scalar.h5", "dataspace/zero_sized.h5",
    "datatype/compound.h5", "datatype/enum.h5", "datatype/integers.h5", "datatype/floats.h5", "datatype/strings.h5", "datatype/vlen_strings.h5",
    "fill_value/seven.h5", "filter/gzip.h5", "filter/mask_mixed.h5", "filter/shuffle_gzip_fletcher32.h5", "filter/gzip_shuffle.h5", "filter/mask_uniform.h5",
    "group/nested.h5",
    "netcdf/cf.nc", "netcdf/contiguous_big_endian.nc", "netcdf/coordinates_2d.nc", "netcdf/default_fill.nc", "netcdf/fletcher32.nc", "netcdf/groups.nc",
    "netcdf/name_of_other_dimension.nc", "netcdf/no_coordinates.nc", "netcdf/scalars.nc",
]  # fmt: skip


def qualified(name):
    return f"{{{DMRPP}}}{name}"


def number_type(dtype):
    """The name that DAP4 has for a type of numbers."""
    if dtype.kind in "iu" and dtype.itemsize in (1, 2, 4, 8):
        return "Byte" if dtype == "u1" else f"{'U' if dtype.kind == 'u' else ''}Int{dtype.itemsize * 8}"
    return f"Float{dtype.itemsize * 8}" if dtype.kind == "f" and dtype.itemsize in (4, 8) else None


def written(raw, dtype):
    """The number that bytes are here, whatever their order in the file."""
    import numpy as np

    value = np.frombuffer(raw, dtype.newbyteorder("<"))[0]
    return str(value) if dtype.kind in "iu" else "%g" % value


def attributes(element, obj):
    import numpy as np

    for name in obj.attrs:
        if name in HIDDEN:
            continue
        try:
            value = obj.attrs[name]
        except Exception:
            continue
        array = np.asarray(value)
        if isinstance(value, (str, bytes)) or array.dtype.kind in "SO":
            values = [v.decode() if isinstance(v, bytes) else str(v) for v in array.ravel().tolist()]
            kind = "String"
        elif number_type(array.dtype):
            kind = number_type(array.dtype)
            digits = ".10g" if array.dtype == "f4" else ".17g"
            values = [format(v, digits) if array.dtype.kind == "f" else str(v) for v in array.ravel().tolist()]
        else:
            continue
        child = ElementTree.SubElement(element, "Attribute", name=name, type=kind)
        for value in values:
            ElementTree.SubElement(child, "Value").text = value


class Shape:
    """Dimensions of a group of a netCDF file: its own by name, and those of its variables as paths."""

    def __init__(self, group):
        self.dimensions = {name: len(dimension) for name, dimension in group.dimensions.items()}
        self.variables = {name: [self.path(group, d) for d in variable.dimensions] for name, variable in group.variables.items()}
        self.groups = {name: Shape(member) for name, member in group.groups.items()}

    def path(self, group, name):
        while name not in group.dimensions:
            group = group.parent
        return f"{group.path.rstrip('/')}/{name}"


def shape(path):
    import netCDF4

    if not path.endswith(".nc"):
        return None
    with netCDF4.Dataset(path) as nc:
        return Shape(nc)


class Writer:
    def __init__(self, path):
        import h5py

        netcdf = shape(path)
        ElementTree.register_namespace("", DAP)
        ElementTree.register_namespace("dmrpp", DMRPP)
        self.root = ElementTree.Element("Dataset", {
            "xmlns": DAP, "dapVersion": "4.0", "dmrVersion": "1.0", "name": os.path.basename(path), qualified("href"): HERE,
            qualified("version"): "3.21.1",
        })  # fmt: skip
        with h5py.File(path, "r") as f:
            self.group(self.root, f, netcdf)

    def group(self, element, group, netcdf):
        import h5py

        for name, dimension in netcdf.dimensions.items() if netcdf else []:
            ElementTree.SubElement(element, "Dimension", name=name, size=str(dimension))
        for name in group:
            member = group.get(name, getlink=True)
            if not isinstance(member, h5py.HardLink):
                continue
            member = group[name]
            if isinstance(member, h5py.Dataset):
                self.variable(element, member, name.removeprefix("_nc4_non_coord_"), netcdf)
        attributes(element, group)
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.HardLink) and isinstance(group[name], h5py.Group):
                child = ElementTree.SubElement(element, "Group", name=name)
                self.group(child, group[name], netcdf.groups[name] if netcdf else None)

    def variable(self, parent, ds, name, netcdf):
        import h5py
        from h5py import h5d, h5t

        if str(ds.attrs.get("NAME", b"")).startswith(("b'This is a netCDF dimension", "This is a netCDF dimension")):
            return
        tid, dcpl = ds.id.get_type(), ds.id.get_create_plist()
        if ds.shape is None or dcpl.get_external_count() or dcpl.get_layout() not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
            return
        filters = [dcpl.get_filter(n) for n in range(dcpl.get_nfilters())]
        if any(f[0] not in FILTERS for f in filters):
            return
        full = not isinstance(tid, (h5t.TypeIntegerID, h5t.TypeFloatID)) or tid.get_precision() == 8 * tid.get_size()
        if isinstance(tid, h5t.TypeStringID):
            kind = "String"
        elif isinstance(tid, h5t.TypeEnumID):
            kind = "Enum"
        elif isinstance(tid, h5t.TypeCompoundID):
            kind = "Structure" if self.is_simple(tid) else None
        else:
            kind = number_type(tid.dtype) if isinstance(tid, (h5t.TypeIntegerID, h5t.TypeFloatID)) and full else None
        if kind is None:
            return
        element = ElementTree.Element(kind, name=name)
        if kind == "Enum":
            self.enumeration(parent, element, tid, name)
        if kind == "Structure":
            for n in range(tid.get_nmembers()):
                base = tid.get_member_type(n)
                dims = base.get_array_dims() if isinstance(base, h5t.TypeArrayID) else ()
                base = base.get_super() if dims else base
                member = ElementTree.SubElement(element, number_type(base.dtype), name=tid.get_member_name(n).decode())
                for size in dims:
                    ElementTree.SubElement(member, "Dim", size=str(size))
        parent.append(element)
        self.dims(element, ds, netcdf.variables.get(name) if netcdf else None)
        attributes(element, ds)
        if kind == "String" and tid.is_variable_str():
            self.texts(element, ds)
            return
        chunks = ElementTree.SubElement(element, qualified("chunks"))
        if filters:
            chunks.set("compressionType", " ".join(FILTERS[f[0]] for f in filters))
            levels = " ".join(str(f[2][0]) for f in filters if f[0] == 1)
            chunks.set("deflateLevel", levels) if levels else None
        self.fill(chunks, dcpl, tid, kind)
        self.storage(element, chunks, ds, tid, dcpl, kind)
        if kind == "String" and ds.shape:
            pad = PADS[tid.get_strpad()]
            ElementTree.SubElement(element, qualified("FixedLengthStringArray"), string_length=str(tid.get_size()), pad=pad)

    def is_simple(self, tid):
        from h5py import h5t

        def simple(base):
            if isinstance(base, h5t.TypeArrayID):
                base = base.get_super()
            return isinstance(base, (h5t.TypeIntegerID, h5t.TypeFloatID)) and number_type(base.dtype) is not None

        return all(simple(tid.get_member_type(n)) for n in range(tid.get_nmembers()))

    def enumeration(self, parent, element, tid, name):
        base = tid.get_super()
        declared = ElementTree.SubElement(parent, "Enumeration", name=f"{name}_type", basetype=number_type(base.dtype))
        for n in range(tid.get_nmembers()):
            value = str(tid.get_member_value(n))
            ElementTree.SubElement(declared, "EnumConst", name=tid.get_member_name(n).decode(), value=value)
        path = os.path.dirname(self.path_of(parent) + "/x")
        element.set("enum", f"{path.rstrip('/')}/{name}_type")

    def path_of(self, element):
        parents = {child: parent for parent in self.root.iter() for child in parent}
        names = []
        while element is not self.root:
            names.append(element.get("name"))
            element = parents[element]
        return "/" + "/".join(reversed(names))

    def dims(self, element, ds, paths):
        for axis, size in enumerate(ds.shape):
            ElementTree.SubElement(element, "Dim", {"size": str(size)} if paths is None else {"name": paths[axis]})

    def texts(self, element, ds):
        texts = [t if isinstance(t, bytes) else t.encode() for t in ([ds[()]] if ds.shape == () else ds[...].ravel().tolist())]
        if ds.shape == ():
            ElementTree.SubElement(element, qualified("chunks"), fillValue="unsupported-string")
            ElementTree.SubElement(element, qualified("compact")).text = base64.b64encode(texts[0]).decode()
            return
        held, n = ElementTree.SubElement(element, qualified("vlsa")), 0
        while n < len(texts):
            count = next((m for m in range(1, len(texts) - n) if texts[n + m] != texts[n]), len(texts) - n)
            entry = ElementTree.SubElement(held, "v", {"c": str(count)} if count > 1 else {})
            if len(texts[n]) > 20:
                entry.set("s", str(len(texts[n])))
                entry.text = base64.b64encode(zlib.compress(texts[n])).decode()
            else:
                entry.text = texts[n].decode()
            n += count

    def fill(self, chunks, dcpl, tid, kind):
        import numpy as np
        from h5py import h5d

        defined = dcpl.fill_value_defined()
        if defined == h5d.FILL_VALUE_UNDEFINED or kind == "Enum":
            return
        if kind == "Structure":
            chunks.set("fillValue", "0" if defined == h5d.FILL_VALUE_DEFAULT else "unsupported-compound")
            return
        value = np.zeros((), tid.dtype)
        dcpl.get_fill_value(value)
        if kind == "String":
            chunks.set("fillValue", value.tobytes().split(b"\0")[0].decode())
        else:
            chunks.set("fillValue", written(value.tobytes(), value.dtype))

    def storage(self, element, chunks, ds, tid, dcpl, kind):
        import numpy as np
        from h5py import h5d

        if dcpl.get_layout() == h5d.COMPACT:
            raw = np.ascontiguousarray(ds[...]).astype(ds.dtype.newbyteorder("<")).tobytes()
            ElementTree.SubElement(element, qualified("compact")).text = base64.b64encode(raw).decode()
            return
        places = []
        if dcpl.get_layout() == h5d.CONTIGUOUS:
            if ds.id.get_storage_size() and ds.id.get_offset() is not None:
                places = [{"offset": str(ds.id.get_offset()), "nBytes": str(ds.id.get_storage_size())}]
        else:
            ElementTree.SubElement(chunks, qualified("chunkDimensionSizes")).text = " ".join(map(str, ds.chunks))
            for n in range(ds.id.get_num_chunks()):
                info = ds.id.get_chunk_info(n)
                place = {"offset": str(info.byte_offset), "nBytes": str(info.size)}
                place["chunkPositionInArray"] = "[" + ",".join(map(str, info.chunk_offset)) + "]"
                if info.filter_mask:
                    place["fm"] = str(info.filter_mask)
                places.append(place)
        if places and kind != "String":
            order = self.order(tid)
            chunks.set("byteOrder", order) if order else None
            if kind == "Structure":
                offsets = [tid.get_member_offset(n) for n in range(1, tid.get_nmembers())]
                chunks.set("structOffset", " ".join(map(str, offsets + [tid.get_size()])))
        for place in places:
            ElementTree.SubElement(chunks, qualified("chunk"), place)

    def order(self, tid):
        from h5py import h5t

        if isinstance(tid, h5t.TypeCompoundID):
            tid = tid.get_member_type(0)
        if isinstance(tid, (h5t.TypeArrayID, h5t.TypeEnumID)):
            tid = tid.get_super()
        return {h5t.ORDER_LE: "LE", h5t.ORDER_BE: "BE"}.get(tid.get_order())


# What others write and this builder does not.


def reversed_elements(root):
    """Attributes, dimensions, chunk sizes and groups in the opposite order, attributes of elements too."""
    for element in root.iter():
        # The order of values, members, dimensions of a variable and chunks of texts means something.
        last = [child for child in element if child.tag in ("Value", "EnumConst", "Dim", "v")]
        members = list(element) if element.tag in ("Structure",) else []
        rest = [child for child in element if child not in last and child not in members]
        element[:] = (rest[::-1] + last) if not members else members
        element.attrib = dict(reversed(element.attrib.items()))


def without_version(root):
    """An old builder: no version, and filters in one order whatever theirs was."""
    del root.attrib[qualified("version")]
    for chunks in root.iter(qualified("chunks")):
        names = chunks.get("compressionType", "").split()
        if {"shuffle", "deflate"} <= set(names):
            chunks.set("compressionType", "deflate shuffle")


def without_order(root):
    for chunks in root.iter(qualified("chunks")):
        chunks.attrib.pop("byteOrder", None)


def two_files(root):
    """Every second chunk in a copy of the file that has a URL of its own; one variable in a file of the server."""
    for n, chunk in enumerate(root.iter(qualified("chunk"))):
        if n % 2:
            chunk.set("href", "https://example.com/copy")


def unknown(root):
    """Words that nobody knows yet."""
    for n, chunks in enumerate(root.iter(qualified("chunks"))):
        if n == 0:
            chunks.set("futureFilter", "1")
        elif n == 1:
            chunks.set("compressionType", "deflate zfp")
        elif n == 2:
            chunks.tag = qualified("tiles")


VARIATIONS = [
    ("netcdf/cf.nc", reversed_elements), ("netcdf/groups.nc", reversed_elements), ("filter/shuffle_gzip_fletcher32.h5", without_version),
    ("netcdf/cf.nc", without_order), ("filter/gzip.h5", two_files), ("netcdf/cf.nc", unknown),
]  # fmt: skip


def names():
    plain = [name.replace("/", ".", 1) for name in CASES]
    return plain + [f"{name.replace('/', '.', 1)}.{vary.__name__}" for name, vary in VARIATIONS]


def write(root, path):
    ElementTree.indent(root, "    ")
    text = ElementTree.tostring(root, encoding="ISO-8859-1", xml_declaration=True, default_namespace=None)
    with open(path, "wb") as f:
        f.write(text + b"\n")


def write_all(out, only):
    folder = os.path.join(out, "dmrpp")
    os.makedirs(folder, exist_ok=True)
    variations = [(name, None) for name in CASES] + VARIATIONS
    for (name, vary), stem in zip(variations, names()):
        if only and not any(o in ("dmrpp", f"dmrpp/{stem}") for o in only):
            continue
        root = Writer(os.path.join(out, name)).root
        if vary:
            vary(root)
        write(root, os.path.join(folder, f"{stem}.dmrpp"))
        print(f"{os.path.getsize(os.path.join(folder, stem + '.dmrpp')):8} dmrpp/{stem}")
