#!/usr/bin/env python3
"""Writes the test files and, beside each, what libhdf5 says is in it.

usage: generate.py [--out DIR] [STRUCTURE[/CASE] ...]

Each case is one HDF5 or netCDF-4 file with one structural feature:
DIR/<structure>/<case>.h5 or .nc (DIR is this script's own directory by default).
The expectation <case>.json comes from libhdf5 through h5py, never from h5refs.
Two runs write the same bytes. README.md describes the cases and the expectations.
"""
import argparse
import base64
import ctypes
import glob
import hashlib
import json
import math
import os
import re
import struct
import sys
import warnings
import zlib

# Filters come from hdf5plugin, which netCDF4's own would disturb; libhdf5 shall look for more where there are none.
os.environ["HDF5_PLUGIN_PATH"] = os.path.dirname(os.path.abspath(__file__))

import cf_time_tables
import dap_answers
import dmrpp_sidecars
import h5py
import hdf5plugin
import netCDF4
import netcdf3_files
import numpy as np
import parquet_sets
from h5py import h5a, h5d, h5f, h5p, h5s, h5t, h5z

CASES = []


def case(name, **how):
    """Registers a function that writes one case; `how` goes to `create`, unless the name ends in .nc."""

    def register(write):
        CASES.append((name, how, write))
        return write

    return register


# ---------------------------------------------------------------- writing

LIBVER = {
    "earliest": h5f.LIBVER_EARLIEST,
    "v18": h5f.LIBVER_V18,
    "v110": h5f.LIBVER_V110,
    "v200": h5f.LIBVER_V200,
    "latest": h5f.LIBVER_LATEST,
}


class CacheImage(ctypes.Structure):
    """H5AC_cache_image_config_t."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("generate_image", ctypes.c_bool),
        ("save_resize_status", ctypes.c_bool),
        ("entry_ageout", ctypes.c_int),
    ]


FILTER_FUNCTION = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint),
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_void_p),
)


class FilterClass(ctypes.Structure):
    """H5Z_class2_t."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", FILTER_FUNCTION),
    ]


# BitGroom and Granular BitRound of the Community Codec Repository: what they do to the bits of floats nothing undoes.
QUANTIZERS = {32022: b"Bit Grooming filter", 32023: b"Granular BitRound filter"}
quantize = FILTER_FUNCTION(lambda flags, n, values, nbytes, size, buffer: nbytes)


def register_quantizers():
    """Lets libhdf5 read what these filters wrote."""
    for number, name in QUANTIZERS.items():
        done(libhdf5().H5Zregister(FilterClass(1, number, 1, 1, name, None, None, quantize)))


def libhdf5():
    """The very libhdf5 that h5py uses, for the few calls that h5py does not wrap."""
    root = os.path.dirname(os.path.dirname(h5py.__file__))
    found = [p for p in glob.glob(os.path.join(root, "h5py.libs", "libhdf5-*.so*"))]
    if len(found) != 1:
        sys.exit("generate.py needs the h5py wheel for Linux: its own libhdf5 is not found")
    lib = ctypes.CDLL(found[0])
    hid = ctypes.c_int64
    lib.H5Pset_sym_k.argtypes = [hid, ctypes.c_uint, ctypes.c_uint]
    lib.H5Pset_istore_k.argtypes = [hid, ctypes.c_uint]
    lib.H5Pset_chunk_opts.argtypes = [hid, ctypes.c_uint]
    lib.H5Pset_shared_mesg_nindexes.argtypes = [hid, ctypes.c_uint]
    lib.H5Pset_shared_mesg_index.argtypes = [hid, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint]
    lib.H5Pset_fill_value.argtypes = [hid, hid, ctypes.c_void_p]
    lib.H5Pset_obj_track_times.argtypes = [hid, ctypes.c_bool]
    lib.H5Pset_mdc_image_config.argtypes = [hid, ctypes.POINTER(CacheImage)]
    lib.H5Pcreate.argtypes, lib.H5Pcreate.restype = [hid], hid
    lib.H5Pset_deflate.argtypes = [hid, ctypes.c_uint]
    lib.H5Zregister.argtypes = [ctypes.POINTER(FilterClass)]
    lib.H5Tcommit2.argtypes = [hid, ctypes.c_char_p, hid, hid, hid, hid]
    return lib


def done(status):
    assert status >= 0, "libhdf5 refused"


def create(path, libver="earliest", sizes=None, userblock=0, prepare=None, access=None, track_order=False):
    """A new file with everything that could make two runs differ switched off."""
    fcpl = h5p.create(h5p.FILE_CREATE)
    fcpl.set_obj_track_times(False)
    if sizes:
        fcpl.set_sizes(*sizes)
    if userblock:
        fcpl.set_userblock(userblock)
    if track_order:
        fcpl.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
        fcpl.set_attr_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
    if prepare:
        prepare(fcpl)
    fapl = h5p.create(h5p.FILE_ACCESS)
    fapl.set_fclose_degree(h5f.CLOSE_STRONG)
    fapl.set_libver_bounds(LIBVER[libver], h5f.LIBVER_LATEST)
    if access:
        access(fapl)
    return h5py.File(h5f.create(path.encode(), h5f.ACC_TRUNC, fcpl, fapl))


def dataset(parent, name, dtype, shape, data=None, maxshape=None, chunks=None, dcpl=None, space=None):
    """H5Dcreate with a datatype (TypeID or numpy dtype) and creation property list of our own."""
    tid = dtype if isinstance(dtype, h5t.TypeID) else h5t.py_create(np.dtype(dtype), logical=True)
    if space is None:
        limits = None if maxshape is None else tuple(h5s.UNLIMITED if m is None else m for m in maxshape)
        space = h5s.create(h5s.SCALAR) if shape == () else h5s.create_simple(shape, limits)
    dcpl = dcpl or h5p.create(h5p.DATASET_CREATE)
    dcpl.set_obj_track_times(False)
    if chunks:
        dcpl.set_chunk(chunks)
    did = h5d.create(parent.id, name.encode(), tid, space, dcpl)
    if data is not None:
        did.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(data))
    return h5py.Dataset(did)


def commit(f, name, tid):
    """H5Tcommit without times, for which h5py has no property list class."""
    lib = libhdf5()
    tcpl = lib.H5Pcreate(ctypes.c_int64.in_dll(lib, "H5P_CLS_DATATYPE_CREATE_ID_g").value)
    done(lib.H5Pset_obj_track_times(tcpl, False))
    done(lib.H5Tcommit2(f.id.id, name.encode(), tid.id, 0, tcpl, 0))


def properties(**calls):
    """A dataset creation property list: properties(fill_time=h5d.FILL_TIME_NEVER) calls set_fill_time(...)."""
    dcpl = h5p.create(h5p.DATASET_CREATE)
    for name, value in calls.items():
        getattr(dcpl, "set_" + name)(*(value if isinstance(value, tuple) else (value,)))
    return dcpl


def ramp(*shape, dtype="i4", start=0):
    return (np.arange(start, start + math.prod(shape)) % 30000).astype(dtype).reshape(shape)


def lookup3(data):
    """Jenkins' lookup3, little-endian, initial value 0: the checksum of HDF5 metadata."""
    mask = 0xFFFFFFFF

    def rot(x, k):
        return ((x << k) | (x >> (32 - k))) & mask

    a = b = c = (0xDEADBEEF + len(data)) & mask
    while len(data) > 12:
        x, y, z = struct.unpack_from("<3I", data)
        data = data[12:]
        a, b, c = (a + x) & mask, (b + y) & mask, (c + z) & mask
        a = (a - c) & mask ^ rot(c, 4); c = (c + b) & mask
        b = (b - a) & mask ^ rot(a, 6); a = (a + c) & mask
        c = (c - b) & mask ^ rot(b, 8); b = (b + a) & mask
        a = (a - c) & mask ^ rot(c, 16); c = (c + b) & mask
        b = (b - a) & mask ^ rot(a, 19); a = (a + c) & mask
        c = (c - b) & mask ^ rot(b, 4); b = (b + a) & mask
    if not data:
        return c
    x, y, z = struct.unpack("<3I", data.ljust(12, b"\0"))
    a, b, c = (a + x) & mask, (b + y) & mask, (c + z) & mask
    c = (c ^ b) - rot(b, 14) & mask
    a = (a ^ c) - rot(c, 11) & mask
    b = (b ^ a) - rot(a, 25) & mask
    c = (c ^ b) - rot(b, 16) & mask
    a = (a ^ c) - rot(c, 4) & mask
    b = (b ^ a) - rot(a, 14) & mask
    c = (c ^ b) - rot(b, 24) & mask
    return c


def patch(path, change):
    """Rewrites the bytes of a closed file."""
    data = bytearray(whole(path))
    data = change(data) or data
    at = 0
    for member in members(path):
        size = os.path.getsize(member) if "%" in path else len(data)
        with open(member, "wb") as f:
            f.write(data[at : at + size])
        at += size


def members(path):
    """The files of a family, whose name is a pattern, or the one file."""
    return sorted(glob.glob(re.sub("%[0-9]*d", "*", path))) if "%" in path else [path]


def whole(path):
    data = b""
    for member in members(path):
        with open(member, "rb") as f:
            data += f.read()
    return data


def family(member_size, alignment=1):
    """The driver that spreads a file over members of equal size; what is larger than `alignment` begins at a multiple of it."""

    def access(fapl):
        fapl.set_fapl_family(member_size, h5p.create(h5p.FILE_ACCESS))
        fapl.set_alignment(alignment, alignment)

    return access


STAMP = 1_000_000_000


def fix_times(data):
    """Puts fixed times into the version 2 object headers that libhdf5 insists on stamping
    (superblock extension, committed datatypes of netCDF), and into those where we want them."""
    for found in re.finditer(rb"OHDR\x02", bytes(data)):
        at = found.start()
        flags = data[at + 5]
        width = 1 << (flags & 3)
        body = at + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0) + width
        end = body + int.from_bytes(data[body - width : body], "little")
        if flags & 0x20 and data[end : end + 4] == struct.pack("<I", lookup3(bytes(data[at:end]))):
            data[at + 6 : at + 22] = struct.pack("<4I", STAMP, STAMP + 1, STAMP + 2, STAMP + 3)
            data[end : end + 4] = struct.pack("<I", lookup3(bytes(data[at:end])))


def header_address(path, name):
    with h5py.File(path, "r") as f:
        return h5py.h5o.get_info(f[name].id).addr


# ---------------------------------------------------------------- superblock


def small_content(f):
    """A group, a contiguous and a chunked dataset: enough to show that addresses are followed."""
    f.attrs["title"] = np.bytes_("superblock")
    g = f.create_group("g")
    g.create_dataset("contiguous", data=ramp(2, 3))
    g.create_dataset("chunked", data=ramp(4, 4, dtype="i2"), chunks=(2, 4))


def sym_k(fcpl):
    done(libhdf5().H5Pset_sym_k(fcpl.id, 3, 2))


def istore_k(fcpl):
    done(libhdf5().H5Pset_istore_k(fcpl.id, 4))


def all_k(fcpl):
    sym_k(fcpl)
    istore_k(fcpl)


def paged(fcpl):
    fcpl.set_file_space_strategy(h5f.FSPACE_STRATEGY_PAGE, False, 1)
    fcpl.set_file_space_page_size(512)


def cache_image(fapl):
    done(libhdf5().H5Pset_mdc_image_config(fapl.id, CacheImage(1, True, False, -1)))


@case("superblock/cache_image", libver="latest", access=cache_image)
def superblock_cache_image(f, path):
    small_content(f)
    dcpl = properties(layout=h5d.COMPACT)
    dataset(f, "compact", "<i4", (3,), data=ramp(3), dcpl=dcpl)
    f["compact"].attrs["where"] = "in the image"


@case("superblock/v0")
@case("superblock/v2", libver="v18")
@case("superblock/v3", libver="v110")
@case("superblock/user_block_512", userblock=512)
@case("superblock/user_block_2048", userblock=2048, libver="v18")
@case("superblock/sizes_4_4", sizes=(4, 4))
@case("superblock/sizes_2_4", sizes=(2, 4))
@case("superblock/sizes_8_4", sizes=(8, 4))
@case("superblock/sizes_4_8", sizes=(4, 8))
@case("superblock/sizes_4_4_v2", sizes=(4, 4), libver="v18")
@case("superblock/garbage_after_end")
def superblock(f, path):
    small_content(f)
    if "user_block" in path:
        f.close()
        patch(path, lambda data: data.__setitem__(slice(0, 16), b"user block bytes"))
    if "garbage" in path:
        f.close()
        patch(path, lambda data: data + bytes(range(256)) + b"\x89HDF\r\n\x1a\n")


def persistent(fcpl):
    fcpl.set_file_space_strategy(h5f.FSPACE_STRATEGY_FSM_AGGR, True, 1)


@case("superblock/v3_free_space", libver="v110", prepare=persistent)
def superblock_free_space(f, path):
    # what is deleted leaves free space, and its managers are kept on closing
    f.create_dataset("gone", data=ramp(500))
    f.create_dataset("gone_too", data=ramp(8, 8), chunks=(2, 4))
    small_content(f)
    del f["gone"]
    del f["gone_too"]


@case("superblock/v0_other_k", prepare=sym_k)
@case("superblock/v1_other_k", prepare=istore_k)
@case("superblock/v2_extension_k", prepare=all_k, libver="v18")
@case("superblock/v3_paged", prepare=paged, libver="v110")
def superblock_other_k(f, path):
    small_content(f)
    for i in range(30):
        f[f"g/link_{i:02}"] = f["g/contiguous"]
    f.create_dataset("many", data=ramp(40, dtype="i1"), chunks=(1,))


# ---------------------------------------------------------------- family


@case("family/v0", access=family(4096))
@case("family/v2", access=family(4096), libver="v18")
@case("family/v3_user_block", access=family(8192), libver="v110", userblock=512)
def family_members(f, path):
    # members so small that their borders fall everywhere
    f.attrs["title"] = np.bytes_("a family")
    f.create_dataset("small", data=ramp(5))
    f.create_dataset("rows", data=ramp(50, 64, dtype="i2"))
    f.create_dataset("long_rows", data=ramp(3, 700, dtype="i2"))
    f.create_dataset("numbers", data=ramp(700, dtype="f8"))
    f.create_dataset("chunked", data=ramp(40, 60), chunks=(10, 20))
    noise = np.random.default_rng(7).integers(0, 2**31, (30, 40), dtype="i4")
    f.create_dataset("gzip", data=noise, chunks=(5, 40), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("texts", data=np.array([f"text {i} " + "x" * i for i in range(60)], object), dtype=h5py.string_dtype())
    dcpl = properties(layout=h5d.COMPACT)
    dataset(f, "compact", "i2", (900,), ramp(900, dtype="i2"), dcpl=dcpl)
    for i in range(12):
        f.create_group(f"g{i}").attrs["values"] = np.arange(30, dtype="i4") + i


@case("family/rows", access=family(4096, alignment=512))
def family_rows(f, path):
    # data that begin at multiples of 512: members end between rows
    f.create_dataset("rows", data=ramp(48, 64, dtype="i2"))
    f.create_dataset("one", data=ramp(1024, dtype="f4"))


@case("family/one_member", access=family(65536))
def family_one_member(f, path):
    small_content(f)


# ---------------------------------------------------------------- object header


def with_attributes(f):
    d = f.create_dataset("d", data=ramp(3))
    d.attrs["first"] = np.int32(1)
    return d


@case("object_header/v1")
@case("object_header/v2", libver="v18")
def header_plain(f, path):
    with_attributes(f)


@case("object_header/v1_modification_time")
@case("object_header/v2_times", libver="v18")
def header_times(f, path):
    f.create_dataset("d", data=ramp(3), track_times=True)
    f.close()
    if "v1" in path:
        at = header_address(path, "d")

        def change(data):
            message = data.index(struct.pack("<HHB", 0x12, 8, 0), at)
            data[message + 12 : message + 16] = struct.pack("<I", STAMP)

        patch(path, change)


@case("object_header/v1_continuation")
@case("object_header/v2_continuation", libver="v18")
def header_continuation(f, path):
    d = with_attributes(f)
    for i in range(7):
        d.attrs[f"later_{i}"] = np.arange(10 + i, dtype="i4")
        f.flush()
        f.create_dataset(f"between_{i}", data=ramp(2))


@case("object_header/v1_nil")
@case("object_header/v2_nil", libver="v18")
def header_nil(f, path):
    d = with_attributes(f)
    for i in range(6):
        d.attrs[f"a{i}"] = np.arange(8, dtype="i2") + i
    for i in (1, 3, 4):
        del d.attrs[f"a{i}"]


@case("object_header/v2_creation_order", libver="v18", track_order=True)
def header_creation_order(f, path):
    d = f.create_dataset("z", data=ramp(3), track_order=True)
    for name in ("z", "a", "m"):
        d.attrs[name] = np.int32(ord(name))
        f.attrs[name] = np.int32(ord(name))
    f.create_dataset("a", data=ramp(3))


@case("object_header/reference_count", libver="v18")
def header_reference_count(f, path):
    with_attributes(f)
    f["e"] = f["d"]
    f["g/h"] = f["d"]


@case("object_header/comment")
def header_comment(f, path):
    with_attributes(f)
    f.id.set_comment(b"d", b"a comment in the object header")


@case("object_header/v1_old_modification_time")
def header_old_modification_time(f, path):
    # a comment of 14 digits is a modification time of the old kind but for its type
    with_attributes(f)
    digits = b"20010203040506"
    f.id.set_comment(b"d", digits)
    f.close()

    def change(data):
        at = data.index(struct.pack("<HHBxxx", 0x0D, 16, 0) + digits)
        data[at] = 0x0E

    patch(path, change)


# ---------------------------------------------------------------- shared messages


EVERY_MESSAGE = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 11 | 1 << 12  # dataspace, datatype, fill value, pipeline, attribute


def share_all(fcpl):
    lib = libhdf5()
    done(lib.H5Pset_shared_mesg_nindexes(fcpl.id, 1))
    done(lib.H5Pset_shared_mesg_index(fcpl.id, 0, EVERY_MESSAGE, 8))


@case("shared_messages/table", libver="v18", prepare=share_all)
def shared_messages(f, path):
    dtype = np.dtype([("a", "i4"), ("b", "f8")])
    for i in range(3):
        d = f.create_dataset(f"d{i}", data=ramp(4, dtype="i4"), chunks=(2,), compression="gzip", shuffle=True)
        d.attrs["units"] = np.bytes_("metres per second")
        d.attrs["range"] = np.arange(4, dtype="f8")
        f.create_dataset(f"c{i}", data=np.zeros(2, dtype))


@case("shared_messages/dense_attributes", libver="v18", prepare=share_all)
def shared_dense_attributes(f, path):
    d = f.create_dataset("d", data=ramp(2))
    e = f.create_dataset("e", data=ramp(2))
    for i in range(12):
        d.attrs[f"shared_{i:02}"] = np.arange(6, dtype="i4") + i
        e.attrs[f"shared_{i:02}"] = np.arange(6, dtype="i4") + i


# ---------------------------------------------------------------- dataspace


@case("dataspace/null")
@case("dataspace/null_v2", libver="v18")
def space_null(f, path):
    f.create_dataset("d", data=h5py.Empty("f4"))


@case("dataspace/scalar")
@case("dataspace/scalar_v2", libver="v18")
def space_scalar(f, path):
    f.create_dataset("i", data=np.int32(-7))
    f.create_dataset("f", data=np.float64(0.5))
    f.create_dataset("s", data=np.bytes_("text"))


@case("dataspace/zero_sized")
def space_zero(f, path):
    f.create_dataset("empty", shape=(0,), dtype="i4")
    f.create_dataset("empty_in_2d", shape=(3, 0), dtype="i4")
    f.create_dataset("empty_unlimited", shape=(0, 4), maxshape=(None, 4), chunks=(2, 4), dtype="f8")


@case("dataspace/rank_8")
def space_rank_8(f, path):
    f.create_dataset("d", data=ramp(2, 1, 3, 1, 2, 1, 2, 2, dtype="i2"))
    f.create_dataset("c", data=ramp(2, 1, 3, 1, 2, 1, 2, 2, dtype="i2"), chunks=(1, 1, 2, 1, 2, 1, 2, 2))


@case("dataspace/unlimited")
@case("dataspace/unlimited_v2", libver="v18")
def space_unlimited(f, path):
    f.create_dataset("one", data=ramp(5), maxshape=(None,), chunks=(2,))
    f.create_dataset("two", data=ramp(3, 4), maxshape=(None, None), chunks=(2, 2))
    f.create_dataset("bounded", data=ramp(3, 4), maxshape=(None, 8), chunks=(2, 2))


# ---------------------------------------------------------------- datatype


@case("datatype/integers")
def type_integers(f, path):
    for order, word in (("<", "le"), (">", "be")):
        for kind in "iu":
            for size in (1, 2, 4, 8):
                limits = np.iinfo(f"{kind}{size}")
                f.create_dataset(f"{kind}{size}_{word}", data=np.array([0, 1, limits.min, limits.max], f"{order}{kind}{size}"))
    # numpy has no byte order for one byte, so these would otherwise all be little-endian
    dataset(f, "i1_std_be", h5t.STD_I8BE, (2,), np.array([-1, 2], "i1"))


@case("datatype/floats")
def type_floats(f, path):
    values = [0.0, -0.0, 1.5, -2.25, np.inf, -np.inf, np.nan]
    for order, word in (("<", "le"), (">", "be")):
        for size in (2, 4, 8):
            f.create_dataset(f"f{size}_{word}", data=np.array(values, f"{order}f{size}"))


@case("datatype/bool")
def type_bool(f, path):
    f.create_dataset("d", data=np.array([True, False, True]))


@case("datatype/enum")
@case("datatype/enum_v3", libver="v18")
def type_enum(f, path):
    kind = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="u1")
    f.create_dataset("u1", data=np.array([0, 1, 42, 7], "u1"), dtype=kind)
    kind = h5py.enum_dtype({"LOW": -300, "HIGH": 300}, basetype=">i2")
    f.create_dataset("i2_be", data=np.array([-300, 300], ">i2"), dtype=kind)


