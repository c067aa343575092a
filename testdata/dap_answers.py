"""Answers of servers of DAP2, written from the specification (ESE-RFC-004) in the manner of THREDDS, Hyrax and pydap: for generate.py.

`dap/<case>/dataset.dds` and `.das` are what a server says of a dataset, `<expression>.dods` is its answer to that expression, and `expected.json`
is what is in it: the arrays that NumPy wrote, and attributes as they were before they were printed.
"""
import base64
import json
import os

import numpy as np

TYPES = {"u1": "Byte", "i2": "Int16", "u2": "UInt16", "i4": "Int32", "u4": "UInt32", "f4": "Float32", "f8": "Float64"}
SENT = {"u1": "u1", "i2": ">i4", "u2": ">u4", "i4": ">i4", "u4": ">u4", "f4": ">f4", "f8": ">f8"}


def kind(array):
    return "String" if array.dtype.kind == "O" else TYPES[array.dtype.str[1:]]


def filled(data):
    return data + bytes(-len(data) % 4)


def xdr(array, byte_first=False):
    """The elements as they are sent. A single byte is the last of four; pydap has it first."""
    count = np.array(array.size, ">u4").tobytes()
    if array.dtype.kind == "O":
        texts = [text.encode() for text in array.flat]
        return (count if array.shape else b"") + b"".join(np.array(len(text), ">u4").tobytes() + filled(text) for text in texts)
    if array.dtype == np.uint8 and not array.shape:
        return bytes([array, 0, 0, 0]) if byte_first else bytes([0, 0, 0, array])
    return (count * 2 if array.shape else b"") + filled(array.astype(SENT[array.dtype.str[1:]]).tobytes())


def declaration(name, array, dims):
    sizes = "".join(f"[{dim} = {size}]" if dim else f"[{size}]" for dim, size in zip(dims, array.shape))
    return f"{kind(array)} {name}{sizes};"


def answer(dds, *arrays, byte_first=False):
    return f"Dataset {{\n{dds}\n}} dataset;\nData:\n".encode() + b"".join(xdr(array, byte_first) for array in arrays)


def expected(array, dims, attributes=None, fill=None):
    told = {"shape": list(array.shape), "dims": dims, "attributes": attributes or {}, "fill": fill}
    if array.dtype.kind == "O":
        return told | {"texts": list(array.flat)}
    little = array.astype(array.dtype.newbyteorder("<"))
    return told | {"dtype": little.dtype.str, "bytes": base64.b64encode(little.tobytes()).decode()}


