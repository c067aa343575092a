"""netCDF classic files as netCDF-C writes them: testdata/netcdf3/<case>.nc3.

The expectation beside each is what netCDF4-python reads: {"netcdf": version, "dimensions": {name: [length, unlimited]}, "attributes":
{name: [dtype, values]}, "variables": {name: {"dtype", "dimensions", "attributes", "values": base64 of big-endian elements in C order}}}.
netCDF-C does not know records that are streamed, and reads zeros where a file has ended: of files that are changed so the expectation
is that of the file before.
"""
import base64
import json
import os
import struct

import netCDF4
import numpy as np

CASES = {}
TYPES = {"i1": "byte", "S1": "char", "i2": "short", "i4": "int", "f4": "float", "f8": "double"}
TYPES_OF_CDF5 = TYPES | {"u1": "ubyte", "u2": "ushort", "u4": "uint", "i8": "int64", "u8": "uint64"}
EXTREMES = {"f4": [-np.inf, 1e-40, 3.4e38], "f8": [np.nan, -0.0, 1.7e308]}


def case(model="NETCDF3_CLASSIC", change=None):
    def add(write):
        CASES[write.__name__] = (model, write, change)
        return write

    return add


def extremes(dtype):
    if dtype == "S1":
        return np.array([b"a", b"\0", b"\xe9"])
    if dtype in EXTREMES:
        return np.array(EXTREMES[dtype], dtype)
    return np.array([np.iinfo(dtype).min, 1, np.iinfo(dtype).max], dtype)


def all_types(nc, types):
    """A variable and an attribute of each type, of one value and of three; texts; a scalar of each type."""
    nc.createDimension("three", 3)
    nc.createDimension("unused", 7)
    for dtype, name in types.items():
        values = extremes(dtype)
        variable = nc.createVariable(name, dtype, ("three",))
        variable[:] = values
        nc.createVariable(f"one_{name}", dtype, ())[...] = values[0]
        if dtype != "S1":
            variable.setncattr("one", values[2])
            variable.setncattr("three", values)
    for name, text in {"title": "a title", "utf8": "Größe 名前", "empty": "", "lines": "one\ntwo\n", "padded": "nul\0\0"}.items():
        nc.setncattr(name, text)


@case()
def classic(nc):
    all_types(nc, TYPES)


@case("NETCDF3_64BIT_OFFSET")
def offset64(nc):
    all_types(nc, TYPES)


@case("NETCDF3_64BIT_DATA")
def data64(nc):
    all_types(nc, TYPES_OF_CDF5)


def records(nc, count=5):
    """Records of 6 bytes padded to 8, of 8, and of 3 padded to 4; a variable without records between them."""
    nc.createDimension("time", None)
    nc.createDimension("x", 3)
    short = nc.createVariable("short", "i2", ("time", "x"))
    nc.createVariable("x", "f4", ("x",))[:] = [0.5, 1.5, 2.5]
    time = nc.createVariable("time", "f8", ("time",))
    time.units = "days since 2000-01-01"
    char = nc.createVariable("char", "S1", ("time", "x"))
    if count:
        short[:] = np.arange(count * 3).reshape(count, 3) - 4
        time[:] = np.arange(count) + 0.25
        char[:] = np.array([bytes([97 + n]) for n in range(count * 3)]).reshape(count, 3)


@case("NETCDF3_64BIT_OFFSET")
def several_records(nc):
    records(nc)


@case("NETCDF3_64BIT_DATA")
def several_records_cdf5(nc):
    records(nc)


@case()
def no_records(nc):
    records(nc, 0)


def single(nc, dtype="i2", fill=None):
    """The only variable with records: these are not padded."""
    nc.createDimension("x", 3)
    nc.createVariable("fixed", "i1", ("x",))[:] = [1, 2, 3]
    nc.createDimension("time", None)
    nc.createVariable("only", dtype, ("time", "x"), fill_value=fill)[:] = np.arange(12).reshape(4, 3)


@case()
def single_record(nc):
    single(nc)


@case("NETCDF3_64BIT_DATA")
def single_record_bytes(nc):
    single(nc, "u1", 255)


def streaming(data):
    width = 8 if data[3] == 5 else 4
    return data[:4] + b"\xff" * width + data[4 + width :]


@case(change=streaming)
def streamed(nc):
    records(nc)


@case("NETCDF3_64BIT_DATA", change=streaming)
def streamed_cdf5(nc):
    records(nc)


@case("NETCDF3_64BIT_OFFSET", change=streaming)
def streamed_single(nc):
    single(nc)


@case(change=lambda data: data[:-1])
def cut_in_padding(nc):
    records(nc)