@case("datatype/enum_flags")
def type_enum_flags(f, path):
    kind = h5py.enum_dtype({"no data": -1, "clear sky": 0, "cloudy": 1}, basetype="i1")
    f.create_dataset("blanks", data=np.array([1, -1, 0], "i1"), dtype=kind)
    own = f.create_dataset("own", data=np.array([0, 1], "i1"), dtype=kind)
    own.attrs["flag_meanings"] = "its own words"
    alike = h5py.enum_dtype({"no data": 0, "no_data": 1}, basetype="i1")
    f.create_dataset("alike", data=np.array([0, 1], "i1"), dtype=alike)
    dtype = np.dtype((np.dtype("i1"), (2,)))
    tid = h5t.array_create(h5t.py_create(kind, logical=True), (2,))
    dataset(f, "array", tid, (2,)).id.write(h5s.ALL, h5s.ALL, np.array([[0, 1], [-1, 0]], "i1"), h5t.py_create(dtype))


@case("datatype/strings")
def type_strings(f, path):
    pads = {"nullterm": h5t.STR_NULLTERM, "nullpad": h5t.STR_NULLPAD, "spacepad": h5t.STR_SPACEPAD}
    for pad, code in pads.items():
        for charset, values in (("ascii", [b"ab", b"cdefg", b""]), ("utf8", ["é".encode(), "名前".encode()[:3], b"x"])):
            tid = h5t.C_S1.copy()
            tid.set_size(6)
            tid.set_strpad(code)
            tid.set_cset(h5t.CSET_UTF8 if charset == "utf8" else h5t.CSET_ASCII)
            filler = b" " if pad == "spacepad" else b"\0"
            data = np.array([v.ljust(6, filler) for v in values], "S6")
            did = dataset(f, f"{pad}_{charset}", tid, (3,)).id
            did.write(h5s.ALL, h5s.ALL, data, tid)


@case("datatype/string_fills_field")
def type_string_fills_field(f, path):
    # null-terminated by name, but without a terminator: real writers do this
    tid = h5t.C_S1.copy()
    tid.set_size(4)
    dataset(f, "d", tid, (2,)).id.write(h5s.ALL, h5s.ALL, np.array([b"abcd", b"ef"], "S4"), tid)


@case("datatype/text_after_nul")
def type_text_after_nul(f, path):
    """Texts that end at their first NUL, with the bytes of other texts behind it: what a program in C leaves in its buffer."""
    rows = [b"Parting", b"is so\0g", b"swe\0et\0", b"\0orrow\0"]

    def text(size, pad=h5t.STR_NULLTERM):
        tid = h5t.C_S1.copy()
        tid.set_size(size)
        tid.set_strpad(pad)
        return tid

    def put(parent, name, tid, shape, raw, **how):
        d = dataset(parent, name, tid, shape, **how)
        d.id.write(h5s.ALL, h5s.ALL, np.frombuffer(raw, f"V{tid.get_size()}").reshape(shape), tid)
        return d

    raw = b"".join(rows)
    put(f, "contiguous", text(7), (2, 2), raw)
    put(f, "compact", text(7), (4,), raw, dcpl=properties(layout=(h5d.COMPACT,)))
    put(f, "null_padded", text(7, h5t.STR_NULLPAD), (4,), raw)
    dcpl = properties(chunk=((2,),))
    dcpl.set_shuffle()
    dcpl.set_deflate(6)
    dcpl.set_fletcher32()
    put(f, "chunked", text(7), (4,), raw, dcpl=dcpl)
    dcpl = properties(chunk=((2,),))
    dcpl.set_filter(32000, h5z.FLAG_MANDATORY)
    put(f, "decoded", text(56), (4,), b"".join(row * 8 for row in rows), dcpl=dcpl)
    put(f, "array", h5t.array_create(text(7), (2,)), (2,), raw)
    record = h5t.create(h5t.COMPOUND, 24)
    for name, offset, member in (("n", 0, h5t.STD_I16LE), ("name", 2, text(7)), ("pair", 10, h5t.array_create(text(7), (2,)))):
        record.insert(name.encode(), offset, member)
    put(f, "records", record, (2,), b"".join(struct.pack("<h7sx14s", n, rows[2 - n], raw[7:21]) for n in range(2)))
    dcpl = properties(chunk=((2,),))
    tid = text(7)
    done(libhdf5().H5Pset_fill_value(dcpl.id, tid.id, ctypes.c_char_p(rows[2])))
    d = dataset(f, "never_written", text(7), (4,), dcpl=dcpl)
    d[0:1] = [b"written"]
    for parent, name in ((f, "attribute"), (f["never_written"], "_FillValue")):
        count = 4 if parent is f else 1
        a = h5a.create(parent.id, name.encode(), text(7), h5s.create_simple((count,)))
        a.write(np.frombuffer(raw[14:21] if count == 1 else raw, "V7"), text(7))


@case("datatype/opaque")
def type_opaque(f, path):
    tid = h5t.create(h5t.OPAQUE, 5)
    tid.set_tag(b"a tag of 16 bytes")
    dataset(f, "d", tid, (3,)).id.write(h5s.ALL, h5s.ALL, np.frombuffer(b"abcde\0\1\2\3\xff12345", "V5"), tid)


@case("datatype/bitfield")
def type_bitfield(f, path):
    for name, tid, dtype in (("b8", h5t.STD_B8LE, "u1"), ("b16_le", h5t.STD_B16LE, "<u2"), ("b32_be", h5t.STD_B32BE, ">u4")):
        dataset(f, name, tid, (3,)).id.write(h5s.ALL, h5s.ALL, np.array([0, 1, 0xA5], dtype), tid)


COMPOUND = {
    "packed": [("a", "<i2"), ("b", "<f8"), ("c", "u1")],
    "nested": [("id", "<i4"), ("place", [("lat", "<f4"), ("lon", "<f4")]), ("flag", "i1")],
    "mixed": [("n", ">i4"), ("name", "S5"), ("grid", "<i2", (2, 3)), ("ok", "?")],
}


@case("datatype/compound")
@case("datatype/compound_v3", libver="v18")
def type_compound(f, path):
    for name, descr in COMPOUND.items():
        dtype = np.dtype(descr)
        data = np.frombuffer(bytes(i % 2 for i in range(3 * dtype.itemsize)), dtype)
        f.create_dataset(name, data=data)
    padded = np.dtype({"names": ["a", "b"], "formats": ["i1", "<i4"], "offsets": [0, 4], "itemsize": 12})
    data = np.zeros(3, padded)
    data["a"], data["b"] = [1, 2, 3], [10, 20, 30]
    f.create_dataset("padded", data=data)


@case("datatype/compound_vlen_member")
def type_compound_vlen(f, path):
    dtype = np.dtype([("n", "<i4"), ("name", h5py.string_dtype())])
    f.create_dataset("d", data=np.array([(1, "one"), (2, "two")], dtype))


@case("datatype/compound_decoded")
def type_compound_decoded(f, path):
    """Compounds of which some members have no place in a Zarr chunk as they lie, beside others that have."""
    d = f.create_dataset("d", data=ramp(2))
    text = h5py.string_dtype()
    place = np.dtype({"names": ["lat", "name"], "formats": [">f4", text], "offsets": [4, 8], "itemsize": 32})
    dtype = np.dtype([("id", "<i8"), ("place", place), ("target", h5py.ref_dtype), ("words", text, (2,)), ("code", "S3")])
    data = np.zeros(3, dtype)
    data["id"] = [1, -2, 3]
    data["place"]["lat"], data["place"]["name"] = [0.5, -1.5, 90], ["Kiel", "Sèvres", ""]
    data["target"] = [d.ref, f.ref, h5py.Reference()]
    data["words"], data["code"] = [["a", "bc"], ["", "def"], ["ghij", "k"]], [b"x", b"yz", b"abc"]
    f.create_dataset("contiguous", data=data)
    f.create_dataset("compressed", data=data, chunks=(2,), compression="gzip", shuffle=True)
    f.create_dataset("never_written", shape=(5,), dtype=dtype, chunks=(2,))[:2] = data[:2]
    f.create_dataset("scalar", data=data[1])


@case("datatype/wide_record")
def type_wide_record(f, path):
    """One long text among many records: as fixed texts they would be two thousand times as long as in the file."""
    dtype = np.dtype([("id", "<i4"), ("text", h5py.string_dtype())])
    d = f.create_dataset("d", shape=(2000,), dtype=dtype, chunks=(2000,), compression="gzip")
    d[7] = np.array((7, "long " * 4000), dtype)
    f.create_dataset("texts", shape=(2000,), dtype=dtype["text"], chunks=(2000,), compression="gzip")[7] = "long " * 4000


@case("datatype/nested_arrays")
def type_nested_arrays(f, path):
    """Compounds in arrays in compounds: numbered and named by the way that leads to them."""
    inner = np.dtype([("x", "<f4"), ("y", "<i2", (2,))])
    dtype = np.dtype([("flag", "u1"), ("pairs", inner, (2,)), ("z", "<c8"), ("grid", "<i2", (2, 3))])
    data = np.zeros(4, dtype)
    for i in range(4):
        data[i]["flag"], data[i]["z"] = i, complex(i, -i)
        data[i]["pairs"]["x"], data[i]["pairs"]["y"] = [i, i + 0.5], [[i, -i], [2 * i, 300]]
        data[i]["grid"] = ramp(6).reshape(2, 3) * i
    f.create_dataset("d", data=data)
    f.create_dataset("chunked", data=data, chunks=(3,), compression="gzip")


@case("datatype/array")
@case("datatype/array_v3", libver="v18")
def type_array(f, path):
    dtype = np.dtype(("<i4", (2, 3)))
    dataset(f, "d", dtype, (2,)).id.write(h5s.ALL, h5s.ALL, ramp(2, 2, 3), h5t.py_create(dtype))


@case("datatype/complex")
def type_complex(f, path):
    f.create_dataset("c8", data=np.array([1 + 2j, -0.5j], "<c8"))
    f.create_dataset("c16_be", data=np.array([1 + 2j, -0.5j], ">c16"))


@case("datatype/complex_native", libver="v200")
def type_complex_native(f, path):
    for name, tid in (("c8", h5t.COMPLEX_IEEE_F32LE), ("c16_be", h5t.COMPLEX_IEEE_F64BE)):
        dataset(f, name, tid, (2,)).id.write(h5s.ALL, h5s.ALL, np.array([1 + 2j, -0.5j], "c8" if name == "c8" else ">c16"), tid)


@case("datatype/long_double")
def type_long_double(f, path):
    # written as a double, so that libhdf5 itself defines the unused bytes of each element
    dataset(f, "d", h5t.NATIVE_LDOUBLE, (3,), np.array([0.0, 1.0, -2.5]))
    dataset(f, "quad", h5t.IEEE_F128LE, (3,), np.array([0.0, 1.0, -2.5]))


@case("datatype/unusual_floats")
def type_unusual_floats(f, path):
    # bfloat16: the upper half of an IEEE single
    tid = h5t.IEEE_F32LE.copy()
    tid.set_fields(15, 7, 8, 0, 7)
    tid.set_precision(16)
    tid.set_size(2)
    tid.set_ebias(127)
    dataset(f, "bfloat16", tid, (4,), np.array([0.0, 1.0, -2.5, 100.0], "f4"))


@case("datatype/odd_precision")
def type_odd_precision(f, path):
    for name, base, bits, offset, memory in (
        ("u12_in_16", h5t.STD_U16LE, 12, 0, "u2"),
        ("i12_in_16_at_4", h5t.STD_I16LE, 12, 4, "i2"),
        ("i20_in_32_be", h5t.STD_I32BE, 20, 0, "i4"),
    ):
        tid = base.copy()
        tid.set_precision(bits)
        tid.set_offset(offset)
        values = [0, 1, 2000] if name[0] == "u" else [0, -1, 2000]
        dataset(f, name, tid, (3,), np.array(values, memory))


@case("datatype/odd_chunked")
def type_odd_chunked(f, path):
    """Twelve bits of sixteen in chunks of which some were never written."""
    tid = h5t.STD_I16BE.copy()
    tid.set_precision(12)
    for name, fill in (("gzip", None), ("fill", -5)):
        dcpl = h5p.create(h5p.DATASET_CREATE)
        dcpl.set_chunk((4,))
        dcpl.set_deflate(6)
        if fill is not None:
            dcpl.set_fill_value(np.array(fill, ">i2"))
        space = h5s.create_simple((10,))
        d = h5d.create(f.id, name.encode(), tid, space, dcpl)
        some = h5s.create_simple((10,))
        some.select_hyperslab((0,), (5,))
        d.write(h5s.create_simple((5,)), some, np.array([-2048, -1, 0, 1, 2047], "i2"), h5t.NATIVE_INT16)


@case("datatype/odd_partial_edges", libver="v110")
def type_odd_partial_edges(f, path):
    """Partial edge chunks that are stored unfiltered, of values that are decoded."""
    tid = h5t.STD_I16LE.copy()
    tid.set_precision(12)
    for name, kind in (("numbers", tid), ("texts", h5t.py_create(h5py.string_dtype(), logical=True))):
        dcpl = properties(chunk=((2, 4),), deflate=6)
        done(libhdf5().H5Pset_chunk_opts(dcpl.id, 2))
        d = h5d.create(f.id, name.encode(), kind, h5s.create_simple((5, 7)), dcpl)
        if name == "numbers":
            d.write(h5s.ALL, h5s.ALL, ramp(5, 7, dtype="i2") - 9, h5t.NATIVE_INT16)
        else:
            f[name][...] = np.array([[f"{i}-{j}" for j in range(7)] for i in range(5)], object)


@case("datatype/small_floats")
def type_small_floats(f, path):
    """Floats of one byte, of three and a big-endian one of two that is not IEEE's; with infinities, NaN and subnormal numbers."""
    formats = {"f8e4m3": (1, 7, 3, 4, 0, 3, 7), "f8e5m2": (1, 7, 2, 5, 0, 2, 15), "f24": (3, 23, 15, 8, 0, 15, 127)}
    for name, (size, sign, epos, esize, mpos, msize, bias) in formats.items():
        tid = h5t.IEEE_F32LE.copy()
        tid.set_fields(sign, epos, esize, mpos, msize)
        tid.set_ebias(bias)
        tid.set_precision(8 * size)
        tid.set_size(size)
        data = np.array([0, -0.0, 1, -2.5, 0.015625, 0.0078125, 112, np.inf, -np.inf, np.nan], "f4")
        dataset(f, name, tid, (10,), data)
    tid = h5t.IEEE_F32BE.copy()
    tid.set_fields(15, 7, 8, 0, 7)
    tid.set_precision(16)
    tid.set_size(2)
    dataset(f, "bfloat16_be", tid, (4,), np.array([0, 1, -2.5, 3.0e38], "f4"))


@case("datatype/odd_size")
def type_odd_size(f, path):
    tid = h5t.STD_I32LE.copy()
    tid.set_precision(24)
    tid.set_size(3)
    dataset(f, "i24", tid, (4,), np.array([0, -1, 70000, -70000], "i4"))


@case("datatype/vlen_integers")
def type_vlen(f, path):
    d = f.create_dataset("d", shape=(3,), dtype=h5py.vlen_dtype("<i4"))
    d[0] = [1, 2, 3]
    d[2] = [4]


@case("datatype/deep")
def type_deep(f, path):
    """Sequences of sequences: more levels than are read by default, and as many as are read at all."""
    for levels in (100, 128):
        tid = h5py.h5t.STD_I8LE
        for _ in range(levels - 1):
            tid = h5py.h5t.vlen_create(tid)
        dataset(f, f"d{levels}", tid, (1,))


@case("datatype/vlen_strings")
@case("datatype/vlen_strings_sizes_4_4", sizes=(4, 4))
def type_vlen_strings(f, path):
    d = f.create_dataset("utf8", shape=(2, 2), dtype=h5py.string_dtype())
    d[0, 0], d[0, 1], d[1, 0] = "first", "", "naïve 名前"
    d = f.create_dataset("ascii", shape=(2,), dtype=h5py.string_dtype("ascii"))
    d[...] = [b"a", b"bc"]
    f.create_dataset("scalar", data="a scalar string", dtype=h5py.string_dtype())
    f.create_dataset("never_written", shape=(2,), dtype=h5py.string_dtype())
    d = f.create_dataset("chunked", shape=(3,), chunks=(2,), dtype=h5py.string_dtype())
    d[...] = ["p", "q", "r"]


@case("datatype/references")
def type_references(f, path):
    f.create_dataset("d", data=ramp(4))
    f.create_group("g")
    f.create_dataset("objects", data=np.array([f["d"].ref, f["g"].ref, h5py.Reference()], h5py.ref_dtype))
    f.create_dataset("regions", data=np.array([f["d"].regionref[1:3]], h5py.regionref_dtype))


@case("datatype/time")
def type_time(f, path):
    f["ok"] = np.int32(1)
    dataset(f, "d", h5t.UNIX_D32LE, (2,))