def texts(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def thredds():
    time, lat = np.arange(3, dtype="f8"), np.array([-1.5, 0.25], "f4")
    sst = np.array([[-99, 1], [2, 300], [-32768, 32767]], "i2")
    names = texts("a", "", "café", "four")
    flag = np.array(200, "u1")
    dds = """Dataset {
    Float64 time[time = 3];
    Grid {
     ARRAY:
        Int16 sst[time = 3][lat = 2];
     MAPS:
        Float64 time[time = 3];
        Float32 lat[lat = 2];
    } sst;
    String names[4];
    Byte flag;
} thredds/dodsC/dataset;
"""
    das = """Attributes {
    time {
        String units "days since 2000-01-01";
        Int32 _ChunkSizes 512;
    }
    sst {
        Int16 _FillValue -99;
        Float64 scale_factor 0.5;
        Int16 valid_range -10, 10;
        Int32 _ChunkSizes 1, 2;
    }
    lat {
        String units "degrees_north";
    }
    names {
        DODS {
            Int32 strlen 4;
            String dimName "name_len";
        }
    }
    NC_GLOBAL {
        String title "a \\"quoted\\" title";
    }
    DODS_EXTRA {
        String Unlimited_Dimension "time";
    }
}
"""
    answers = {
        "time": answer("    Float64 time[time = 3];", time),
        "sst.sst": answer("    Structure {\n        Int16 sst[time = 3][lat = 2];\n    } sst;", sst),
        "sst.lat": answer("    Structure {\n        Float32 lat[lat = 2];\n    } sst;", lat),
        "names": answer("    String names[4];", names),
        "flag": answer("    Byte flag;", flag),
    }
    arrays = {
        "time": expected(time, ["time"], {"units": "days since 2000-01-01", "_ChunkSizes": 512}),
        "sst": expected(sst, ["time", "lat"], {"scale_factor": 0.5, "valid_range": [-10, 10], "_ChunkSizes": [1, 2]}, fill=-99),
        "lat": expected(lat, ["lat"], {"units": "degrees_north"}),
        "names": expected(names, ["names_0"], {"DODS.strlen": 4, "DODS.dimName": "name_len"}),
        "flag": expected(flag, []),
    }
    return dds, das, answers, {"arrays": arrays, "root": {"title": 'a "quoted" title', "DODS_EXTRA.Unlimited_Dimension": "time"}, "refused": []}


def hyrax():
    bytes_, wide = np.array([1, 2, 255], "u1"), np.array([[0, 1, 65535]], "u2")
    most, large = np.array(4294967295, "u4"), np.array([-2147483648, 2147483647], "i4")
    dds = """Dataset {
    Byte b%20x[n%20n = 3];
    Structure {
        Structure {
            UInt16 wide[1][k = 3];
        } inner;
        UInt32 most;
    } outer;
    Int32 /g/large[/g/m = 2];
    Sequence {
        Int32 a;
    } table;
} dataset;
"""
    das = """Attributes {
    HDF5_GLOBAL {
        String units_of "\\302\\260C";
        Float32 tenth 0.1;
        Float64 none NaN;
        UInt32 most 4294967295;
    }
    b%20x {
        Byte _FillValue 255;
        String lines "one
two", "a \\\\ b";
    }
    outer {
        String of "outer";
        inner {
            wide {
                Int32 _FillValue -1;
                Alias again outer.of;
            }
        }
    }
    /g/large {
        Url home "http://example.org/?a=1;b";
        Float32 _FillValue -1.0;
    }
}
"""
    answers = {
        "b%20x": answer("    Byte b%20x[n%20n = 3];", bytes_),
        "outer.inner.wide": answer(
            "    Structure {\n        Structure {\n            UInt16 wide[1][k = 3];\n        } inner;\n    } outer;", wide
        ),
        "outer.most": answer("    Structure {\n        UInt32 most;\n    } outer;", most),
        "/g/large": answer("    Int32 /g/large[/g/m = 2];", large),
    }
    arrays = {
        "b x": expected(bytes_, ["n n"], {"lines": ["one\ntwo", "a \\ b"]}, fill=255),
        "outer/inner/wide": expected(wide, ["wide_0", "k"], {"_FillValue": -1}),
        "outer/most": expected(most, []),
        "g/large": expected(large, ["m"], {"home": "http://example.org/?a=1;b"}, fill=-1),
    }
    root = {"units_of": "°C", "tenth": float(np.float32(0.1)), "none": "NaN", "most": 4294967295}
    refused = ["/outer/inner/wide: attribute again: it is another name for outer.of", "/table: a Sequence, a table of DAP2, is not supported"]
    return dds, das, answers, {"arrays": arrays, "root": root, "refused": refused}


def pydap():
    grid, x = (np.arange(6).reshape(2, 3) / 3).astype("f4"), np.arange(3, dtype="i4")
    y, flag, text = np.array([0.5, 1.5]), np.array(7, "u1"), np.array("one", object)
    maps = "            Float64 y[y = 2];\n            Int32 x[x = 3];"
    whole = f"    Grid {{\n        Array:\n            Float32 g[y = 2][x = 3];\n        Maps:\n{maps}\n    }} g;"
    dds = f"Dataset {{\n{whole}\n    Byte flag;\n    String text;\n}} dataset;\n"
    das = """Attributes {
    NC_GLOBAL {
        Int32 large 1e+06;
    }
    g {
        String wrong "a "bare" mark";
        Float32 _FillValue 1e+20;
    }
    flag {
    }
}
"""
    answers = {
        "g.g": answer(whole, grid, y, x),
        "g.y": answer("    Structure {\n        Float64 y[y = 2];\n    } g;", y),
        "g.x": answer("    Structure {\n        Int32 x[x = 3];\n    } g;", x),
        "flag": answer("    Byte flag;", flag, byte_first=True),
        "text": answer("    String text;", text),
    }
    arrays = {
        "g": expected(grid, ["y", "x"], fill=float(np.float32(1e20))),
        "y": expected(y, ["y"]),
        "x": expected(x, ["x"]),
        "flag": expected(flag, []),
        "text": expected(text, []),
    }
    refused = ["/g: attribute wrong: what stands there is no list of values"]
    return dds, das, answers, {"arrays": arrays, "root": {"large": 1000000}, "refused": refused}


CASES = {"thredds": thredds, "hyrax": hyrax, "pydap": pydap}


def write_all(out, only):
    for name, case in CASES.items():
        if only and not any(o in ("dap", f"dap/{name}") for o in only):
            continue
        dds, das, answers, told = case()
        folder = os.path.join(out, "dap", name)
        os.makedirs(folder, exist_ok=True)
        files = {"dataset.dds": dds.encode(), "dataset.das": das.encode()}
        # A file's name has no slash.
        files |= {f"{expression.replace('/', '%2F')}.dods": data for expression, data in answers.items()}
        files["expected.json"] = (json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
        for file, content in files.items():
            with open(os.path.join(folder, file), "wb") as f:
                f.write(content)
        print(f"{sum(map(len, files.values())):8} dap/{name}")
