#!/usr/bin/env python3
"""Does GDAL read the same through our references as h5py reads from the file, but for what `h5refs lint --for gdal` tells?

usage: with_gdal.py --library LIBGDAL.SO --bin PATH

The library is called by its C API. It needs the Zarr driver, Blosc and Zstandard, and a version from 3.11 on.
"""
import argparse
import ctypes
import sys

import numpy as np

import agreement

NUMPY = {
    "Byte": "u1", "UInt8": "u1", "Int8": "i1", "UInt16": "u2", "Int16": "i2", "UInt32": "u4", "Int32": "i4", "UInt64": "u8", "Int64": "i8",
    "Float16": "f2", "Float32": "f4", "Float64": "f8", "CFloat32": "c8", "CFloat64": "c16",
}  # fmt: skip
MULTIDIMENSIONAL, SAY_ERRORS = 0x10, 0x40

SAYS = {
    "codec": r"Filter \w+ not handled|Only ELEMENTSIZE=1,2,4,8 is supported",
    "empty-dimension": "Invalid content for shape",
    "long-chunk": r"Filter \w+ for tile .* failed",
    "type": "Invalid or unsupported format for dtype",
}

EXCEPT = {
    ("datatype/compound.h5", "/mixed"): "texts end at their first NUL, and here begin with it",
    ("datatype/compound_v3.h5", "/mixed"): "texts end at their first NUL, and here begin with it",
}

FLOOR = {"read": 3200, "codec": 16, "empty-dimension": 8, "long-chunk": 20, "type": 50}


class Gdal:
    """The functions of GDAL's C API that are needed, and the messages of the last call."""

    def __init__(self, library):
        self.lib, self.messages = ctypes.CDLL(library), []
        handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_int, ctypes.c_char_p)
        self.handler = handler(lambda severity, number, text: self.messages.append(text.decode("utf-8", "replace")) if severity > 1 else None)
        self.lib.CPLPushErrorHandler(self.handler)
        self.lib.GDALAllRegister()

    def call(self, name, *arguments, result=ctypes.c_void_p):
        function = getattr(self.lib, name)
        function.restype = result
        return function(*(ctypes.c_void_p(a) if isinstance(a, int) else a for a in arguments))

    def version(self):
        return self.call("GDALVersionInfo", b"RELEASE_NAME", result=ctypes.c_char_p).decode()

    def refused(self):
        return RuntimeError(" | ".join(self.messages) or "GDAL gives no reason")


class References:
    """A set of references, opened by GDAL."""

    def __init__(self, gdal, path, arrays):
        self.gdal, self.arrays = gdal, arrays
        gdal.messages.clear()
        flags = ctypes.c_uint(MULTIDIMENSIONAL | SAY_ERRORS)
        self.dataset = gdal.call("GDALOpenEx", f'ZARR:"/vsikerchunk_json_ref/{{{path}}}"'.encode(), flags, None, None, None)
        self.root = self.dataset and gdal.call("GDALDatasetGetRootGroup", self.dataset)
        if not self.root:
            raise gdal.refused()

    def close(self):
        self.gdal.call("GDALGroupRelease", self.root, result=None)
        self.gdal.call("GDALClose", self.dataset, result=ctypes.c_int)

    def read(self, path):
        gdal = self.gdal
        gdal.messages.clear()
        array = gdal.call("GDALGroupOpenMDArrayFromFullname", self.root, path.encode(), None)
        if not array:
            raise gdal.refused()
        kind = gdal.call("GDALMDArrayGetDataType", array)
        shape = self.shape(array)
        dtype = self.dtype(kind)
        values = np.zeros(shape, dtype)
        if values.size == 0:
            return values
        rank = max(len(shape), 1)
        start, count = (ctypes.c_uint64 * rank)(*[0] * rank), (ctypes.c_size_t * rank)(*shape or [1])
        done = gdal.call(
            "GDALMDArrayRead", array, start, count, None, None, kind, values.ctypes, None, ctypes.c_size_t(0), result=ctypes.c_int
        )
        # an error that is only told leaves zeros behind
        if not done or gdal.messages:
            raise gdal.refused()
        # GDAL has no booleans
        return values.astype(bool) if self.arrays[path]["dtype"] == "|b1" else self.texts(values)

    def shape(self, array):
        count = ctypes.c_size_t()
        dimensions = self.gdal.call("GDALMDArrayGetDimensions", array, ctypes.byref(count), result=ctypes.POINTER(ctypes.c_void_p))
        return tuple(self.gdal.call("GDALDimensionGetSize", dimensions[n], result=ctypes.c_uint64) for n in range(count.value))

    def dtype(self, kind):
        """NumPy's type for what GDAL fills; a text is a pointer."""
        form = self.gdal.call("GDALExtendedDataTypeGetClass", kind, result=ctypes.c_int)
        size = self.gdal.call("GDALExtendedDataTypeGetSize", kind, result=ctypes.c_size_t)
        if form == 1:
            return np.dtype([("text", "u8")])
        if form == 2:
            return self.record(kind, size)
        number = ctypes.c_int(self.gdal.call("GDALExtendedDataTypeGetNumericDataType", kind, result=ctypes.c_int))
        return np.dtype(NUMPY[self.gdal.call("GDALGetDataTypeName", number, result=ctypes.c_char_p).decode()])

    def record(self, kind, size):
        count = ctypes.c_size_t()
        parts = self.gdal.call("GDALExtendedDataTypeGetComponents", kind, ctypes.byref(count), result=ctypes.POINTER(ctypes.c_void_p))
        names, formats, offsets = [], [], []
        for n in range(count.value):
            names.append(self.gdal.call("GDALEDTComponentGetName", parts[n], result=ctypes.c_char_p).decode())
            offsets.append(self.gdal.call("GDALEDTComponentGetOffset", parts[n], result=ctypes.c_size_t))
            formats.append(self.dtype(self.gdal.call("GDALEDTComponentGetType", parts[n])))
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})

    def texts(self, values):
        def is_text(dtype):
            return dtype.names == ("text",)

        def read(array):
            flat = [ctypes.string_at(int(pointer)) if pointer else b"" for pointer in array["text"].ravel()]
            return np.array(flat, object).reshape(array.shape)

        if is_text(values.dtype):
            return read(values)
        if not values.dtype.names or not any(is_text(values.dtype[n]) for n in values.dtype.names):
            return values
        forms = [(n, object if is_text(values.dtype[n]) else values.dtype[n]) for n in values.dtype.names]
        out = np.zeros(values.shape, forms)
        for n in values.dtype.names:
            out[n] = read(values[n]) if is_text(values.dtype[n]) else values[n]
        return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--library", required=True)
    ours, sys.argv[1:] = parser.parse_known_args()
    gdal = Gdal(vars(ours)["library"])
    print(f"GDAL {gdal.version()}")
    variants = [[], ["--inline-threshold", "0"]]
    agreement.main(__doc__, agreement.Reader("gdal", lambda path, arrays: References(gdal, path, arrays), variants, SAYS, EXCEPT, FLOOR))