@case("datatype/committed")
@case("datatype/committed_v2", libver="v18")
def type_committed(f, path):
    tid = h5t.py_create(np.dtype([("a", "<i4"), ("b", "<f4")]))
    commit(f, "pair", tid)
    for name in ("first", "second"):
        dataset(f, name, tid, (2,), np.array([(1, 0.5), (2, 1.5)], [("a", "<i4"), ("b", "<f4")]))
    number = h5t.STD_I16BE.copy()
    commit(f, "number", number)
    dataset(f, "third", number, (3,), np.array([1, 2, 3], ">i2"))
    f["third"].attrs.create("typed", 9, dtype=f["number"])
    f["number"].attrs["note"] = np.bytes_("attribute of a datatype")


# ---------------------------------------------------------------- fill value


def half_written(f, name, dcpl, attribute=None, dtype="i4"):
    d = dataset(f, name, dtype, (6,), chunks=(2,), dcpl=dcpl)
    d[0:2] = np.array([1, 2], dtype)
    if attribute is not None:
        d.attrs["_FillValue"] = np.array(attribute, dtype)
    return d


def fill(value, dtype="i4"):
    return properties(fill_value=np.array(value, dtype))


@case("fill_value/default")
def fill_default(f, path):
    half_written(f, "d", None)


@case("fill_value/seven")
@case("fill_value/seven_v3", libver="v18")
def fill_seven(f, path):
    half_written(f, "d", fill(7))
    half_written(f, "f8", fill(np.nan, "f8"), dtype="f8")


@case("fill_value/same_attribute")
def fill_same(f, path):
    half_written(f, "d", fill(-999), -999)
    half_written(f, "f4_be", fill(1e20, ">f4"), 1e20, dtype=">f4")


@case("fill_value/other_attribute")
def fill_other(f, path):
    half_written(f, "d", fill(7), -999)
    half_written(f, "default", None, 5)


@case("fill_value/contiguous_never_written")
def fill_contiguous(f, path):
    dataset(f, "d", "i4", (4,), dcpl=fill(3))
    dataset(f, "default", "i4", (4,))
    dataset(f, "chunked", "i4", (4,), dcpl=fill(3), chunks=(2,))


@case("fill_value/half_attribute")
def fill_half(f, path):
    # a _FillValue wider than the data, which hold it all the same
    half_written(f, "f2", fill(0.1, "f2"), dtype="f2").attrs["_FillValue"] = np.float64(np.float16(0.1))
    half_written(f, "f2_be", fill(-1e4, ">f2"), dtype=">f2").attrs["_FillValue"] = np.float32(-1e4)


@case("fill_value/undefined")
def fill_undefined(f, path):
    # H5Pset_fill_value(plist, type, NULL); h5py does not pass NULL
    dcpl = properties(fill_time=h5d.FILL_TIME_NEVER)
    done(libhdf5().H5Pset_fill_value(dcpl.id, h5t.STD_I32LE.id, None))
    d = dataset(f, "d", "i4", (4,), dcpl=dcpl, chunks=(2,))
    d[...] = [1, 2, 3, 4]


@case("fill_value/string")
def fill_string(f, path):
    tid = h5t.C_S1.copy()
    tid.set_size(3)
    # not through h5py, whose set_fill_value takes the bytes of a string for a pointer
    dcpl = h5p.create(h5p.DATASET_CREATE)
    done(libhdf5().H5Pset_fill_value(dcpl.id, tid.id, ctypes.c_char_p(b"n/a")))
    d = dataset(f, "d", tid, (4,), dcpl=dcpl, chunks=(2,))
    d[0:2] = [b"a", b"b"]


@case("fill_value/compound")
def fill_compound(f, path):
    dtype = np.dtype([("a", "<i4"), ("b", "<f4")])
    d = dataset(f, "d", dtype, (4,), dcpl=properties(fill_value=np.array((7, 0.5), dtype)), chunks=(2,))
    d[0:2] = np.array([(1, 1.0), (2, 2.0)], dtype)


@case("fill_value/records_never_written")
def fill_records_never_written(f, path):
    """Zeros that zarr does not read where a chunk is missing: records with texts, bytes or gaps, and times."""
    gap = np.dtype({"names": ["a", "b"], "formats": ["i1", "<f8"], "offsets": [0, 8], "itemsize": 16})
    types = {"plain": [("a", "<i4"), ("b", "<f8")], "text": [("a", "<i4"), ("s", "S3")], "gap": gap}
    for name, dtype in types.items():
        dtype = np.dtype(dtype)
        f.create_dataset(name, shape=(5,), dtype=dtype, chunks=(2,))[:2] = np.ones(2, dtype)
        f.create_dataset(f"{name}_contiguous", shape=(3,), dtype=dtype)
    times = h5py.opaque_dtype(np.dtype("<M8[s]"))
    f.create_dataset("times", shape=(5,), dtype=times, chunks=(2,))[:2] = np.array([1, 2], "<M8[s]").astype(times)


@case("fill_value/attributes_of_other_types")
def fill_attributes_of_other_types(f, path):
    """Values of `_FillValue` that the data's type has, and some that it has not: xarray masks only the former."""
    cases = {
        "held": ("<i2", [-9, 1], np.float64(-9)),
        "held_float": ("<f4", [5, 1], np.int32(5)),
        "negative": ("u1", [255, 1], np.int8(-1)),
        "fraction": ("<i2", [-9, 1], np.float64(-9.5)),
        "finer": ("<f4", [0.1, 1], np.float64(0.1)),
        "finer_half": ("<f2", [0.1, 1], np.float64(0.1)),
        "larger": ("<f4", [np.inf, 1], np.float64(1e300)),
        "text": ("S1", [b"z", b"a"], np.bytes_(b"z")),
    }
    for name, (dtype, data, fill) in cases.items():
        d = f.create_dataset(name, data=np.array(data, dtype))
        d.attrs["_FillValue"] = fill


@case("fill_value/record_attribute")
def fill_record_attribute(f, path):
    """A record as `_FillValue`, which netCDF-4 allows for user types."""
    dtype = np.dtype([("day", "<i4"), ("value", "<f4")])
    d = f.create_dataset("d", data=np.array([(1, 0.5), (-99, -99.0)], dtype))
    d.attrs.create("_FillValue", np.array((-99, -99.0), dtype))
    f.create_dataset("plain", data=ramp(3))


# ---------------------------------------------------------------- group