@case(change=lambda data: data[:-17])
def cut_off(nc):
    records(nc)


@case(change=lambda data: data[:4] + struct.pack(">i", 9) + data[8:])
def records_promised(nc):
    records(nc)


@case()
def default_fill(nc):
    """Elements that are never written are filled by netCDF-C."""
    nc.createDimension("time", None)
    nc.createDimension("x", 4)
    for dtype, name in TYPES.items():
        nc.createVariable(name, dtype, ("x",))
        nc.createVariable(f"of_{name}", dtype, ("time", "x"))
    nc["of_int"][2, 1] = 7


@case()
def cf(nc):
    """Packed shorts with coordinates."""
    nc.Conventions = "CF-1.8"
    nc.createDimension("time", None)
    nc.createDimension("lat", 4)
    nc.createDimension("lon", 6)
    time = nc.createVariable("time", "i4", ("time",))
    time.setncatts({"units": "hours since 1900-01-01 00:00:0.0", "calendar": "gregorian"})
    for name, units, count in [("lat", "degrees_north", 4), ("lon", "degrees_east", 6)]:
        axis = nc.createVariable(name, "f4", (name,))
        axis.units = units
        axis[:] = np.linspace(-30, 30, count)
    sst = nc.createVariable("sst", "i2", ("time", "lat", "lon"), fill_value=-32767)
    sst.set_auto_maskandscale(False)
    sst.setncatts({"scale_factor": 0.01, "add_offset": 273.15, "missing_value": np.int16(-32767), "units": "K"})
    time[:] = [876552, 876576]
    values = np.arange(48, dtype="i2").reshape(2, 4, 6)
    values[0, 1, 2] = -32767
    sst[:] = values


@case()
def names(nc):
    """Names that netCDF allows and that must be written with care."""
    nc.createDimension("a dim", 2)
    nc.createDimension("größe", 2)
    for name in ["with blank", "größe", "a.b-c+d@e", "_leading", "0digit", "quote\"and\\backslash"]:
        nc.createVariable(name, "i1", ("a dim", "größe"))[:] = [[1, 2], [3, 4]]


@case()
def long_header(nc):
    """A header of more than 8 KiB, behind which a variable of one record lies."""
    nc.createDimension("time", None)
    for n in range(120):
        nc.createDimension(f"dimension_{n:03}", n + 1)
        nc.setncattr(f"attribute_{n:03}", "x" * 60)
    nc.createVariable("v", "f4", ("time",))[:] = [1, 2, 3]


@case()
def empty(nc):
    pass


def told(values):
    """A dtype, and values that JSON has: texts, integers, and the bits of floats as doubles."""
    if isinstance(values, str):
        return ["char", values]
    array = np.atleast_1d(values)
    listed = [int(v) for v in (array.astype("f8").view("u8") if array.dtype.kind == "f" else array)]
    return [array.dtype.str[1:], listed]


def describe(path):
    with netCDF4.Dataset(path) as nc:
        nc.set_auto_maskandscale(False)
        nc.set_auto_chartostring(False)

        def attributes(of):
            return {name: told(of.getncattr(name)) for name in of.ncattrs()}

        def variable(of):
            values = np.ascontiguousarray(np.asarray(of[...]).astype(of.dtype.newbyteorder(">")))
            return {"dtype": of.dtype.str[1:], "dimensions": list(of.dimensions), "attributes": attributes(of),
                    "values": base64.b64encode(values.tobytes()).decode()}  # fmt: skip

        return {"netcdf": netCDF4.getlibversion().split()[0],
                "dimensions": {name: [len(one), one.isunlimited()] for name, one in nc.dimensions.items()},
                "attributes": attributes(nc),
                "variables": {name: variable(one) for name, one in nc.variables.items()}}  # fmt: skip


def write_all(out, only):
    for name, (model, write, change) in CASES.items():
        if only and not any(o in ("netcdf3", f"netcdf3/{name}") for o in only):
            continue
        os.makedirs(os.path.join(out, "netcdf3"), exist_ok=True)
        path = os.path.join(out, "netcdf3", f"{name}.nc3")
        with netCDF4.Dataset(path, "w", format=model) as nc:
            write(nc)
        with open(path.removesuffix(".nc3") + ".json", "w", encoding="utf-8") as f:
            json.dump(describe(path), f, indent=1, ensure_ascii=False)
            f.write("\n")
        if change:
            with open(path, "rb") as f:
                data = change(f.read())
            with open(path, "wb") as f:
                f.write(data)
        print(f"{os.path.getsize(path):8} netcdf3/{name}")