@case("group/dangerous_names")
def group_dangerous_names(f, path):
    """Names that mean something to a store, a terminal, a shell or a template; `_escape` is patched by tests."""
    for name in (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json", "0", "0.0", "...", "..hidden", "a b", "\x1b[31mred",
                 "line\nbreak", "tab\t", "{{0}}", "%2e%2e", "refs.0.parq", "CON", "_escape", "\u202etxt.exe", "e\u0301", "\u00e9"):
        f.create_dataset(name, data=ramp(2))
        f.attrs[name] = 1
    f.attrs["."], f.attrs[".."], f.attrs["../a/b"] = 2, 3, 4
    g = f.create_group("1.1")
    g.create_dataset("0.0", data=ramp(3))
    f.create_group("g/.zgroup").create_dataset("lost", data=ramp(3))


@case("group/backslash")
def group_backslash(f, path):
    f.create_dataset("a\\b", data=ramp(3))
    f.create_dataset("plain", data=ramp(4))


@case("group/dimensions_by_links")
def group_dimensions_by_links(f, path):
    """Links that bring a dimension into a group that has one of that name and another length."""
    for group, size in ((f, 3), (f.create_group("g"), 5)):
        group.create_dataset("x", data=ramp(size)).make_scale("x")
        group.create_dataset("d", data=ramp(size)).dims[0].attach_scale(group["x"])
    f["a_hard"] = f["g/d"]
    f["soft"] = h5py.SoftLink("/g/d")


@case("group/symbol_table")
def group_symbol_table(f, path):
    d = f.create_dataset("d", data=ramp(2))
    for i in range(100):
        f[f"link_{i:03}"] = d


@case("group/symbol_table_levels", prepare=sym_k)
def group_symbol_table_levels(f, path):
    d = f.create_dataset("d", data=ramp(2))
    for i in range(60):
        f[f"link_{i:02}"] = d


@case("group/nested")
@case("group/nested_compact", libver="v18")
def group_nested(f, path):
    f.create_dataset("a/b/c/d/e/values", data=ramp(2))
    f["a/b"].attrs["level"] = np.int32(2)
    f.create_group("a/empty")


@case("group/compact", libver="v18")
def group_compact(f, path):
    for name in ("zeta", "alpha", "naïve"):
        f.create_group(name)
    f.create_dataset("d", data=ramp(2))


@case("group/dense", libver="v18")
def group_dense(f, path):
    d = f.create_dataset("d", data=ramp(2))
    for i in range(300):
        f[f"link_{i:03}"] = d


@case("group/dense_creation_order", libver="v18", track_order=True)
def group_dense_creation_order(f, path):
    d = f.create_dataset("d", data=ramp(2))
    for i in range(20):
        f[f"link_{(i * 7) % 20:02}"] = d


@case("group/dense_long_names", libver="v18")
def group_dense_long_names(f, path):
    # names of 200 bytes fill several direct blocks behind an indirect block of the fractal heap
    d = f.create_dataset("d", data=ramp(2))
    for i in range(30):
        f[f"{i:02}" + "x" * 198] = d


@case("group/dense_huge_name", libver="v18")
def group_dense_huge_name(f, path):
    # longer than the largest managed object of the heap: a huge object with its own B-tree
    d = f.create_dataset("d", data=ramp(2))
    for i in range(9):
        f[f"link_{i}"] = d
    f["h" * 5000] = d


@case("group/dense_deep", libver="v18")
def group_dense_deep(f, path):
    # a name index of depth 2
    for i in range(1200):
        f[f"l{i:04}"] = h5py.SoftLink("x")


@case("group/dense_filtered", libver="v18")
def group_dense_filtered(f, path):
    # the filters of a group are those of its fractal heap: direct blocks below an indirect block, and a huge object
    d = f.create_dataset("d", data=ramp(2))
    for name, levels in (("one", (6,)), ("two", (1, 9))):
        gcpl = h5p.create(h5p.GROUP_CREATE)
        for level in levels:
            done(libhdf5().H5Pset_deflate(gcpl.id, level))
        g = h5py.Group(h5py.h5g.create(f.id, name.encode(), gcpl=gcpl))
        for i in range(40):
            g[f"{i:02}" + "x" * 98] = d
        g["h" * 5000] = d


@case("group/soft_links")
@case("group/soft_links_compact", libver="v18")
def group_soft_links(f, path):
    f.create_dataset("g/d", data=ramp(2))
    f["to_dataset"] = h5py.SoftLink("/g/d")
    f["to_group"] = h5py.SoftLink("/g")
    f["g/relative"] = h5py.SoftLink("d")
    f["dangling"] = h5py.SoftLink("/nowhere")
    f["loop_a"] = h5py.SoftLink("/loop_b")
    f["loop_b"] = h5py.SoftLink("/loop_a")


@case("group/external_link", libver="v18")
def group_external_link(f, path):
    f.create_dataset("d", data=ramp(2))
    f["elsewhere"] = h5py.ExternalLink("other.h5", "/path/in/it")


@case("group/external_links", libver="v18")
def group_external_links(f, path):
    f.create_dataset("d", data=ramp(2))
    target = "external_links_target.h5"
    for name, file, there in (
        ("array", target, "/g/d"), ("by_soft_link", target, "/soft"), ("group", target, "/g"), ("root", target, "/"),
        ("no_object", target, "/nowhere"), ("no_file", "nowhere.h5", "/d"), ("datatype", target, "/type"),
        ("zarr", target, "/refused"),
    ):  # fmt: skip
        f[name] = h5py.ExternalLink(file, there)


@case("group/external_links_spelled", libver="v18")
def group_external_links_spelled(f, path):
    spellings = {"dot": ".", "root_dot": "/.", "slashes": "//g///d/", "dots": "./g/./d", "group": "g/.", "no_object": "./nowhere"}
    for name, there in spellings.items():
        f[name] = h5py.ExternalLink("external_links_target.h5", there)


@case("group/external_links_target")
def group_external_links_target(f, path):
    f.attrs["title"] = "elsewhere"
    g = f.create_group("g")
    g.attrs["units"] = "K"
    d = g.create_dataset("d", data=ramp(4, 6), chunks=(2, 6), compression="gzip")
    d.attrs["long_name"] = "a dataset of another file"
    g.create_group("h").create_dataset("deep", data=ramp(3, dtype=">i2"))
    f["soft"] = h5py.SoftLink("/g/d")
    f["back"] = h5py.ExternalLink("external_links.h5", "/")
    f["type"] = np.dtype("<i4")
    dataset(f, "refused", h5t.UNIX_D32LE, (2,))


@case("group/external_links_read", libver="v110")
def group_external_links_read(f, path):
    for name, there in (("array", "/g/lzf"), ("group", "/g"), ("no_object", "/nowhere")):
        f[name] = h5py.ExternalLink("external_links_read_target.h5", there)


@case("group/external_links_read_target", libver="v110")
def group_external_links_read_target(f, path):
    """Datasets that no references express."""
    f.create_dataset("g/lzf", data=ramp(4, 6), chunks=(2, 4), compression="lzf")
    place = selected((4, 6), (0, 0), (3, 6))
    virtual(f["g"], "of_lzf", "i4", (4, 6), [(place, ".", "/g/lzf", selected((4, 6), (1, 0), (3, 6)))], fill=5)


@case("group/hard_links")
@case("group/hard_links_compact", libver="v18")
def group_hard_links(f, path):
    d = f.create_dataset("first", data=ramp(2))
    f["second"] = d
    f["g/third"] = d


@case("group/cycle")
@case("group/cycle_compact", libver="v18")
def group_cycle(f, path):
    g = f.create_group("g")
    g.create_dataset("d", data=ramp(2))
    g["self"] = g
    f["g/h/back"] = g
    f["g/h/root"] = f["/"]


@case("group/soft_links_through_loops")
def group_soft_links_through_loops(f, path):
    g = f.create_group("g")
    g.create_dataset("d", data=ramp(2))
    g["self"] = g
    f["g/h/root"] = f["/"]
    f["through_self"] = h5py.SoftLink("/g/self/self/d")
    f["through_root"] = h5py.SoftLink("/g/h/root/g/d")
    g["relative"] = h5py.SoftLink("self/h/root/through_self")


# ---------------------------------------------------------------- attribute


@case("attribute/many_types")
@case("attribute/many_types_v3", libver="v18")
def attribute_many_types(f, path):
    for kind in ("i1", "i2", "<i4", ">i4", "i8", "u1", "u2", "u4", "f2", "f4", ">f8"):
        name = kind.replace("<", "le_").replace(">", "be_")
        f.attrs[name] = np.array(3, kind)
        f.attrs[name + "_list"] = np.array([1, 2, 3], kind)
    f.attrs["i8_min"] = np.int64(-(2**63))
    f.attrs["u8_max"] = np.uint64(2**64 - 1)
    f.attrs["f4_tenth"] = np.float32(0.1)
    f.attrs["f8_tenth"] = np.float64(0.1)
    f.attrs["one"] = np.array([5], "i4")
    f.attrs["matrix"] = ramp(2, 3)
    f.attrs["cube"] = ramp(2, 1, 2)
    f.attrs["no_elements"] = np.zeros(0, "f4")
    f.attrs["null"] = h5py.Empty("f4")
    f.attrs["null_string"] = h5py.Empty("S1")
    f.attrs["nan"] = np.float64(np.nan)
    f.attrs["specials"] = np.array([np.nan, np.inf, -np.inf, -0.0], "f4")
    f.attrs["bool"] = np.bool_(True)
    f.attrs["bools"] = np.array([True, False])
    f.attrs.create("enum", 1, dtype=h5py.enum_dtype({"OFF": 0, "ON": 1}, basetype="i1"))
    f.attrs["complex"] = np.complex128(1 + 2j)
    f.attrs["compound"] = np.array((1, 2.5), [("a", "<i4"), ("b", "<f8")])
    f.attrs["opaque"] = np.void(b"\1\2\3")


@case("attribute/strings")
@case("attribute/strings_v3", libver="v18")
def attribute_strings(f, path):
    f.attrs["fixed"] = np.bytes_("fixed")
    f.attrs["fixed_list"] = np.array([b"a", b"bcd"], "S3")
    f.attrs["fixed_empty"] = np.array(b"", "S1")
    f.attrs["vlen"] = "variable"
    f.attrs["vlen_empty"] = ""
    f.attrs["vlen_list"] = np.array(["x", "", "zz"], object)
    f.attrs["vlen_one"] = np.array(["only"], object)
    f.attrs["utf8"] = "Größe 名前"
    f.attrs["größe"] = np.int32(1)
    f.attrs["latin1"] = np.bytes_(b"caf\xe9")
    f.attrs["multi line"] = 'a "quoted"\tline\nand another\\'


@case("attribute/not_utf8")
def attribute_not_utf8(f, path):
    # Latin-1, as many real files have it
    d = f.create_dataset("d", data=ramp(2))
    d.attrs["units"] = np.bytes_(b"\xb0C")
    d.attrs["list"] = np.array([b"\xb0C", b"ab"], "S2")
    d.attrs.create("variable", b"\xb0C", dtype=h5py.string_dtype())
    d.attrs["sound"] = "°C"
    h5a.create(d.id, b"na\xefve", h5t.STD_I32LE, h5s.create(h5s.SCALAR)).write(np.array(7, "i4"))


@case("attribute/vlen_numbers")
def attribute_vlen_numbers(f, path):
    value = np.empty(2, object)
    value[0], value[1] = np.array([1, 2, 3], "i4"), np.array([], "i4")
    f.attrs.create("d", value, dtype=h5py.vlen_dtype("i4"))


@case("attribute/references")
def attribute_references(f, path):
    d = f.create_dataset("d", data=ramp(4))
    f.attrs["object"] = d.ref
    f.attrs["objects"] = np.array([d.ref, f.ref], h5py.ref_dtype)
    f.attrs["region"] = d.regionref[1:3]


@case("attribute/dense", libver="v18")
def attribute_dense(f, path):
    d = f.create_dataset("d", data=ramp(2))
    for i in range(60):
        d.attrs[f"attribute_{i:02}"] = np.float64(i)


@case("attribute/dense_creation_order", libver="v18", track_order=True)
def attribute_dense_creation_order(f, path):
    d = f.create_dataset("d", data=ramp(2), track_order=True)
    for i in range(20):
        d.attrs[f"attribute_{(i * 7) % 20:02}"] = np.int32(i)


@case("attribute/dense_nested_heap", libver="v18")
def attribute_dense_nested_heap(f, path):
    # the direct blocks of the root indirect block hold 512 KiB together: what follows is in an indirect block below it
    d = f.create_dataset("d", data=ramp(2))
    for i in range(140):
        d.attrs[f"filler_{i:03}"] = np.void(bytes([i]) * 3900)
    for i in range(4):
        d.attrs[f"last_{i}"] = np.arange(3, dtype="i4") + i


@case("attribute/huge", libver="v18")
def attribute_huge(f, path):
    d = f.create_dataset("d", data=ramp(2))
    d.attrs["small"] = np.int32(1)
    d.attrs["huge"] = (np.arange(12800) % 10).astype("i8")


# ---------------------------------------------------------------- data layout


@case("data_layout/compact")
@case("data_layout/compact_v18", libver="v18")
def layout_compact(f, path):
    dcpl = properties(layout=h5d.COMPACT)
    dataset(f, "d", "i4", (2, 3), ramp(2, 3), dcpl=dcpl)
    dataset(f, "scalar", "f8", (), np.float64(2.5), dcpl=properties(layout=h5d.COMPACT))
    dataset(f, "never_written", "i2", (3,), dcpl=properties(layout=h5d.COMPACT, fill_value=np.array(4, "i2")))


@case("data_layout/compact_large")
def layout_compact_large(f, path):
    dataset(f, "d", "i2", (1000,), ramp(1000, dtype="i2"), dcpl=properties(layout=h5d.COMPACT))


@case("data_layout/contiguous")
def layout_contiguous(f, path):
    dataset(f, "early", "i4", (3,), ramp(3), dcpl=properties(alloc_time=h5d.ALLOC_TIME_EARLY))
    dataset(f, "late", "i4", (3,), ramp(3), dcpl=properties(alloc_time=h5d.ALLOC_TIME_LATE))
    dataset(f, "early_never_written", "i4", (3,), dcpl=properties(alloc_time=h5d.ALLOC_TIME_EARLY, fill_value=np.array(9, "i4")))
    dataset(f, "late_never_written", "i4", (3,), dcpl=properties(alloc_time=h5d.ALLOC_TIME_LATE))


@case("data_layout/v1")
@case("data_layout/v2")
def layout_old(f, path):
    # messages of version 3, rewritten as libraries before 1.6.3 wrote them
    version = 1 if "v1" in path else 2
    f.create_dataset("contiguous", data=ramp(4, 6))
    f.create_dataset("chunked", data=ramp(10), chunks=(4,))
    dataset(f, "compact", "<i2", (20,), ramp(20, dtype="i2"), dcpl=properties(layout=h5d.COMPACT))
    f.close()

    def change(data):
        def message(name, start):
            at = data.index(start, header_address(path, name))
            size = struct.unpack_from("<H", data, at - 6)[0]
            return at, size, bytes(data[at : at + size])

        def write(at, size, body):
            assert len(body) <= size
            data[at : at + size] = body.ljust(size, b"\0")

        def old(layout, dimensions, address=b""):
            return struct.pack("<BBB5x", version, len(dimensions), layout) + address + struct.pack(f"<{len(dimensions)}I", *dimensions)

        at, size, body = message("contiguous", b"\x03\x01")
        write(at, size, old(1, (4, 6), body[2:10]))
        at, size, body = message("chunked", b"\x03\x02\x02")
        write(at, size, old(2, (4, 4), body[3:11]))
        # the old message is longer: it has room for 14 of the 20 elements
        at, size, body = message("compact", b"\x03\x00\x28\x00")
        write(at, size, old(0, (14,)) + struct.pack("<I", 28) + body[4:32])
        space = data.index(struct.pack("<BBBB4xQQ", 1, 1, 1, 0, 20, 20), header_address(path, "compact"))
        data[space + 8 : space + 24] = struct.pack("<QQ", 14, 14)

    patch(path, change)


@case("data_layout/external")
def layout_external(f, path):
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_external(b"external_first.bin", 4, 8)
    dcpl.set_external(b"external_second.bin", 0, 16)
    dataset(f, "d", "i4", (6,), dcpl=dcpl)
    f.create_dataset("ordinary", data=ramp(3))
    with open("external_first.bin", "wb") as raw:
        raw.write(b"skip" + struct.pack("<2i", 10, 11))
    with open("external_second.bin", "wb") as raw:
        raw.write(struct.pack("<4i", 12, 13, 14, 15))


@case("data_layout/virtual_source")
def layout_virtual_source(f, path):
    f.create_dataset("d", data=ramp(4))


@case("data_layout/virtual", libver="v110")
def layout_virtual(f, path):
    layout = h5py.VirtualLayout(shape=(2, 4), dtype="i4")
    for row in range(2):
        layout[row] = h5py.VirtualSource("virtual_source.h5", "d", shape=(4,))
    f.create_virtual_dataset("d", layout, fillvalue=-1)
    f.create_dataset("ordinary", data=ramp(3))


@case("data_layout/virtual_same_file", libver="v110")
def layout_virtual_same_file(f, path):
    f.create_dataset("source_0", data=ramp(4))
    f.create_dataset("source_1", data=ramp(4, start=100))
    layout = h5py.VirtualLayout(shape=(2, 4), dtype="i4")
    for row in range(2):
        layout[row] = h5py.VirtualSource(".", f"source_{row}", shape=(4,))
    f.create_virtual_dataset("d", layout)


def selected(shape, start, block, stride=None, count=None, limits=None):
    """A dataspace of which a hyperslab is selected."""
    space = h5s.create_simple(shape, limits)
    space.select_hyperslab(start, count or (1,) * len(shape), stride or block, block)
    return space


def virtual(parent, name, dtype, shape, mappings, maxshape=None, fill=None):
    """A virtual dataset of (virtual selection, file, dataset, source selection); a shape is a whole source."""
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_layout(h5d.VIRTUAL)
    if fill is not None:
        dcpl.set_fill_value(np.array(fill, dtype))
    for place, file, source, taken in mappings:
        dcpl.set_virtual(place, file.encode(), source.encode(), h5s.create_simple(taken) if isinstance(taken, tuple) else taken)
    limits = None if maxshape is None else tuple(h5s.UNLIMITED if m is None else m for m in maxshape)
    return dataset(parent, name, dtype, shape, dcpl=dcpl, space=h5s.create_simple(shape, limits))


@case("data_layout/virtual_chunks", libver="v110")
@case("data_layout/virtual_chunks_v3", libver="latest")
def layout_virtual_chunks(f, path):
    gzip = {"chunks": (2, 3), "compression": "gzip", "shuffle": True}
    for n in range(4):
        f.create_dataset(f"g/gzip_{n}", data=ramp(4, 6, start=100 * n), **(gzip if n % 2 else gzip | {"compression_opts": 9}))
        f.create_dataset(f"g/row_{n}", data=ramp(6, dtype=">i2", start=10 * n), chunks=(4,))
        f.create_dataset(f"g/whole_{n}", data=ramp(4 - n % 2, 3, dtype="f8", start=10 * n))
        f.create_dataset(f"g/frames_{n}", data=ramp(3, 2, 2, dtype="u1", start=20 * n), chunks=(1, 2, 2))
    layers = [(selected((4, 4, 6), (n, 0, 0), (1, 4, 6)), ".", f"/g/gzip_{n}", (4, 6)) for n in range(4)]
    virtual(f, "layers", "i4", (4, 4, 6), layers)
    tiles = [(selected((8, 12), (n // 2 * 4, n % 2 * 6), (4, 6)), ".", f"g/gzip_{n}", (4, 6)) for n in range(4)]
    virtual(f, "tiles", "i4", (8, 12), tiles)
    # the last chunk of each row sticks out
    rows = [(selected((4, 6), (n, 0), (1, 6)), ".", f"/g/row_{n}", (6,)) for n in range(4)]
    virtual(f, "rows", ">i2", (4, 6), rows)
    ends, shapes = np.cumsum([0, 4, 3, 4, 3]), [(4 - n % 2, 3) for n in range(4)]
    joined = [(selected((14, 3), (int(ends[n]), 0), shapes[n]), ".", f"/g/whole_{n}", shapes[n]) for n in range(4)]
    virtual(f, "joined", "f8", (14, 3), joined)
    turns = [(selected((12, 2, 2), (n, 0, 0), (1, 2, 2), (4, 1, 1), (3, 1, 1)), ".", f"/g/frames_{n}", (3, 2, 2)) for n in range(4)]
    virtual(f, "turns", "u1", (12, 2, 2), turns)
    parts = [(selected((2, 6), (0, 0), (2, 6)), ".", "/g/gzip_1", selected((4, 6), (2, 0), (2, 6)))]
    virtual(f, "part", "i4", (2, 6), parts)
    one = [(selected((3,), (1,), (1,)), ".", "/g/whole_0", selected((4, 3), (2, 1), (1, 1)))]
    virtual(f, "element", "f8", (3,), one)


@case("data_layout/virtual_gaps", libver="v110")
def layout_virtual_gaps(f, path):
    seven = properties(fill_value=np.array(7, "i4"), deflate=4)
    dataset(f, "sparse", "i4", (6, 4), chunks=(2, 4), dcpl=seven, maxshape=(None, 4))
    f["sparse"][2:4] = ramp(2, 4)
    dataset(f, "never_written", "i4", (2, 4), dcpl=properties(fill_value=np.array(8, "i4")))
    dataset(f, "whole", "i4", (2, 4), data=ramp(2, 4, start=50))
    dataset(f, "zeros", "i4", (4, 4), chunks=(2, 4))
    sparse = (selected((10, 4), (2, 0), (6, 4)), ".", "sparse", (6, 4))
    virtual(f, "three_fills", "i4", (10, 4), [sparse], fill=-1)
    virtual(f, "uncovered", "i4", (6, 4), [(selected((6, 4), (2, 0), (2, 4)), ".", "whole", (2, 4))], fill=-1)
    virtual(f, "uncovered_zeros", "i4", (6, 4), [(selected((6, 4), (2, 0), (2, 4)), ".", "whole", (2, 4))])
    halves = [(selected((4, 4), (2 * n, 0), (2, 4)), ".", name, (2, 4)) for n, name in enumerate(["whole", "never_written"])]
    virtual(f, "halves", "i4", (4, 4), halves, fill=-1)
    virtual(f, "from_zeros", "i4", (4, 4), [(selected((4, 4), (0, 0), (4, 4)), ".", "zeros", (4, 4))], fill=-1)
    masked = virtual(f, "masked", "i4", (10, 4), [sparse], fill=7)
    masked.attrs["_FillValue"] = np.int32(7)
    virtual(f, "nothing", "i4", (2, 3), [], fill=5)
    virtual(f, "empty", "i4", (0, 4), [])


@case("data_layout/virtual_unlimited", libver="latest")
def layout_virtual_unlimited(f, path):
    endless = h5s.UNLIMITED
    for n, length in enumerate([6, 4]):
        f.create_dataset(f"log_{n}", data=ramp(length, 3, start=100 * n), chunks=(1, 3), maxshape=(None, 3))
        f.create_dataset(f"shot%{n}", data=ramp(2, 3, start=100 * n), chunks=(2, 3))
    log = selected((6, 3), (0, 0), (endless, 3), stride=(1, 3), limits=(endless, 3))
    turns = [
        (selected((1, 3), (n, 0), (1, 3), (2, 3), (endless, 1), (endless, 3)), ".", f"log_{n}", log) for n in range(2)
    ]
    shots = [(selected((1, 3), (2, 0), (2, 3), (2, 3), (endless, 1), (endless, 3)), ".", "shot%%%b", (2, 3))]
    copy = [(selected((1, 3), (0, 0), (endless, 3), (1, 3), limits=(endless, 3)), ".", "log_0", log)]
    for name, mappings in [("turns", turns), ("shots", shots), ("copy", copy)]:
        # reading the shape makes libhdf5 store it
        assert virtual(f, name, "i4", (1, 3), mappings, (None, 3), fill=-2).shape[0] > 1
        virtual(f, name + "_outdated", "i4", (1, 3), mappings, (None, 3), fill=-2)


@case("data_layout/virtual_names_shared", libver="latest")
def layout_virtual_names_shared(f, path):
    """Version 1 of the mappings, which libhdf5 2.0 reads and does not write."""
    f.create_dataset("s", data=ramp(2, 3))
    place = [selected((4, 3), (2 * n, 0), (2, 3)) for n in range(2)]
    virtual(f, "d", "i4", (4, 3), [(place[0], "a.h5", "s", (2, 3)), (place[1], "a.h5", "s", (2, 3))])
    f.close()
    names = b"a.h5\0s\0"

    def change(data):
        first = data.index(names)
        second = data.index(names, first + 1)
        start, at = first - 9, data.index(b"GCOL")
        size = int.from_bytes(data[at + 24 : at + 32], "little")
        selections = data[first + len(names) : second], data[second + len(names) : start + size - 4]
        block = b"\1" + struct.pack("<Q", 2) + b"\4s\0" + selections[0] + b"\6" + struct.pack("<Q", 0) + selections[1]
        block += struct.pack("<I", lookup3(bytes(block)))
        data[at + 24 : at + 32] = struct.pack("<Q", len(block))
        free = -(-len(block) // 8) * 8
        data[start : at + 4096] = block.ljust(4096 - (start - at), b"\0")
        data[start + free + 8 : start + free + 16] = struct.pack("<Q", 4096 - (start - at) - free)

    patch(path, change)


@case("data_layout/virtual_refused", libver="v110")
def layout_virtual_refused(f, path):
    f.create_dataset("s", data=ramp(5, 4), chunks=(2, 4))
    f.create_dataset("other_chunks", data=ramp(5, 4), chunks=(1, 4))
    f.create_dataset("gzip", data=ramp(4, 4), chunks=(2, 4), compression="gzip")
    f.create_dataset("big", data=ramp(4, 4, dtype=">i4"), chunks=(2, 4))
    top, bottom = selected((8, 4), (0, 0), (4, 4)), selected((8, 4), (4, 0), (4, 4))
    four = selected((5, 4), (0, 0), (4, 4))

    def case(name, *mappings, shape=(8, 4)):
        virtual(f, name, "i4", shape, mappings)

    case("between_chunks", (top, ".", "s", selected((5, 4), (1, 0), (4, 4))))
    # the source's last chunk is half full, and more follows in the dataset
    case("partial_chunk", (selected((8, 4), (0, 0), (5, 4)), ".", "s", (5, 4)))
    case("other_shape", (top, ".", "s", four), (bottom, ".", "other_chunks", four))
    case("other_filters", (top, ".", "s", four), (bottom, ".", "gzip", (4, 4)))
    case("other_type", (top, ".", "big", (4, 4)))
    case("overlap", (top, ".", "s", four), (selected((8, 4), (2, 0), (4, 4)), ".", "s", four))
    case("reshaped", (selected((8, 4), (0, 0), (8, 2)), ".", "s", four))
    stairs = selected((8, 4), (0, 0), (2, 4))
    stairs.select_hyperslab((4, 0), (1, 1), (1, 1), (1, 4), h5s.SELECT_OR)
    stairs.select_hyperslab((6, 0), (1, 1), (1, 1), (1, 4), h5s.SELECT_OR)
    case("stairs", (stairs, ".", "s", four))
    case("no_source", (top, ".", "nowhere", (4, 4)))
    case("of_virtual", (top, ".", "no_source", selected((8, 4), (0, 0), (4, 4))))
    case("of_itself", (top, ".", "of_itself", selected((8, 4), (4, 0), (4, 4))))
    case("other_file", (top, "nowhere.h5", "s", (4, 4)))
    text = h5py.string_dtype()
    f.create_dataset("text", data=["a", "bc"], dtype=text)
    virtual(f, "strings", text, (2,), [(selected((2,), (0,), (2,)), ".", "text", (2,))])
    virtual(f, "no_shots", "i4", (1, 4), [(selected((1, 4), (0, 0), (1, 4), (1, 4), (h5s.UNLIMITED, 1), (h5s.UNLIMITED, 4)), ".", "shot_%b", (1, 4))], (None, 4))
    case("fine", (top, ".", "gzip", (4, 4)))


@case("data_layout/virtual_read", libver="v110")
def layout_virtual_read(f, path):
    """No references express these, and their elements can be read."""
    f.create_dataset("lzf", data=ramp(6, 8), chunks=(2, 4), compression="lzf", shuffle=True)
    f.create_dataset("plain", data=ramp(6, 8, start=1000))
    lzf, whole = selected((6, 8), (0, 0), (3, 8)), selected((6, 8), (0, 0), (6, 8))
    virtual(f, "of_lzf", "i4", (6, 8), [(whole, ".", "lzf", (6, 8))])
    virtual(f, "halves", "i4", (6, 8), [(lzf, ".", "lzf", lzf), (selected((6, 8), (3, 0), (3, 8)), ".", "plain", lzf)], fill=-2)
    virtual(f, "nested", "i4", (7, 9), [(selected((7, 9), (1, 1), (6, 8)), ".", "halves", (6, 8))], fill=-1)
    few = selected((6, 8), (5, 7), (1, 1))
    few.select_hyperslab((0, 2), (1, 1), (1, 1), (2, 1), h5s.SELECT_OR)
    few.select_hyperslab((3, 0), (1, 1), (1, 1), (1, 1), h5s.SELECT_OR)
    virtual(f, "irregular", "i4", (2, 3), [(selected((2, 3), (0, 0), (2, 2)), ".", "lzf", few)], fill=9)
    # rows of a source far from each other, and none in between
    rows = [(selected((60, 8), (at, 0), (1, 8)), ".", "lzf", selected((6, 8), (n, 0), (1, 8))) for n, at in enumerate((7, 8, 51))]
    virtual(f, "gaps", "i4", (60, 8), rows, fill=7)
    odd = h5t.STD_I16BE.copy()
    odd.set_precision(12)
    f.create_dataset("numbers", data=ramp(5, dtype="i2"))
    dataset(f, "odd", odd, (5,), chunks=(2,)).id.write(h5s.ALL, h5s.ALL, np.array([-2048, -1, 0, 1, 2047], "i2"), h5t.NATIVE_INT16)
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_layout(h5d.VIRTUAL)
    dcpl.set_virtual(selected((4,), (0,), (4,)), b".", b"odd", selected((5,), (1,), (4,)))
    dataset(f, "of_odd", odd, (4,), dcpl=dcpl)
    record = np.dtype([("a", "<i2"), ("b", "<f4")])
    f.create_dataset("records", data=np.array([(n, n / 2) for n in range(5)], record), chunks=(2,), compression="gzip")
    virtual(f, "of_records", record, (3,), [(selected((3,), (0,), (3,)), ".", "records", selected((5,), (1,), (3,)))])


@case("data_layout/virtual_sparse", libver="v110")
def layout_virtual_sparse(f, path):
    """Two rows of a thousand, more than is held inline."""
    f.create_dataset("s", data=ramp(2, 6000, dtype="u1"), chunks=(2, 50), compression="gzip")
    rows = [(selected((1000, 6000), (at, 0), (1, 6000)), ".", "s", selected((2, 6000), (n, 0), (1, 6000))) for n, at in enumerate((10, 990))]
    virtual(f, "d", "u1", (1000, 6000), rows, fill=7)


@case("data_layout/virtual_lost", libver="v110")
def layout_virtual_lost(f, path):
    """Empty in the file, and as long as a source that is not there."""
    rows = selected((1, 4), (0, 0), (h5s.UNLIMITED, 4), (1, 4), limits=(h5s.UNLIMITED, 4))
    virtual(f, "d", "i4", (0, 4), [(rows, "nowhere.h5", "d", selected((1, 4), (0, 0), (h5s.UNLIMITED, 4), (1, 4), limits=(h5s.UNLIMITED, 4)))], (None, 4))


@case("data_layout/external_torn")
def layout_external_torn(f, path):
    """External files that end inside a row."""
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_external(b"external_torn_first.bin", 2, 14)
    dcpl.set_external(b"external_torn_second.bin", 0, 34)
    dataset(f, "d", ">i4", (4, 3), dcpl=dcpl)
    rows = ramp(4, 3, dtype=">i4", start=100).tobytes()
    with open("external_torn_first.bin", "wb") as raw:
        raw.write(b"xx" + rows[:14])
    with open("external_torn_second.bin", "wb") as raw:
        raw.write(rows[14:])


@case("data_layout/virtual_part_0", libver="v110")
@case("data_layout/virtual_part_1", libver="v110")
def layout_virtual_part(f, path):
    start = 100 if "1" in path else 0
    f.create_dataset("g/d", data=ramp(4, 5, dtype=">f4", start=start), chunks=(2, 5), compression="gzip", fletcher32=True)
    f["g/link"] = h5py.SoftLink("d")


@case("data_layout/virtual_numbered", libver="v110")
def layout_virtual_numbered(f, path):
    place = selected((1, 5), (0, 0), (4, 5), (4, 5), (h5s.UNLIMITED, 1), (h5s.UNLIMITED, 5))
    numbered = [(place, "virtual_part_%b.h5", "/g/link", (4, 5))]
    assert virtual(f, "numbered", ">f4", (4, 5), numbered, (None, 5)).shape == (8, 5)
    halves = [
        (selected((4, 5), (2 * n, 0), (2, 5)), f"virtual_part_{n}.h5", "g/d", selected((4, 5), (2, 0), (2, 5))) for n in range(2)
    ]
    virtual(f, "halves", ">f4", (4, 5), halves)
    # libhdf5 looks for the last part of the name beside the file
    virtual(f, "moved", ">f4", (4, 5), [(selected((4, 5), (0, 0), (4, 5)), "/nowhere/virtual_part_1.h5", "g/d", (4, 5))])


# ---------------------------------------------------------------- chunk


@case("chunk/btree_v1")
def chunk_btree_v1(f, path):
    f.create_dataset("d", data=ramp(6, 8), chunks=(2, 4))


@case("chunk/btree_v1_levels", prepare=istore_k)
def chunk_btree_v1_levels(f, path):
    f.create_dataset("d", data=ramp(15, 10, dtype="i2"), chunks=(1, 1))


@case("chunk/btree_v1_three_levels", sizes=(4, 4))
def chunk_btree_v1_three_levels(f, path):
    # the default 64 children a node: more than 64 * 64 chunks make a third level
    f.create_dataset("d", data=ramp(4200, dtype="i1"), chunks=(1,))


@case("chunk/partial_edges")
@case("chunk/partial_edges_gzip", libver="v110")
def chunk_partial_edges(f, path):
    f.create_dataset("d", data=ramp(5, 7), chunks=(2, 4), compression="gzip" if "gzip" in path else None)


@case("chunk/partial_edges_unfiltered", libver="v110")
def chunk_partial_edges_unfiltered(f, path):
    dcpl = properties(chunk=((2, 4),), deflate=6)
    done(libhdf5().H5Pset_chunk_opts(dcpl.id, 2))
    dataset(f, "d", "i4", (5, 7), ramp(5, 7), dcpl=dcpl)


@case("chunk/sparse")
def chunk_sparse(f, path):
    d = f.create_dataset("d", shape=(100, 100), dtype="i2", chunks=(10, 10))
    d[0:10, 0:10] = 1
    d[55, 33] = 2
    d[99, 99] = 3


@case("chunk/shrunk")
def chunk_shrunk(f, path):
    d = f.create_dataset("d", data=ramp(8, 4), maxshape=(None, 4), chunks=(2, 4))
    d.resize((3, 4))


@case("chunk/stale")
def chunk_stale(f, path):
    # as old libraries left it: the extent made smaller, the chunks outside it still in the index
    f.create_dataset("d", data=ramp(8, 4), maxshape=(None, 4), chunks=(2, 4))
    f.close()

    def change(data):
        at = data.index(struct.pack("<BBBB4xQQ", 1, 2, 1, 0, 8, 4)) + 8
        data[at : at + 8] = struct.pack("<Q", 3)

    patch(path, change)


@case("chunk/larger_than_shape")
def chunk_larger(f, path):
    d = f.create_dataset("d", shape=(3,), maxshape=(None,), dtype="i4", chunks=(16,))
    d[...] = [1, 2, 3]


@case("chunk/grown")
def chunk_grown(f, path):
    a = f.create_dataset("a", shape=(0, 3), maxshape=(None, 3), dtype="i4", chunks=(1, 3))
    b = f.create_dataset("b", shape=(0, 3), maxshape=(None, 3), dtype="f4", chunks=(2, 3), compression="gzip")
    for i in range(7):
        for d in (a, b):
            d.resize((i + 1, 3))
            d[i] = [i, i + 1, i + 2]


@case("chunk/single", libver="v110")
def chunk_single(f, path):
    f.create_dataset("d", data=ramp(3, 4), chunks=(3, 4))
    f.create_dataset("gzip", data=ramp(3, 4), chunks=(3, 4), compression="gzip")
    f.create_dataset("never_written", shape=(3, 4), dtype="i4", chunks=(3, 4))


@case("chunk/implicit", libver="v110")
def chunk_implicit(f, path):
    dcpl = properties(alloc_time=h5d.ALLOC_TIME_EARLY)
    dataset(f, "d", "i4", (5, 6), ramp(5, 6), chunks=(2, 4), dcpl=dcpl)
    dcpl = properties(alloc_time=h5d.ALLOC_TIME_EARLY)
    dataset(f, "bounded", "i2", (3, 5), ramp(3, 5, dtype="i2"), maxshape=(6, 9), chunks=(2, 2), dcpl=dcpl)


@case("chunk/fixed_array", libver="v110")
@case("chunk/fixed_array_v5", libver="latest")
def chunk_fixed_array(f, path):
    f.create_dataset("d", data=ramp(5, 6), chunks=(2, 4))
    f.create_dataset("gzip", data=ramp(5, 6), chunks=(2, 4), compression="gzip")
    f.create_dataset("bounded", data=ramp(3, 5, dtype="i2"), maxshape=(6, 9), chunks=(2, 2))
    d = f.create_dataset("sparse", shape=(5, 6), dtype="i4", chunks=(2, 4))
    d[4, 5] = 1


@case("chunk/fixed_array_paged", libver="v110")
def chunk_fixed_array_paged(f, path):
    # pages hold 1024 elements: three pages, the second never touched
    d = f.create_dataset("d", shape=(2500,), dtype="i1", chunks=(1,))
    for i in (0, 5, 1023, 2048, 2499):
        d[i] = i % 100 + 1


@case("chunk/fixed_array_one_page", libver="v110")
def chunk_fixed_array_one_page(f, path):
    # exactly as many elements as a page holds: not paged
    d = f.create_dataset("d", shape=(1024,), dtype="i1", chunks=(1,))
    for i in (0, 1023):
        d[i] = i % 100 + 1


@case("chunk/extensible_array", libver="v110")
@case("chunk/extensible_array_v5", libver="latest")
def chunk_extensible_array(f, path):
    f.create_dataset("d", data=ramp(5, 6), maxshape=(None, 6), chunks=(1, 4))
    f.create_dataset("gzip", data=ramp(9, 6), maxshape=(None, 6), chunks=(1, 4), compression="gzip")
    d = f.create_dataset("sparse", shape=(300,), maxshape=(None,), dtype="i2", chunks=(1,))
    for i in (0, 4, 40, 299):
        d[i] = i + 1


@case("chunk/extensible_array_second", libver="v110")
def chunk_extensible_array_second(f, path):
    # the unlimited dimension is not the first: the index numbers the chunks with it moved to the front
    f.create_dataset("d", data=ramp(3, 5), maxshape=(3, None), chunks=(1, 2))
    f.create_dataset("bounded", data=ramp(3, 5, start=100), maxshape=(5, None), chunks=(1, 2))


@case("chunk/extensible_array_paged", libver="v110", sizes=(4, 8))
def chunk_extensible_array_paged(f, path):
    # data blocks of more than 1024 elements are paged: the first is reached beyond element 16,000
    d = f.create_dataset("d", shape=(140000,), maxshape=(None,), dtype="i1", chunks=(1,))
    for i in (0, 3, 100, 5000, 17000, 70000, 139999):
        d[i] = i % 100 + 1


@case("chunk/btree_v2", libver="v110")
@case("chunk/btree_v2_v5", libver="latest")
def chunk_btree_v2(f, path):
    f.create_dataset("d", data=ramp(5, 6), maxshape=(None, None), chunks=(2, 4))
    f.create_dataset("gzip", data=ramp(5, 6), maxshape=(None, None), chunks=(2, 4), compression="gzip")


@case("chunk/btree_v2_levels", libver="v110", sizes=(4, 8))
def chunk_btree_v2_levels(f, path):
    f.create_dataset("d", data=ramp(20, 10, dtype="i1"), maxshape=(None, None), chunks=(1, 1))


@case("chunk/btree_v2_deep", libver="v110", sizes=(4, 8))
def chunk_btree_v2_deep(f, path):
    # with many dimensions a record is long, and few make a tree of depth 2
    ones = (1,) * 18
    data = ramp(14, 14, dtype="i1").reshape(*ones, 14, 14)
    f.create_dataset("d", data=data, maxshape=(*ones, None, None), chunks=(1,) * 20)
    f.create_dataset("gzip", data=data, maxshape=(*ones, None, None), chunks=(1,) * 20, compression="gzip")


@case("chunk/wide_dimension", libver="v110")
def chunk_wide_dimension(f, path):
    # a chunk dimension of 70,000 is encoded in three bytes
    f.create_dataset("d", data=np.zeros(70000, "i1"), chunks=(70000,), compression="gzip")


# ---------------------------------------------------------------- filter


def smooth(*shape, dtype="i4"):
    return np.add.outer(np.arange(shape[0]), np.arange(shape[1])).astype(dtype)


def filtered(f, **how):
    for name, dtype in (("i4", "<i4"), ("f8_be", ">f8"), ("i1", "i1")):
        f.create_dataset(name, data=smooth(8, 12, dtype=dtype), chunks=(4, 8), **how)


@case("filter/gzip")
def filter_gzip(f, path):
    filtered(f, compression="gzip", compression_opts=9)


@case("filter/shuffle_gzip")
@case("filter/shuffle_gzip_v2", libver="v18")
def filter_shuffle_gzip(f, path):
    filtered(f, compression="gzip", shuffle=True)


@case("filter/shuffle_gzip_fletcher32")
def filter_shuffle_gzip_fletcher32(f, path):
    filtered(f, compression="gzip", shuffle=True, fletcher32=True)


@case("filter/shuffle")
def filter_shuffle(f, path):
    filtered(f, shuffle=True)


@case("filter/fletcher32")
def filter_fletcher32(f, path):
    filtered(f, fletcher32=True)


@case("filter/fletcher32_first")
def filter_fletcher32_first(f, path):
    dcpl = properties(chunk=((4, 8),))
    dcpl.set_fletcher32()
    dcpl.set_shuffle()
    dcpl.set_deflate(6)
    dataset(f, "d", "i4", (8, 12), smooth(8, 12), dcpl=dcpl)


@case("filter/gzip_shuffle")
def filter_gzip_shuffle(f, path):
    dcpl = properties(chunk=((4, 8),))
    dcpl.set_deflate(6)
    dcpl.set_shuffle()
    dataset(f, "d", "i4", (8, 12), smooth(8, 12), dcpl=dcpl)


@case("filter/gzip_twice")
def filter_gzip_twice(f, path):
    dcpl = properties(chunk=((4, 8),))
    dcpl.set_deflate(1)
    dcpl.set_deflate(9)
    dataset(f, "d", "i4", (8, 12), smooth(8, 12), dcpl=dcpl)


@case("filter/lzf")
def filter_lzf(f, path):
    d = f.create_dataset("d", data=np.zeros((8, 12), "i4"), chunks=(4, 8), compression="lzf")
    # incompressible: the optional filter is skipped for this chunk
    d[0:4, 0:8] = np.random.default_rng(1).integers(-(2**31), 2**31, (4, 8), dtype="i4")


@case("filter/szip")
def filter_szip(f, path):
    f.create_dataset("nn", data=smooth(8, 16), chunks=(4, 16), compression="szip", compression_opts=("nn", 8))
    f.create_dataset("ec", data=smooth(8, 16, dtype="u2"), chunks=(4, 16), compression="szip", compression_opts=("ec", 8))


@case("filter/nbit")
def filter_nbit(f, path):
    tid = h5t.STD_U16LE.copy()
    tid.set_precision(12)
    dcpl = properties(chunk=((4, 8),), filter=(h5z.FILTER_NBIT,))
    dataset(f, "d", tid, (8, 12), smooth(8, 12, dtype="u2"), dcpl=dcpl)


@case("filter/scale_offset")
def filter_scale_offset(f, path):
    f.create_dataset("i4", data=smooth(8, 12), chunks=(4, 8), scaleoffset=0)
    f.create_dataset("f4", data=smooth(8, 12, dtype="f4") / 4, chunks=(4, 8), scaleoffset=2)


@case("filter/nbit_whole")
def filter_nbit_whole(f, path):
    # every bit counts: the filter leaves the bytes as they are, and says so in its parameters
    for name, dtype in (("i4", "<i4"), ("f8_be", ">f8")):
        dcpl = properties(chunk=((4, 8),), filter=(h5z.FILTER_NBIT,))
        dataset(f, name, dtype, (8, 12), smooth(8, 12, dtype=dtype), dcpl=dcpl)


def number_type(base, precision, offset=0):
    """A number of which some bits are padding."""
    tid = base.copy()
    tid.set_precision(precision)
    tid.set_offset(offset)
    return tid


def extremes(count, bits, signed, dtype):
    """Numbers of so many bits, the least and the largest among them."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    data = np.random.default_rng(bits).integers(low, high, count, dtype="i8" if signed else "u8", endpoint=False)
    data[:3] = [low, high - 1, 0]
    return data.astype(dtype)


@case("filter/nbit_numbers", libver="v110")
def filter_nbit_numbers(f, path):
    for base, name, dtype in ((h5t.STD_U8LE, "u1", "u1"), (h5t.STD_I16LE, "i2", "i2"), (h5t.STD_U16BE, "u2_be", "u2"),
                              (h5t.STD_I32BE, "i4_be", "i4"), (h5t.STD_I64LE, "i8", "i8"), (h5t.STD_U64BE, "u8_be", "u8")):
        size = 8 * base.get_size()
        # libhdf5 2.0 takes no type of which half is padding
        for bits, offset in ((size // 2 + 1, 0), (size // 2 + 2, size // 2 - 2), (size - 3, 2), (size - 1, 1)):
            dcpl = properties(chunk=((7,),), filter=(h5z.FILTER_NBIT,))
            data = extremes(20, bits, dtype[0] == "i", dtype)
            if offset == 1:
                dcpl.set_deflate(6)
            dataset(f, f"{name}_{bits}_at_{offset}", number_type(base, bits, offset), (20,), data, dcpl=dcpl)


@case("filter/nbit_records", libver="v110")
def filter_nbit_records(f, path):
    inner = h5t.create(h5t.COMPOUND, 6)
    inner.insert(b"a", 0, number_type(h5t.STD_I16LE, 11, 3))
    inner.insert(b"b", 2, number_type(h5t.STD_U32BE, 17))
    text = h5t.C_S1.copy()
    text.set_size(3)
    parts = h5t.array_create(inner, (2,))
    outer = h5t.create(h5t.COMPOUND, 42)
    outer.insert(b"whole", 0, h5t.IEEE_F64LE)
    outer.insert(b"text", 8, text)
    outer.insert(b"part", 11, inner)
    outer.insert(b"some", 17, h5t.array_create(number_type(h5t.STD_U16LE, 9), (2, 3)))
    outer.insert(b"small", 29, number_type(h5t.STD_I8LE, 5, 2))
    outer.insert(b"parts", 30, parts)
    part = np.dtype([("a", "i2"), ("b", "u4")])
    data = np.zeros(5, [("whole", "f8"), ("text", "S3"), ("part", part), ("some", "u2", (2, 3)), ("small", "i1"), ("parts", part, (2,))])
    rng = np.random.default_rng(5)
    data["whole"], data["text"], data["small"] = rng.normal(size=5), [b"a", b"bc", b"def", b"", b"g"], rng.integers(-16, 16, 5)
    data["some"] = rng.integers(0, 512, (5, 2, 3))
    for records, shape in ((data["part"], 5), (data["parts"], (5, 2))):
        records["a"], records["b"] = rng.integers(-1024, 1024, shape), rng.integers(0, 2**17, shape)
    dcpl = properties(chunk=((2,),), filter=(h5z.FILTER_NBIT,))
    space = h5s.create_simple((5,))
    d = h5d.create(f.id, b"records", outer, space, dcpl)
    d.write(h5s.ALL, h5s.ALL, data, h5t.py_create(data.dtype))
    # libhdf5 takes the parameters of the array's elements for those of the next member, which it does not store
    inner = h5t.create(h5t.COMPOUND, 8)
    inner.insert(b"a", 1, number_type(h5t.STD_I16LE, 11, 3))
    inner.insert(b"b", 4, number_type(h5t.STD_U32BE, 17))
    lost = h5t.create(h5t.COMPOUND, 24)
    lost.insert(b"parts", 0, h5t.array_create(inner, (2,)))
    lost.insert(b"small", 20, number_type(h5t.STD_I8LE, 5, 2))
    d = h5d.create(f.id, b"lost", lost, space, dcpl)
    d.write(h5s.ALL, h5s.ALL, data, h5t.py_create(data.dtype))
    dcpl = properties(chunk=((3,),), filter=(h5z.FILTER_NBIT,))
    arrays = h5t.array_create(number_type(h5t.STD_I16BE, 10, 4), (2, 2))
    d = h5d.create(f.id, b"arrays", arrays, space, dcpl)
    d.write(h5s.ALL, h5s.ALL, rng.integers(-512, 512, (5, 2, 2)).astype("i2"), h5t.array_create(h5t.NATIVE_INT16, (2, 2)))


def scale_offset(scale, factor, fill="default"):
    """The filter with parameters that h5py does not let through: libhdf5 adds the others."""
    dcpl = properties(chunk=((4, 8),))
    dcpl.set_filter(h5z.FILTER_SCALEOFFSET, h5z.FLAG_OPTIONAL, (scale, factor & 0xFFFFFFFF))
    if fill is None:
        dcpl.set_fill_time(h5d.FILL_TIME_NEVER)
        done(libhdf5().H5Pset_fill_value(dcpl.id, -1, None))
    elif fill != "default":
        dcpl.set_fill_value(fill)
    return dcpl


@case("filter/scale_offset_integers", libver="v110")
def filter_scale_offset_integers(f, path):
    rng = np.random.default_rng(6)
    coded, plain = f.create_group("coded"), f.create_group("plain")
    for dtype in ("i1", "u1", "<i2", ">u2", "<u4", ">i4", "<i8", ">u8"):
        name = np.dtype(dtype).name + ("_be" if dtype[0] == ">" else "")
        limits = np.iinfo(dtype)
        narrow = rng.integers(5, 90, (8, 12)).astype(dtype) + (np.array(limits.min) if dtype[-2] == "i" else np.array(7)).astype(dtype)
        full = rng.integers(limits.min, limits.max, (8, 12), dtype=np.dtype(dtype).newbyteorder("="), endpoint=True).astype(dtype)
        full[::4, ::8] = limits.min
        full[1::4, 1::8] = limits.max
        filled = narrow.copy()
        filled[1:7:2, ::3] = limits.max - 3
        for how, data, fill in (("narrow", narrow, "default"), ("no_fill", narrow, None), ("full", full, "default"),
                                ("full_no_fill", full, None), ("filled", filled, np.array(limits.max - 3, dtype)),
                                ("one", np.full((8, 12), limits.max - 9, dtype), None),
                                ("all_filled", np.full((8, 12), 3, dtype), np.array(3, dtype))):
            dataset(coded, f"{name}_{how}", dtype, (8, 12), data, dcpl=scale_offset(2, 0, fill))
        # all bits, with which the filter does nothing, and as many as are asked for
        dataset(coded, f"{name}_seven_bits", dtype, (8, 12), narrow, dcpl=scale_offset(2, 7))
        dataset(plain, name, dtype, (8, 12), full, dcpl=scale_offset(2, 8 * limits.dtype.itemsize))


@case("filter/scale_offset_floats", libver="v110")
def filter_scale_offset_floats(f, path):
    rng = np.random.default_rng(7)
    for dtype in ("<f4", ">f4", "<f8", ">f8"):
        name = np.dtype(dtype).name + ("_be" if dtype[0] == ">" else "")
        data = (rng.normal(size=(8, 12)) * 300).astype(dtype)
        filled = data.copy()
        filled[1:7:2, ::3] = -999.25
        for factor in (0, 1, 3, 5):
            dataset(f, f"{name}_{factor}", dtype, (8, 12), data, dcpl=scale_offset(0, factor))
            dataset(f, f"{name}_{factor}_no_fill", dtype, (8, 12), data, dcpl=scale_offset(0, factor, None))
            dataset(f, f"{name}_{factor}_filled", dtype, (8, 12), filled, dcpl=scale_offset(0, factor, np.array(-999.25, dtype)))
        dataset(f, f"{name}_minus_2", dtype, (8, 12), data * 1000, dcpl=scale_offset(0, -2))
        dataset(f, f"{name}_too_many_bits", dtype, (8, 12), data, dcpl=scale_offset(0, 30))
        dataset(f, f"{name}_one", dtype, (8, 12), np.full((8, 12), -2.5), dcpl=scale_offset(0, 2, None))
        # codes of more bits than the type is exact in
        large = (rng.random((8, 12)) * 2.0 ** (30 if dtype[-1] == "4" else 61)).astype(dtype)
        dataset(f, f"{name}_large", dtype, (8, 12), large, dcpl=scale_offset(0, 0, None))


@case("filter/szip_pixels", libver="v110")
def filter_szip_pixels(f, path):
    rng = np.random.default_rng(8)
    whole, odd = f.create_group("whole"), f.create_group("odd")
    for coding, mask in (("nn", 32), ("ec", 4)):
        for dtype in ("u1", "i1", "<i2", ">u2", "<u4", ">i4", "<f4", "<i8", ">f8"):
            for block, shape, chunk in ((8, (9, 40), (5, 32)), (4, (6, 30), (3, 13)), (32, (8, 30), (8, 30)), (10, (5, 70), (5, 35))):
                name = f"{coding}_{np.dtype(dtype).name}{'_be' if dtype[0] == '>' else ''}_{block}"
                data = np.add.outer(np.arange(shape[0]) ** 2, np.cumsum(rng.integers(-2, 3, shape[1])))
                data[: shape[0] // 2] %= 5
                data[shape[0] // 2] = 0
                data[-1] = rng.integers(0, 250, shape[1])
                dcpl = properties(chunk=(chunk,))
                dcpl.set_szip(mask, block)
                dataset(whole, name, dtype, shape, abs(data).astype(dtype), dcpl=dcpl)
        # other numbers of bits, of which some are decoded as they have no type of Zarr
        for bits, base, memory in ((5, h5t.STD_U8LE, "u1"), (12, h5t.STD_U16BE, "u2"), (20, h5t.STD_U32LE, "u4"), (24, h5t.STD_U32BE, "u4")):
            dcpl = properties(chunk=((4, 20),))
            dcpl.set_szip(mask, 8)
            data = np.cumsum(rng.integers(-3, 4, (8, 20)), axis=1) + 2 ** (bits - 1)
            data[-1] = rng.integers(0, 2**bits, 20)
            data[3] = [0, 2**bits - 1] * 10
            dataset(odd, f"{coding}_{bits}_bits", number_type(base, bits), (8, 20), (data % 2**bits).astype(memory), dcpl=dcpl)
        # zeros over more than a segment of 64 blocks
        dcpl = properties(chunk=((4, 600),))
        dcpl.set_szip(mask, 4)
        zeros = np.zeros((4, 600), "<i2")
        zeros[1, 300:] = 7
        zeros[2, 77] = -1
        zeros[3, 590:] = rng.integers(-30000, 30000, 10)
        dataset(whole, f"{coding}_zeros", "<i2", (4, 600), zeros, dcpl=dcpl)


@case("filter/lzf_runs", libver="v110")
def filter_lzf_runs(f, path):
    rng = np.random.default_rng(9)
    noise = rng.integers(0, 256, 30000).astype("u1")
    half = noise.copy()
    half[10000:20000] = noise[3000:13000]
    half[20000:27000] = 5
    f.create_dataset("half", data=half, chunks=(15000,), compression="lzf")
    f.create_dataset("smooth", data=smooth(40, 60), chunks=(16, 32), compression="lzf", shuffle=True, fletcher32=True)
    f.create_dataset("floats", data=np.round(rng.normal(size=(40, 60)), 1).astype(">f8"), chunks=(16, 32), compression="lzf")


@case("filter/quantized")
def filter_quantized(f, path):
    register_quantizers()
    groomed = (np.linspace(0, 1, 96, dtype="<f4").view("<u4") & 0xFFFFF000).view("<f4").reshape(8, 12)
    for number, name in ((32022, "bit_groom"), (32023, "granular_bit_round")):
        dcpl = properties(chunk=((4, 8),))
        dcpl.set_filter(number, h5z.FLAG_MANDATORY, (3, 4, 0, 0, 0))
        dcpl.set_shuffle()
        dcpl.set_deflate(6)
        dataset(f, name, "<f4", (8, 12), groomed, dcpl=dcpl)


@case("filter/shuffle_odd_element")
def filter_shuffle_odd_element(f, path):
    f.create_dataset("d", data=np.frombuffer(b"abcdefghijklmno", "S5"), chunks=(2,), shuffle=True, compression="gzip")


def masked(f, name, masks, data):
    """Chunks written as given, with `mask` saying which of [shuffle, deflate] were skipped."""
    d = f.create_dataset(name, shape=(4 * len(masks),), dtype="<i4", chunks=(4,), shuffle=True, compression="gzip")
    for i, mask in enumerate(masks):
        raw = data[4 * i : 4 * i + 4].tobytes()
        if not mask & 1:
            raw = np.frombuffer(raw, "u1").reshape(-1, 4).T.tobytes()
        if not mask & 2:
            raw = zlib.compress(raw, 6)
        d.id.write_direct_chunk((4 * i,), raw, filter_mask=mask)


@case("filter/mask_uniform")
@case("filter/mask_uniform_v110", libver="v110")
def filter_mask_uniform(f, path):
    for mask in (1, 2, 3):
        masked(f, f"mask_{mask}", [mask] * 3, np.arange(12, dtype="<i4"))


@case("filter/mask_mixed")
def filter_mask_mixed(f, path):
    masked(f, "d", [0, 1, 2, 3], np.arange(16, dtype="<i4"))


@case("filter/unknown")
def filter_unknown(f, path):
    # a filter number nobody has: optional, and skipped in one dataset, applied (as it were) in the other
    for name, mask in (("skipped", 1), ("applied", 0)):
        dcpl = properties(chunk=((4,),), filter=(h5z.FILTER_DEFLATE, h5z.FLAG_OPTIONAL, (6,)))
        d = dataset(f, name, "<i4", (4,), dcpl=dcpl)
        d.id.write_direct_chunk((0,), np.arange(4, dtype="<i4").tobytes(), filter_mask=mask)
    f.close()

    def change(data):
        # rename filter 1 to 499 in both pipeline messages; version 1 messages carry its name too
        count = data.count(b"deflate\0")
        assert count == 2
        for found in re.finditer(b"deflate\0", bytes(data)):
            at = found.start() - 8
            assert struct.unpack_from("<HH", data, at) == (1, 8)
            data[at : at + 2] = struct.pack("<H", 499)
            data[at + 8 : at + 16] = b"unknown\0"

    patch(path, change)


@case("filter/bzip2")
@case("filter/blosc")
@case("filter/zstd")
def filter_foreign(f, path):
    variants = {
        "bzip2": [{}, {"blocksize": 1}],
        "blosc": [{"cname": name, "shuffle": (n + 1) % 3} for n, name in enumerate(("blosclz", "lz4", "lz4hc", "zlib", "zstd"))]
        # here it makes nothing of some chunks, and is skipped
        + [{"cname": "blosclz", "shuffle": 0}],
        "zstd": [{}, {"clevel": 19}],
    }
    name = path.removesuffix(".h5")
    how = {"bzip2": hdf5plugin.BZip2, "blosc": hdf5plugin.Blosc, "zstd": hdf5plugin.Zstd}[name]
    for n, options in enumerate(variants[name]):
        for dtype, word in (("<i4", "i4"), (">f8", "f8_be")):
            data = smooth(16, 24, dtype=dtype)
            f.create_dataset(f"{word}_{n}", data=data, chunks=(8, 16), shuffle=n in (1, 3), fletcher32=n == 0, **how(**options))


@case("filter/foreign_never_written")
def filter_foreign_never_written(f, path):
    """Chunks that were never written, of filters that are not among libhdf5's own, and a fill value."""
    for name, how in (("blosc", hdf5plugin.Blosc()), ("zstd", hdf5plugin.Zstd()), ("bzip2", hdf5plugin.BZip2())):
        d = f.create_dataset(name, shape=(40, 24), dtype="<i4", chunks=(8, 16), fillvalue=7, shuffle=name == "zstd", **how)
        d[:8, :16] = smooth(8, 16)


@case("filter/sz3", libver="v110")
@case("filter/sz3_integers", libver="v110")
def filter_sz3(f, path):
    """Every mode, rank and type of SZ3: waves that it interpolates, steps and noise that it does not, constants that it leaves to Zstandard."""
    rng = np.random.default_rng(32024)

    def waves(*shape):
        axes = np.meshgrid(*(np.arange(size, dtype="f8") for size in shape), indexing="ij")
        return sum(np.sin(axis / (3 + 2 * n)) for n, axis in enumerate(axes)) * 40 + 100

    def rough(*shape):
        return np.cumsum(rng.normal(size=shape), axis=-1) * 10 + 100 + rng.integers(0, 2, shape) * 7

    shapes = {1: ((200,), (200,)), 2: ((20, 33), (14, 33)), 3: ((9, 12, 13), (9, 7, 13)), 4: ((3, 6, 5, 9), (3, 6, 5, 9))}
    if "integers" in path:
        for dtype in ("i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"):
            for rank, (shape, chunks) in shapes.items():
                for what, make in (("waves", waves), ("rough", rough)):
                    for bound in (0, 1, 3) if rank == 1 else (1, 3):
                        data = np.clip(make(*shape), *((0, 255) if "u" in dtype else (-128, 127)))
                        data = data * (1 if "1" in dtype else 3)
                        data = (data + (2**63 if dtype == "<u8" else 0)).astype(dtype)
                        how = hdf5plugin.SZ3(absolute=bound)
                        f.create_dataset(f"{dtype[-2:]}_{rank}_{what}_{bound}", data=data, chunks=chunks, **how)
        return
    modes = {
        "absolute": [{"absolute": bound} for bound in (1e-9, 1e-3, 0.1, 5)],
        "relative": [{"relative": bound} for bound in (1e-6, 1e-2)],
        "norm2": [{"norm2": bound} for bound in (0.1, 30)],
        "psnr": [{"peak_signal_to_noise_ratio": bound} for bound in (40, 90)],
    }
    for rank, (shape, chunks) in shapes.items():
        for what, data in (("waves", waves(*shape)), ("rough", rough(*shape)), ("constant", np.full(shape, 2.5))):
            for mode, several in modes.items():
                if what == "constant" and mode != "relative":
                    continue
                for n, options in enumerate(several):
                    for dtype in ("<f4", "<f8") if mode == "absolute" else ("<f4",) if n else ("<f8",):
                        name = f"{dtype[1:]}_{rank}_{what}_{mode}_{n}"
                        f.create_dataset(name, data=data.astype(dtype), chunks=chunks, **hdf5plugin.SZ3(**options))
    f.create_dataset("few", data=waves(19).astype("<f4"), chunks=(19,), **hdf5plugin.SZ3(absolute=0.1))
    f.create_dataset("long", data=waves(20000).astype("<f4"), chunks=(20000,), **hdf5plugin.SZ3(absolute=1e-2))
    f.create_dataset("many_codes", data=rough(3000), chunks=(3000,), **hdf5plugin.SZ3(absolute=1e-2))
    f.create_dataset("column", data=waves(60, 1), chunks=(60, 1), **hdf5plugin.SZ3(absolute=0.1))
    f.create_dataset("row", data=waves(1, 60), chunks=(1, 60), **hdf5plugin.SZ3(absolute=0.1))
    f.create_dataset("big_endian", data=waves(16, 24).astype(">f4"), chunks=(8, 16), **hdf5plugin.SZ3(absolute=0.1))
    f.create_dataset("checked", data=waves(16, 24), chunks=(8, 16), fletcher32=True, **hdf5plugin.SZ3(absolute=0.1))


@case("filter/registered")
def filter_registered(f, path):
    # what others have written decoders for, and Zarr v2 has no codecs
    floats, integers = smooth(16, 24, dtype="<f4"), smooth(16, 24)
    f.create_dataset("bitshuffle", data=integers, chunks=(8, 16), **hdf5plugin.Bitshuffle())
    f.create_dataset("blosc2", data=integers, chunks=(8, 16), **hdf5plugin.Blosc2())
    f.create_dataset("fcidecomp", data=integers.astype("u1"), chunks=(8, 16), **hdf5plugin.FciDecomp())
    f.create_dataset("lz4", data=integers, chunks=(8, 16), **hdf5plugin.LZ4())
    f.create_dataset("sz", data=floats, chunks=(8, 16), **hdf5plugin.SZ(absolute=0.01))
    f.create_dataset("sz3", data=floats, chunks=(8, 16), **hdf5plugin.SZ3(absolute=0.01))
    f.create_dataset("zfp", data=floats, chunks=(8, 16), **hdf5plugin.Zfp(rate=16))


@case("filter/fcidecomp", libver="v110")
def filter_fcidecomp(f, path):
    """Images of JPEG-LS, of all that the filter can be asked for."""
    rows, columns = np.indices((33, 47))
    noise = np.random.default_rng(32018).integers(-2, 3, rows.shape)
    slope = 20 * rows + 31 * columns + noise
    circles = (rows - 16) ** 2 + (columns - 20) ** 2
    patches = np.where(circles < 150, 1, np.where(columns > 40, 5 * (rows // 4), 0))

    def image(name, data, dtype, *parameters, chunks=None):
        f.create_dataset(name, data=data.astype(dtype), chunks=chunks or data.shape, compression=hdf5plugin.FCIDECOMP_ID, compression_opts=parameters)

    for dtype in ("u1", "i1", "<u2", "<i2", ">u2"):
        name = np.dtype(dtype).newbyteorder("=").name + ("_be" if dtype[0] == ">" else "")
        image(f"{name}_slope", slope % 250, dtype)
        image(f"{name}_patches", patches, dtype)
        image(f"{name}_circles", circles * 40, dtype)
    image("chunks", np.tile(slope, (2, 2)), "<u2", chunks=(20, 30))
    image("steep", (circles * 977) % 65536, "<u2")
    image("nothing", np.zeros((300, 400)), "<u2")
    image("line", np.arange(40).reshape(1, 40) // 3, "u1")
    image("column", np.arange(40).reshape(40, 1) // 3, "u1")
    for bits in (9, 10, 12, 13, 15):
        image(f"bits_{bits}", (slope * (1 << bits) // 2400 + circles) % (1 << bits), "<u2", bits)
    for bits in (2, 4, 7):
        image(f"bits_{bits}", (slope // 50) % (1 << bits), "u1", bits)
    for near in (1, 2, 5, 20, 127):
        image(f"near_{near}", slope % 250, "u1", 8, 1, 0, near)
        image(f"near_{near}_wide", circles * 40 + noise, "<u2", 16, 1, 0, near)
    image("near_255", circles * 40 + noise, "<u2", 16, 1, 0, 255)
    image("steps", slope % 250, "u1", 8, 1, 0, 0, 0, 2, 9, 30, 0)
    image("steps_near", slope % 250, "u1", 8, 1, 0, 3, 255, 9, 20, 40, 0)
    image("steps_wide", (slope * 11) % 4096, "<u2", 12, 1, 0, 0, 4095, 3, 100, 1000, 0)
    planes = np.stack([slope % 250, (slope // 2) % 250, patches, circles // 9])
    for interleave in (0, 1, 2):
        for components in (3, 4):
            image(f"interleave_{interleave}_{components}", planes[:components], "u1", 8, components, interleave)
            image(f"interleave_{interleave}_{components}_wide", planes[:components] * 200, "<u2", 16, components, interleave)
            image(f"interleave_{interleave}_{components}_flat", planes[:components] // 20, "u1", 8, components, interleave)
            image(f"interleave_{interleave}_{components}_near", planes[:components], "u1", 8, components, interleave, 2)
    image("two_planes", planes[:2], "u1", 8, 2, 0)


def bytes_of(count, size, noise=0, dtype=None):
    """Elements of which all but the last byte count slowly, `noise` of the lowest bytes excepted, the first of which are random."""
    elements = np.zeros((count, size), "u1")
    for byte in range(size):
        elements[:, byte] = np.arange(count) // (37 * (byte + 1))
    noise = min(noise, count)
    elements[:noise, 0] = np.random.default_rng(size).integers(0, 256, noise, "u1")
    return elements.reshape(-1).view(dtype or f"<u{size}")


# Of 1, 2, 4, 8 and 12 bytes.
SIZES = {1: "u1", 2: "<u2", 4: "<u4", 8: "<u8", 12: [("a", "<u4"), ("b", "<u8")]}


@case("filter/blosc_blocks", libver="v110")
@case("filter/blosc_snappy", libver="v110")
def filter_blosc_blocks(f, path):
    """Several blocks, the last one short, and of no whole number of elements times 8; in parts and not."""
    os.environ["BLOSC_BLOCKSIZE"] = "4096"  # compressors whose blocks are in parts take 65536 all the same
    for cname in ("snappy",) if "snappy" in path else ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            for size, dtype in SIZES.items():
                if (cname, size) == ("snappy", 1):
                    continue  # nothing is made of them, and the filter is skipped
                count = 70001 // size
                # parts and blocks of which nothing is made
                noise = {("lz4", 1, 8): count, ("zstd", 0, 4): 2000, ("zstd", 1, 4): 2000}.get((cname, shuffle, size), 100)
                data = bytes_of(count, size, noise, dtype)
                how = hdf5plugin.Blosc(cname=cname, shuffle=shuffle, clevel=9)
                f.create_dataset(f"{cname}_{shuffle}_{size}", data=data, chunks=(count,), **how)
    del os.environ["BLOSC_BLOCKSIZE"]


@case("filter/blosc2", libver="v110")
def filter_blosc2(f, path):
    """Every compressor and filter of Blosc2, several blocks, the last one short; chunks of one value; bytes that do not compress."""

    def how(compressor, shuffle, block=0):
        return {"compression": 32026, "compression_opts": (0, block, 0, 0, 9, shuffle, compressor)}

    for compressor, cname in {0: "blosclz", 1: "lz4", 2: "lz4hc", 4: "zlib", 5: "zstd"}.items():
        for shuffle in (0, 1, 2, 3):
            for size, dtype in list(SIZES.items())[:4]:
                count = 7003 // size
                noise = count if (cname, size) in (("lz4", 8), ("zlib", 1)) else 100
                data = bytes_of(count, size, noise, dtype)
                f.create_dataset(f"{cname}_{shuffle}_{size}", data=data, chunks=(count,), **how(compressor, shuffle, 1000 if size > 1 else 0))
    for dtype, word in (("<i4", "i4"), ("<f8", "f8"), ("<f4", "f4"), ("u1", "u1")):
        for value in (0, 7) + (() if word[0] != "f" else (np.nan, -0.0)):
            for shape in ((500,), (20, 25)):
                f.create_dataset(f"one_{value}_{word}_{len(shape)}", data=np.full(shape, value, dtype), chunks=shape, **how(5, 1))
    for word in ("f4", "f8"):
        f.create_dataset(f"cut_off_{word}", data=smooth(20, 30, dtype=f"<{word}"), chunks=(20, 30), **how(5, 4))


@case("filter/blosc2_arrays", libver="v110")
def filter_blosc2_arrays(f, path):
    """Chunks of several dimensions in blocks that do not divide them; blocks of other sizes; a checksum before."""
    shapes = {1: ((300,), (200,)), 2: ((31, 45), (17, 23)), 3: ((9, 14, 20), (7, 10, 11)), 4: ((6, 5, 9, 8), (5, 5, 7, 3)), 5: ((3, 4, 1, 7, 6),) * 2}
    for dimensions, (shape, chunk) in shapes.items():
        for word in ("u1", ">i2", "<f4", "<i8"):
            data = (np.arange(math.prod(shape)) // 3 * 7).astype(word).reshape(shape)
            for block in (0, 16, 152, 1000):
                options = (0, block, 0, 0, 5, 1 + dimensions % 2, 5)
                name = f"{word.strip('<>')}_{dimensions}_{block}"
                f.create_dataset(name, data=data, chunks=chunk, compression=32026, compression_opts=options)
    dcpl = properties(chunk=((10, 12),))
    dcpl.set_fletcher32()
    dcpl.set_filter(32026, h5z.FLAG_MANDATORY, (0, 0, 0, 0, 5, 1, 5))
    dataset(f, "after_checksum", h5t.STD_I32LE, (16, 20), np.arange(320, dtype="<i4").reshape(16, 20), dcpl=dcpl)


@case("filter/lz4", libver="v110")
def filter_lz4(f, path):
    for block in (0, 7, 64, 100, 4096):
        for size in (1, 4):
            f.create_dataset(f"blocks_{block}_{size}", data=bytes_of(1500, size, 150), chunks=(700,), **hdf5plugin.LZ4(nbytes=block))


@case("filter/bitshuffle", libver="v110")
def filter_bitshuffle(f, path):
    """Chunks of several blocks, the last one shorter, and of elements that make no byte of each bit."""
    for cname in ("none", "lz4", "zstd"):
        for size in (1, 2, 4, 8, 12):
            for block, count in ((0, 2 * (8192 // size) + 8 * 3 + 5), (64, 150), (0, 5)):
                how = hdf5plugin.Bitshuffle(nelems=block, cname=cname)
                data = bytes_of(2 * count - 1, size, 20, SIZES[size])
                if cname == "none":
                    data = data[:600]
                f.create_dataset(f"{cname}_{size}_{block}_{count}", data=data, chunks=(min(count, len(data)),), **how)


@case("filter/zfp", libver="v110")
def filter_zfp(f, path):
    """Every mode, type and number of dimensions; chunks of no whole blocks; sides of 1, which zfp does not see."""
    modes = {
        "rate": {"rate": 7.5},
        "low_rate": {"rate": 1},
        "precision": {"precision": 13},
        "accuracy": {"accuracy": 0.003},
        "expert": {"minbits": 40, "maxbits": 700, "maxprec": 29, "minexp": -9},
        "reversible": {"reversible": True},
    }
    shapes = {1: (70,), 2: (13, 10), 3: (7, 6, 9), 4: (5, 3, 6, 7), 5: (2, 9, 4, 1, 11)}
    chunks = {1: (41,), 2: (6, 10), 3: (7, 5, 6), 4: (5, 3, 4, 6), 5: (1, 9, 4, 1, 5)}
    random = np.random.default_rng(32013)
    for mode, options in modes.items():
        for word in ("i4", "i8", "f4", "f8"):
            for dimensions, shape in shapes.items():
                count = math.prod(shape)
                data = np.cumsum(random.normal(0, 3, count)) + 50 * np.sin(np.arange(count) / 40)
                data[count // 3 : count // 2] = 0
                if word[0] == "i":
                    data = data * (1 << 20 if word == "i4" else 1 << 50)
                data = data.astype(f"<{word}").reshape(shape)
                f.create_dataset(f"{mode}_{word}_{dimensions}", data=data, chunks=chunks[dimensions], **hdf5plugin.Zfp(**options))


@case("filter/zfp_extremes", libver="v110")
def filter_zfp_extremes(f, path):
    """Values whose bits are kept only as they are, floats at the ends of their range, integers whose transform overflows."""
    random = np.random.default_rng(5)
    for word in ("i4", "i8", "f4", "f8"):
        integer = f"<i{word[1]}"
        bits = random.integers(np.iinfo(integer).min, np.iinfo(integer).max, 160, integer, endpoint=True)
        data = {"bits": bits.view(f"<{word}")}
        if word[0] == "f":
            special = [0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(word).max, np.finfo(word).smallest_subnormal, 1.5]
            data["special"] = np.tile(np.array(special, f"<{word}"), 20)
            exponents = np.arange(np.finfo(word).minexp - np.finfo(word).nmant, np.finfo(word).maxexp, 2 if word == "f4" else 14)
            data["exponents"] = np.repeat(np.ldexp(np.array(1, f"<{word}"), exponents), 4)
            data["small"] = (random.normal(0, 1, 160) * np.finfo(word).tiny).astype(f"<{word}")
        for name, values in data.items():
            values = values[: len(values) // 8 * 8]
            lossy = ({"accuracy": 0.0}, {"rate": 20}, {"precision": 32})
            for n, options in enumerate(({"reversible": True}, *(lossy if name in ("exponents", "small", "bits") and (name, word[0]) != ("bits", "f") else ()))):
                for shape in ((len(values),), (8, len(values) // 8)):
                    how = hdf5plugin.Zfp(**options)
                    f.create_dataset(f"{name}_{word}_{n}_{len(shape)}", data=values.reshape(shape), chunks=shape, **how)


@case("filter/foreign_decoded")
def filter_foreign_decoded(f, path):
    """Values that are held decoded, in chunks of filters that are not among libhdf5's own."""
    filters = {
        "bitshuffle": hdf5plugin.Bitshuffle(cname="zstd"),
        "blosc": hdf5plugin.Blosc(),
        "bzip2": hdf5plugin.BZip2(),
        "lz4": hdf5plugin.LZ4(),
        "zstd": hdf5plugin.Zstd(),
    }
    tid = h5t.STD_I16BE.copy()
    tid.set_precision(12)
    for name, how in filters.items():
        dcpl = properties(chunk=((500,),))
        dcpl.set_shuffle()
        dcpl.set_filter(how["compression"], h5z.FLAG_MANDATORY, how["compression_opts"])
        dcpl.set_fletcher32()
        dataset(f, f"i12_{name}", tid, (700,), np.arange(700, dtype="i2") // 5 - 12, dcpl=dcpl)
    texts = [f"text {n % 7}" for n in range(120)]
    # bitshuffle and Blosc are not told of what size the elements are, and fail
    for name in ("bzip2", "lz4", "zstd"):
        f.create_dataset(f"texts_{name}", data=texts, dtype=h5py.string_dtype(), chunks=(50,), **filters[name])


def rough(*shape, seed=0):
    """Smooth data with noise, and a step that wavelets leave far off."""
    rng = np.random.default_rng(seed)
    data = sum(np.cos(np.arange(n).reshape([-1 if i == axis else 1 for i in range(len(shape))]) / (3 + axis)) for axis, n in enumerate(shape))
    data = data * 20 + rng.standard_normal(shape)
    data[tuple(slice(n // 3, n // 2) for n in shape)] += 300
    return data


@case("filter/sperr", libver="v110")
def filter_sperr(f, path):
    """Each mode, in planes and volumes of which some are transformed in all dimensions together and some are not."""
    modes = {
        "rate_half": {"rate": 0.5},
        "rate_3": {"rate": 3},
        "rate_60": {"rate": 60},  # of more bits than 32
        "psnr_30": {"peak_signal_to_noise_ratio": 30},
        "psnr_120": {"peak_signal_to_noise_ratio": 120},
        "error_1": {"absolute": 1.0},
        "error_1e-6": {"absolute": 1e-6},
        "error_swapped": {"absolute": 0.1, "swap": True},
    }
    shapes = {
        "plane": (21, 34),
        "row": (9, 70),
        "volume": (17, 20, 18),  # together
        "deep": (9, 18, 33),  # the planes more often
        "flat": (40, 19, 9),  # the columns more often
    }
    for n, (shape, size) in enumerate(shapes.items()):
        for m, (mode, options) in enumerate(modes.items()):
            dtype = ("<f4", "<f8")[(n + m) % 2]
            data = rough(*size, seed=m).astype(dtype)
            f.create_dataset(f"{shape}_{mode}_{dtype[1:]}", data=data, chunks=size, **hdf5plugin.Sperr(**options))


@case("filter/sperr_chunks", libver="v110")
def filter_sperr_chunks(f, path):
    """Several chunks, some of one value, at the edges of the dataset, and of dimensions of one element."""
    for dtype in ("<f4", "<f8"):
        data = rough(30, 50, seed=1).astype(dtype)
        data[:12, :16] = 2.5
        f.create_dataset(f"plane_{dtype[1:]}", data=data, chunks=(12, 16), **hdf5plugin.Sperr(absolute=0.01))
    data = rough(20, 20, 24, seed=2)
    data[10:, :, 12:] = -1e-3
    f.create_dataset("volume", data=data, chunks=(10, 10, 12), fletcher32=True, **hdf5plugin.Sperr(rate=6))
    f.create_dataset("times", data=rough(3, 15, 25, seed=3).astype("f4"), chunks=(1, 15, 25), **hdf5plugin.Sperr(peak_signal_to_noise_ratio=70))
    f.create_dataset("levels", data=rough(2, 10, 11, 24, seed=4).astype("f4"), chunks=(1, 10, 11, 12), **hdf5plugin.Sperr(absolute=1e-3))
    zeros = np.zeros((12, 16), "f4")
    zeros[3, 4] = 1e-30  # of which nothing is left
    f.create_dataset("nothing", data=zeros, chunks=(12, 16), **hdf5plugin.Sperr(absolute=1.0))
    f.create_dataset("large", data=rough(70, 140, seed=5).astype("f4"), chunks=(70, 140), **hdf5plugin.Sperr(absolute=0.05))


@case("filter/sperr_missing", libver="v110")
def filter_sperr_missing(f, path):
    """Missing values: a mask, and what stands for them."""
    for dtype in ("<f4", "<f8"):
        for shape in ((24, 30), (12, 13, 14)):
            for mode, value in ((1, np.nan), (2, 1e36), (2, -3e35)):
                data = rough(*shape, seed=7).astype(dtype)
                data.reshape(-1)[100:400:7] = value
                data.reshape(-1)[450:600] = value
                how = hdf5plugin.Sperr(absolute=0.1, missing_value_mode=mode)
                f.create_dataset(f"mode_{mode}_{value:g}_{len(shape)}_{dtype[1:]}", data=data, chunks=shape, **how)
    for part in ("most", "none"):
        data = rough(20, 20, seed=8).astype("f4")
        if part == "most":
            data[:, 3:] = np.nan
        f.create_dataset(part, data=data, chunks=(20, 20), **hdf5plugin.Sperr(rate=8, missing_value_mode=1))


# ---------------------------------------------------------------- netCDF


@case("netcdf/cf.nc")
def netcdf_cf(nc, path):
    nc.Conventions = "CF-1.8"
    nc.title = "a small CF file"
    for name, size in (("time", None), ("lat", 4), ("lon", 6), ("bnds", 2), ("station", 3), ("name_len", 5)):
        nc.createDimension(name, size)
    time = nc.createVariable("time", "f8", ("time",))
    time.units, time.calendar, time.bounds = "days since 2000-01-01", "standard", "time_bnds"
    lat = nc.createVariable("lat", "f4", ("lat",))
    lat.units, lat.standard_name = "degrees_north", "latitude"
    lon = nc.createVariable("lon", "f4", ("lon",))
    lon.units, lon.standard_name = "degrees_east", "longitude"
    bounds = nc.createVariable("time_bnds", "f8", ("time", "bnds"))
    sst = nc.createVariable("sst", "i2", ("time", "lat", "lon"), zlib=True, shuffle=True, chunksizes=(1, 2, 3), fill_value=-32768)
    sst.scale_factor, sst.add_offset = np.float32(0.01), np.float32(20.0)
    sst.units, sst.grid_mapping, sst.coordinates = "degree_Celsius", "crs", "station_name"
    sst.valid_range = np.array([-1000, 1000], "i2")
    sst.set_auto_maskandscale(False)
    crs = nc.createVariable("crs", "i4")
    crs.grid_mapping_name, crs.semi_major_axis = "latitude_longitude", 6378137.0
    crs[...] = 0
    text = nc.createVariable("station_name", str, ("station",))
    chars = nc.createVariable("station_code", "S1", ("station", "name_len"))
    lat[:], lon[:] = [-30, -10, 10, 30], np.arange(6) * 60
    time[:] = [0, 1, 2]
    bounds[:] = [[0, 1], [1, 2], [2, 3]]
    data = ramp(3, 4, 6, dtype="i2")
    data[1, 2, 3] = -32768
    sst[:] = data
    text[:] = np.array(["Kiel", "Brest", "Õstersund"], object)
    chars[:] = np.array([list(b"KIEL\0"), list(b"BREST"), list(b"OST\0\0")], "u1").view("S1").reshape(3, 5)


@case("netcdf/groups.nc")
def netcdf_groups(nc, path):
    nc.createDimension("x", 4)
    nc.createDimension("time", None)
    nc.createVariable("x", "f4", ("x",))[:] = [1, 2, 3, 4]
    g = nc.createGroup("g")
    g.level = np.int32(1)
    g.createDimension("y", 3)
    g.createVariable("y", "f4", ("y",))[:] = [10, 20, 30]
    g.createVariable("inherited", "i4", ("y", "x"))[:] = ramp(3, 4)
    h = g.createGroup("h")
    h.createDimension("x", 2)
    h.createVariable("shadowed", "i4", ("y", "x"))[:] = ramp(3, 2)
    h.createVariable("records", "i4", ("time",))[:] = [7, 8]


@case("netcdf/coordinates_2d.nc")
def netcdf_coordinates_2d(nc, path):
    nc.createDimension("y", 3)
    nc.createDimension("x", 4)
    for name in ("lat", "lon"):
        v = nc.createVariable(name, "f4", ("y", "x"))
        v.units = "degrees_north" if name == "lat" else "degrees_east"
        v[:] = ramp(3, 4, dtype="f4")
    v = nc.createVariable("t", "f4", ("y", "x"))
    v.coordinates = "lat lon"
    v[:] = ramp(3, 4, dtype="f4") / 2
    # a coordinate variable of two dimensions: named as one of them
    nc.createDimension("z", 2)
    nc.createVariable("z", "f4", ("z", "x"))[:] = ramp(2, 4, dtype="f4")


@case("netcdf/no_coordinates.nc")
def netcdf_no_coordinates(nc, path):
    nc.createDimension("y", 3)
    nc.createDimension("x", 4)
    nc.createVariable("d", "i4", ("y", "x"))[:] = ramp(3, 4)
    nc.createVariable("square", "i4", ("x", "x"))[:] = ramp(4, 4)


@case("netcdf/name_of_other_dimension.nc")
def netcdf_name_of_other_dimension(nc, path):
    # a variable named like a dimension that is not its own is stored as _nc4_non_coord_x
    nc.createDimension("x", 4)
    nc.createDimension("y", 3)
    nc.createVariable("x", "i4", ("y",))[:] = [1, 2, 3]
    nc.createVariable("d", "i4", ("y", "x"))[:] = ramp(3, 4)


@case("netcdf/default_fill.nc")
def netcdf_default_fill(nc, path):
    nc.createDimension("time", None)
    nc.createDimension("x", 3)
    for kind in ("i1", "u1", "i2", "i4", "i8", "f4", "f8"):
        v = nc.createVariable("v_" + kind, kind, ("time", "x"), chunksizes=(1, 3))
        v[0] = [1, 2, 3]
        v[3] = [4, 5, 6]
    nc.createVariable("never_written", "f4", ("x",))
    nc.createVariable("no_fill", "i4", ("x",), fill_value=False)[:] = [1, 2, 3]


@case("netcdf/fletcher32.nc")
def netcdf_fletcher32(nc, path):
    nc.createDimension("x", 12)
    nc.createVariable("d", "i4", ("x",), zlib=True, shuffle=True, fletcher32=True, chunksizes=(5,))[:] = ramp(12)


@case("netcdf/short_records.nc")
def netcdf_short_records(nc, path):
    nc.createDimension("time", None)
    nc.createDimension("x", 2)
    nc.createVariable("time", "f8", ("time",))[:] = np.arange(5)
    short = nc.createVariable("short", "i4", ("time", "x"), chunksizes=(2, 2))
    short[0:3] = ramp(3, 2)
    nc.createVariable("full", "i4", ("time",))[:] = ramp(5)


@case("netcdf/missing_values.nc")
def netcdf_missing_values(nc, path):
    nc.createDimension("x", 3)
    for name, missing in (("mixed", [np.nan, -999.0]), ("nan", np.nan), ("number", -999.0)):
        v = nc.createVariable(name, "f4", ("x",))
        v.missing_value = np.array(missing, "f4")
        v[:] = [1, -999, np.nan]


@case("netcdf/string_attributes.nc")
def netcdf_string_attributes(nc, path):
    nc.setncattr_string("one", "a string")
    nc.setncattr_string("several", ["first", "second", ""])
    nc.setncattr("text", "characters")
    nc.setncattr("empty", "")
    nc.setncattr("unicode", "Größe")
    nc.setncattr("u8", np.uint64(2**64 - 1))
    nc.setncattr("specials", np.array([np.nan, np.inf], "f8"))
    nc.createDimension("x", 2)
    v = nc.createVariable("x", "f4", ("x",))
    v.setncattr_string("units", "m")
    v[:] = [1, 2]


@case("netcdf/quantized.nc")
def netcdf_quantized(nc, path):
    nc.createDimension("x", 12)
    for mode in ("BitGroom", "GranularBitRound", "BitRound"):
        v = nc.createVariable(mode.lower(), "f4", ("x",), zlib=True, shuffle=True, significant_digits=3, quantize_mode=mode)
        v[:] = np.linspace(0, 1, 12)


@case("netcdf/classic_model.nc")
def netcdf_classic(nc, path):
    nc.createDimension("time", None)
    nc.createDimension("x", 3)
    nc.createVariable("x", "f4", ("x",))[:] = [1, 2, 3]
    nc.createVariable("d", "f4", ("time", "x"))[:] = ramp(2, 3, dtype="f4")
    nc.title = "classic model"


@case("netcdf/user_types.nc")
def netcdf_user_types(nc, path):
    nc.createDimension("x", 3)
    cloud = nc.createEnumType(np.uint8, "cloud_t", {"clear": 0, "cloudy": 1, "missing": 255})
    v = nc.createVariable("cloud", cloud, ("x",), fill_value=255)
    v[:] = [0, 1, 255]
    pair = nc.createCompoundType(np.dtype([("a", "i4"), ("b", "f4")]), "pair_t")
    nc.createVariable("pair", pair, ("x",))[:] = np.array([(1, 0.5), (2, 1.5), (3, 2.5)], [("a", "i4"), ("b", "f4")])


@case("netcdf/scalars.nc")
def netcdf_scalars(nc, path):
    nc.createVariable("number", "f8")[...] = 2.5
    nc.createVariable("never_written", "i4")
    nc.createVariable("char", "S1")[...] = b"c"
    nc.createVariable("text", str)[...] = "a scalar string"


@case("netcdf/contiguous_big_endian.nc")
def netcdf_big_endian(nc, path):
    nc.createDimension("x", 3)
    nc.createVariable("d", "i4", ("x",), endian="big", contiguous=True)[:] = [1, 2, 3]
    nc.createVariable("unsigned", "i1", ("x",))[:] = [-1, 0, 1]
    nc["unsigned"].setncattr("_Unsigned", "true")


@case("netcdf/creation_order.nc")
def netcdf_creation_order(nc, path):
    for name in ("zulu", "alpha", "mike"):
        nc.createDimension(name, 2)
    for name in ("zz", "aa"):
        v = nc.createVariable(name, "i4", ("zulu", "alpha"))
        v.setncattr("z_first", np.int32(1))
        v.setncattr("a_second", np.int32(2))
        v[:] = ramp(2, 2)


# ---------------------------------------------------------------- what kerchunk gets wrong


@case("kerchunk/attributes_of_one_record")
def kerchunk_attributes(f, path):
    d = f.create_dataset("d", data=ramp(4), chunks=(2,))
    d.attrs["compound"] = np.array((1, 2.5), [("a", "<i4"), ("b", "<f8")])
    d.attrs["opaque"] = np.void(b"\1\2\3")


@case("kerchunk/dimension_labels")
def kerchunk_dimension_labels(f, path):
    d = f.create_dataset("d", data=ramp(2, 3))
    d.dims[0].label, d.dims[1].label = "row", "column"


@case("kerchunk/two_scales")
def kerchunk_two_scales(f, path):
    d = f.create_dataset("d", data=ramp(3))
    for name in ("first", "second"):
        f.create_dataset(name, data=ramp(3, dtype="f4"))
        f[name].make_scale(name)
        d.dims[0].attach_scale(f[name])


@case("kerchunk/lengths")
def kerchunk_lengths(f, path):
    f.create_dataset("three", data=ramp(3))
    f.create_dataset("four", data=ramp(4))
    f.create_dataset("both", data=ramp(4, 3))


@case("kerchunk/char_fill.nc")
def kerchunk_char_fill(nc, path):
    nc.createDimension("x", 6)
    letters = nc.createVariable("letters", "S1", ("x",), fill_value=b"z", chunksizes=(2,))
    letters.set_auto_mask(False)
    letters[2:4] = np.array([b"a", b"b"], "S1")


@case("kerchunk/fill_of_two")
def kerchunk_fill_of_two(f, path):
    d = f.create_dataset("d", data=ramp(4))
    d.attrs["_FillValue"] = np.array([-1, -2], "i4")


@case("kerchunk/texts_like_json")
def kerchunk_texts_like_json(f, path):
    texts = (("number", b"1.50"), ("list", b"[1, 2, 3] "), ("nan", b"NaN "), ("base64", b"base64:AAAA"), ("template", b"{{u}}"))
    for name, data in texts:
        f.create_dataset(name, data=np.array([data], f"S{len(data)}"))
    f.create_dataset("bytes", data=np.frombuffer(b" 1.0\n", "u1"))


@case("kerchunk/vlen_latin1")
def kerchunk_vlen_latin1(f, path):
    f.create_dataset("d", shape=(2,), dtype=h5py.string_dtype("ascii"))[...] = [b"caf\xe9", b"tea"]
    f.create_dataset("ok", shape=(1,), dtype=h5py.string_dtype())[...] = ["café"]


# ---------------------------------------------------------------- what libhdf5 says


class NoJson(Exception):
    """A value without a JSON form."""


def number(value):
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    value = float(value)
    return "NaN" if math.isnan(value) else value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def text(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise NoJson("bytes that are not UTF-8: " + bytes(value).hex()) from None


def json_value(value, dtype, f):
    """An attribute or fill value as JSON; `dtype` is that of the HDF5 object."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, (str, bytes)):
        return text(value)
    if isinstance(value, h5py.RegionReference):
        raise NoJson("region reference")
    if isinstance(value, h5py.Reference):
        raise NoJson("object reference to " + (f[value].name if value else "nothing"))
    if isinstance(value, np.ndarray) and value.dtype.kind != "V" and value.shape != ():
        return [json_value(v, dtype, f) for v in value]
    if isinstance(value, np.ndarray) and value.shape == ():
        return json_value(value[()], dtype, f)
    kind = value.dtype.kind if hasattr(value, "dtype") else ""
    if kind == "V":
        raise NoJson("compound" if value.dtype.names else f"opaque, {value.nbytes} bytes")
    if kind == "c":
        raise NoJson(f"complex: {value}")
    if kind in ("M", "m"):
        raise NoJson(f"time: {value}")
    if kind == "f" and value.dtype.itemsize > 8:
        raise NoJson("long double")
    return number(value)


def or_why(convert, *args):
    try:
        return convert(*args)
    except NoJson as why:
        return {"unrepresentable": str(why)}


def attribute_values(obj, f):
    values = {}
    for name in obj.attrs:
        try:
            value = obj.attrs[name]
            name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        except (OSError, TypeError, ValueError) as error:
            values[name] = {"unrepresentable": f"h5py: {error}"}
            continue
        values[name] = or_why(json_value, value, None, f)
    return values


def dtype_descr(dtype):
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return [["", dtype_descr(base), list(shape)]]
    if dtype.names:
        # as numpy's descr: padding is a member without a name
        descr, end = [], 0
        for name in dtype.names:
            member, offset = dtype.fields[name][:2]
            if offset > end:
                descr.append(["", f"|V{offset - end}"])
            if member.subdtype:
                base, shape = member.subdtype
                descr.append([name, dtype_descr(base), list(shape)])
            else:
                descr.append([name, dtype_descr(member)])
            end = offset + member.itemsize
        if dtype.itemsize > end:
            descr.append(["", f"|V{dtype.itemsize - end}"])
        return descr
    return dtype.str


def fill_value(ds, dcpl, f):
    state = dcpl.fill_value_defined()
    if state == h5d.FILL_VALUE_UNDEFINED:
        return None
    if ds.dtype.kind == "O" and state != h5d.FILL_VALUE_USER_DEFINED:
        return None
    return or_why(json_value, ds.fillvalue, ds.dtype, f)


def has_pointers(tid):
    """Do elements point into a heap? Such are not the same bytes in memory."""
    match tid.get_class():
        case h5t.VLEN | h5t.REFERENCE:
            return True
        case h5t.STRING:
            return tid.is_variable_str()
        case h5t.COMPOUND:
            return any(has_pointers(tid.get_member_type(i)) for i in range(tid.get_nmembers()))
        case h5t.ARRAY:
            return has_pointers(tid.get_super())
        case _:
            return False


def storage(ds, dcpl, data):
    """[[grid index], absolute byte offset, stored bytes, filter mask] of everything that is stored."""
    layout = dcpl.get_layout()
    if ds.shape is None or layout in (h5d.COMPACT, h5d.VIRTUAL) or dcpl.get_external_count():
        return []
    if layout == h5d.CONTIGUOUS:
        offset, size = ds.id.get_offset(), ds.id.get_storage_size()
        if offset is None or size == 0:
            return []
        stored = ds.id.get_type()
        if has_pointers(stored):
            return [[[0] * len(ds.shape), offset, size, 0]]
        raw = np.zeros(ds.shape, f"V{stored.get_size()}")
        ds.id.read(h5s.ALL, h5s.ALL, raw, stored)
        assert data[offset : offset + size] == raw.tobytes(), "the bytes are elsewhere"
        return [[[0] * len(ds.shape), offset, size, 0]]
    found = []
    ds.id.chunk_iter(found.append)
    grid = [-(-n // c) for n, c in zip(ds.shape, ds.chunks)]
    rows = []
    for c in found:
        index = [o // s for o, s in zip(c.chunk_offset, ds.chunks)]
        if all(i < n for i, n in zip(index, grid)):
            rows.append([index, c.byte_offset, c.size, c.filter_mask])
    rows.sort()

    # The map is only believed when the bytes that it points to are those of the chunk.
    def wrong(row):
        mask, raw = ds.id.read_direct_chunk(tuple(i * s for i, s in zip(row[0], ds.chunks)))
        return mask != row[3] or data[row[1] : row[1] + row[2]] != raw

    if len(rows) > 1000:
        assert not any(wrong(row) for row in rows[::97])
    elif any(wrong(row) for row in rows):
        # libhdf5 2.0 answers H5Dchunk_iter with the wrong coordinates for an extensible array whose unlimited
        # dimension is not the first; its reading is right, so the chunks are found by their bytes.
        by_bytes = {data[c.byte_offset : c.byte_offset + c.size]: (c.byte_offset, c.size, c.filter_mask) for c in found}
        assert len(by_bytes) == len(found) == math.prod(grid), "chunks cannot be told apart"
        rows = []
        for index in np.ndindex(*grid):
            _, raw = ds.id.read_direct_chunk(tuple(i * s for i, s in zip(index, ds.chunks)))
            rows.append([list(index), *by_bytes[raw]])
        assert not any(wrong(row) for row in rows)
    return rows


def bytes_or_hash(raw):
    if len(raw) <= 4096:
        return {"values": base64.b64encode(raw).decode()}
    return {"sha256": hashlib.sha256(raw).hexdigest()}


def little_endian(read):
    little = np.zeros(read.shape, read.dtype.newbyteorder("<"))
    little[...] = read
    return little.tobytes()


def path_of(reference, f):
    """What a reference of either kind leads to, as a path; nothing for a null reference."""
    name = h5py.h5r.get_name(reference, f.id) if reference else None
    return (name or b"").decode()


def with_fixed_texts(read, f):
    """A structured array whose members are fixed: texts and the paths of references as long as the longest, at least one byte."""
    def leaves(name, dtype):
        if dtype.subdtype:
            base, shape = dtype.subdtype
            for at in np.ndindex(*shape):
                yield from leaves(name + tuple(at), base)
        elif dtype.names:
            for member in dtype.names:
                yield from leaves(name + (member,), dtype[member])
        else:
            yield name, dtype

    def member(row, name):
        for step in name:
            row = row[step]
        if isinstance(row, (h5py.Reference, h5py.RegionReference)):
            return path_of(row, f).encode()
        return row.encode() if isinstance(row, str) else row

    rows = list(read.ravel())
    columns = [(".".join(map(str, name)), dtype, [member(row, name) for row in rows]) for name, dtype in leaves((), read.dtype)]
    fixed = [(name, f"S{max([1, *map(len, column)])}" if dtype.kind == "O" else dtype) for name, dtype, column in columns]
    result = np.zeros(len(rows), fixed)
    for name, _, column in columns:
        result[name] = column
    return result


def values(ds, f, data):
    """{"values": ...} or {"sha256": ...}: what reading the whole dataset gives."""
    if ds.shape is None:
        return {"values": None}
    try:
        if ds.dtype.kind == "V" and not ds.dtype.names and not ds.dtype.subdtype:
            read = np.zeros(ds.shape, ds.dtype)  # h5py converts no opaque type whose tag is not its own
            ds.id.read(h5s.ALL, h5s.ALL, read, ds.id.get_type())
        elif ds.dtype.names and ds.shape and not ds.dtype.hasobject:
            read = np.zeros(ds.shape, ds.dtype)  # so that padding is zero, which libhdf5 leaves as it finds it
            ds.read_direct(read)
        else:
            read = ds[()]
    except (OSError, TypeError, ValueError) as error:
        return {"values": {"unrepresentable": "h5py: " + str(error).split("\n")[0]}}
    if ds.dtype.kind == "O" or (ds.dtype.subdtype and ds.dtype.subdtype[0].kind == "O"):
        if h5py.check_string_dtype(ds.dtype):
            return {"values": or_why(lambda: [text(v) for v in np.asarray(read, object).ravel()])}
        if h5py.check_vlen_dtype(ds.dtype):
            return {"values": or_why(lambda: [json_value(v, None, f) for v in read.ravel()])}
        if h5py.check_ref_dtype(ds.dtype):
            return {"values": [path_of(reference, f) for reference in np.asarray(read, object).ravel()]}
        return {"values": or_why(json_value, read, ds.dtype, f)}
    if ds.dtype.kind == "S":
        return {"values": or_why(lambda: [text(v) for v in np.asarray(read).ravel()])}
    if ds.dtype.hasobject:
        read = with_fixed_texts(np.asarray(read), f)
        return {"dtype": dtype_descr(read.dtype)} | bytes_or_hash(little_endian(read))
    read = np.asarray(read)
    if read.dtype.kind == "f" and read.dtype.itemsize > 8:
        return {"values": {"unrepresentable": "long double"}}
    return bytes_or_hash(little_endian(read))


LAYOUT = {h5d.COMPACT: "compact", h5d.CONTIGUOUS: "contiguous", h5d.CHUNKED: "chunked", h5d.VIRTUAL: "virtual"}


def describe_dataset(ds, f, data):
    dcpl = ds.id.get_create_plist()
    try:
        dtype = ds.dtype
    except (TypeError, ValueError):
        dtype = None  # a datatype that h5py has no numpy type for
    layout = dcpl.get_layout()
    filters = [dcpl.get_filter(i) for i in range(dcpl.get_nfilters())]
    described = {
        "shape": None if ds.shape is None else list(ds.shape),
        "maxshape": None if ds.shape is None else list(ds.maxshape),
        "dtype": None if dtype is None else dtype_descr(dtype),
        "layout": LAYOUT[layout],
        "chunks": list(dcpl.get_chunk()) if layout == h5d.CHUNKED else None,
        "filters": [[code, list(parameters)] for code, _flags, parameters, _name in filters],
        "fill": None if dtype is None else fill_value(ds, dcpl, f),
        "storage": storage(ds, dcpl, data),
    }
    if dtype is None:
        described.update(converted(ds))
    else:
        described.update(values(ds, f, data))
    return described


def converted(ds):
    """The values of a type that NumPy lacks, as libhdf5 converts them to the next larger one."""
    tid = ds.id.get_type()
    sizes = {h5t.INTEGER: {3: ("<i4", h5t.STD_I32LE)}, h5t.FLOAT: {3: ("<f4", h5t.IEEE_F32LE)}}
    dtype, memory = sizes.get(tid.get_class(), {}).get(tid.get_size(), (None, None))
    if dtype is None:
        return {"values": {"unrepresentable": "datatype without numpy equivalent"}}
    read = np.zeros(ds.shape, dtype)
    ds.id.read(h5s.ALL, h5s.ALL, read, memory)
    return {"dtype": dtype, "values": base64.b64encode(read.tobytes()).decode()}


def describe(path):
    """Every path of every object: hard links are followed, soft and external ones listed,
    and a group that is its own ancestor is listed without what is in it."""
    data = whole(path)
    objects, links = {}, {}
    # members of size 0 are of the size that the file says
    driver = {"driver": "family", "memb_size": 0} if "%" in path else {}
    with h5py.File(path, "r", **driver) as f:

        def visit(obj, name, ancestors):
            address = h5py.h5o.get_info(obj.id).addr
            entry = {"kind": "dataset" if isinstance(obj, h5py.Dataset) else "datatype" if isinstance(obj, h5py.Datatype) else "group"}
            entry["attributes"] = attribute_values(obj, f)
            objects[name] = entry
            if isinstance(obj, h5py.Dataset):
                entry.update(describe_dataset(obj, f, data))
            if not isinstance(obj, h5py.Group) or address in ancestors:
                return
            for child in obj:
                link = obj.get(child, getlink=True)
                where = name.rstrip("/") + "/" + child
                if isinstance(link, h5py.SoftLink):
                    links[where] = f"soft -> {link.path}"
                elif isinstance(link, h5py.ExternalLink):
                    links[where] = f"external -> {link.filename}:{link.path}"
                else:
                    visit(obj[child], where, ancestors | {address})

        visit(f["/"], "/", frozenset())
    return {"h5py": h5py.__version__, "objects": objects, "links": links}


def layout_json(value, depth=0):
    """JSON with one attribute, field or chunk a line, so that a change is a readable difference."""

    def dumps(v):
        return json.dumps(v, ensure_ascii=False, allow_nan=False)

    pad = " " * (depth + 1)
    if isinstance(value, dict) and value:
        lines = [f"{pad}{dumps(k)}: {layout_json(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + pad[1:] + "}"
    if isinstance(value, list) and len(value) > 1 and all(isinstance(v, list) and len(v) == 4 for v in value):
        return "[\n" + ",\n".join(pad + dumps(v) for v in value) + "\n" + pad[1:] + "]"
    return dumps(value)


def undocumented():
    """Cases that README.md does not list in their structure's table."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md"), encoding="utf-8") as f:
        sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", f.read(), re.M | re.S))
    names = [name.removesuffix(".nc").split("/") for name, _, _ in CASES] + [("parquet", name) for name in parquet_sets.CASES]
    names.append(("cf_time", "cftime"))
    names += [("netcdf3", name) for name in netcdf3_files.CASES]
    names += [("dmrpp", name) for name in dmrpp_sidecars.names()]
    names += [("dap", name) for name in dap_answers.CASES]
    return [f"{folder}/{stem}" for folder, stem in names if f"`{stem}`" not in sections.get(folder, "")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("only", nargs="*", help="a structure (superblock) or case (superblock/v0)")
    args = parser.parse_args()
    if missing := undocumented():
        sys.exit("not in README.md: " + ", ".join(missing))
    warnings.simplefilter("ignore")
    out = os.path.abspath(args.out)
    for name, how, write in CASES:
        folder, file = name.split("/")
        stem = file.removesuffix(".nc")
        if args.only and not any(o in (folder, f"{folder}/{stem}", name) for o in args.only):
            continue
        os.makedirs(os.path.join(out, folder), exist_ok=True)
        os.chdir(os.path.join(out, folder))  # external files and virtual sources are named relative to it
        if file.endswith(".nc"):
            model = "NETCDF4_CLASSIC" if "classic" in stem else "NETCDF4"
            with netCDF4.Dataset(file, "w", format=model) as nc:
                write(nc, file)
        else:
            file = stem + ".h5"
            if folder == "family":
                # members are no files of their own: they and the expectation have a folder
                os.makedirs(stem, exist_ok=True)
                os.chdir(stem)
                file, stem = "member_%05d.h5", "expected"
                for member in members(file):
                    os.remove(member)
            f = create(file, **how)
            write(f, file)
            if f:
                f.close()
        patch(file, fix_times)
        with open(stem + ".json", "w", encoding="utf-8") as expectation:
            expectation.write(layout_json(describe(file)) + "\n")
        print(f"{len(whole(file)):8} {name}")
    parquet_sets.write_all(out, args.only)
    cf_time_tables.write_all(out, args.only)
    netcdf3_files.write_all(out, args.only)
    dmrpp_sidecars.write_all(out, args.only)
    dap_answers.write_all(out, args.only)


if __name__ == "__main__":
    main()
