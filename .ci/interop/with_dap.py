#!/usr/bin/env python3
"""Does every array that h5refs reads from a server of DAP2 have the elements that xarray reads from the file that is served?

usage: with_dap.py --bin PATH --reader PATH

pydap, served by wsgiref on loopback, has the arrays of small netCDF files and a dataset with Grids, Structures and texts. The example
`dap` reads every array, whole and in many requests; `h5refs ls` and `h5refs dump` tell of them. Exit 1 on any difference.
"""
import argparse
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import netCDF4
import numpy as np
import xarray as xr
from pydap.handlers.lib import BaseHandler
from pydap.model import BaseType, DatasetType, GridType, StructureType

PROBLEMS = []
COUNT = 0


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def serve(application):
    """The URL of a dataset, for as long as the program runs."""
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"dap2+http://127.0.0.1:{server.server_port}/dataset"


def netcdf(path, form):
    """Each type that DAP2 has, a record dimension, coordinates, packed data, scalars, a variable without elements."""
    with netCDF4.Dataset(path, "w", format=form) as file:
        for name, size in (("time", None), ("lat", 5), ("lon", 7)):
            file.createDimension(name, size)
        types = ["i1", "i2", "i4", "f4", "f8"] + ([] if form == "NETCDF3_CLASSIC" else ["u1", "u2", "u4"])
        numbers = (np.arange(4 * 5 * 7).reshape(4, 5, 7) * 37) % 251 - 120
        for kind in types:
            variable = file.createVariable(f"v_{kind}", kind, ("time", "lat", "lon"), fill_value=np.array(3, kind))
            variable[:] = np.abs(numbers) if kind[0] == "u" else numbers
            variable.setncattr("long_name", f"of type {kind}")
            variable.setncattr("valid", np.array([1, 2], kind))
        packed = file.createVariable("packed", "i2", ("time", "lat"), fill_value=np.int16(-99))
        packed.scale_factor, packed.add_offset = np.float64(0.5), np.float64(20)
        packed.set_auto_maskandscale(False)
        packed[:] = np.arange(20).reshape(4, 5) - 99
        for name, size in (("time", 4), ("lat", 5), ("lon", 7)):
            file.createVariable(name, "f8", (name,))[:] = np.linspace(-1, 1, size)
        file["time"].units = "days since 2000-01-01"
        file.createVariable("scalar", "f8", ())[...] = np.pi
        file.createVariable("byte_scalar", "i2", ())[...] = -7
        if form == "NETCDF4":
            file.createDimension("empty", None)
            file.createVariable("nothing", "f4", ("empty",))
        file.title, file.level = "a small file", np.int32(3)


def of_file(path):
    """A netCDF file as pydap serves arrays: its own handler of such files answers no part of an array, and no scalar."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        dataset = DatasetType(path.stem, attributes={"NC_GLOBAL": file.__dict__, "DODS_EXTRA": {"Unlimited_Dimension": "time"}})
        for name, variable in file.variables.items():
            dataset[name] = BaseType(name, np.asarray(variable[...]), dims=list(variable.dimensions), attributes=variable.__dict__)
    return BaseHandler(dataset)


def odd():
    """Grids that share a Map, Structures in Structures, texts, and a single byte."""
    dataset = DatasetType("odd")
    numbers = np.arange(12, dtype="f4").reshape(3, 4) / 3
    for name in ("g", "h"):
        dataset[name] = grid = GridType(name)
        grid[name] = BaseType(name, numbers + ord(name), dims=["y", "x"])
        grid["y"] = BaseType("y", np.arange(3.0), dims=["y"])
        grid["x"] = BaseType("x", np.arange(4, dtype="i4"), dims=["x"])
    dataset["s"] = StructureType("s")
    dataset["s"]["inner"] = StructureType("inner")
    dataset["s"]["inner"]["White space"] = BaseType("White space", np.array([1, 65535], "u2"), dims=["n"])
    dataset["texts"] = BaseType("texts", np.array([["one", ""], ["three", "four"]]), dims=["a", "b"])
    dataset["byte"] = BaseType("byte", np.array(200, "u1"))
    expected = {
        "g": numbers + ord("g"),
        "h": numbers + ord("h"),
        "y": np.arange(3.0),
        "x": np.arange(4, dtype="i4"),
        "s/inner/White space": np.array([1, 65535], "u2"),
        "texts": np.array([["one", ""], ["three", "four"]], object),
        "byte": np.array(200, "u1"),
    }
    return BaseHandler(dataset), expected


def read(reader, url, request_bytes, paths):
    run = subprocess.run([reader, url, str(request_bytes), *paths], capture_output=True, text=True, timeout=300)
    if run.returncode:
        PROBLEMS.append(f"{url}: {run.stderr.strip()[-500:]}")
        return {}
    refused, *lines = [json.loads(line) for line in run.stdout.splitlines()]
    if refused["refused"]:
        PROBLEMS.append(f"{url}: refused: {refused['refused']}")
    return dict(zip(paths, lines))


def elements(line):
    if "texts" in line:
        return np.array(line["texts"], object).reshape(line["shape"])
    return np.frombuffer(base64.b64decode(line["bytes"]), line["dtype"]).reshape(line["shape"])


def compare(name, reader, url, expected, attributes=None):
    """Every array, whole and in requests of 64 bytes."""
    global COUNT
    for request_bytes in (100_000_000, 64):
        for path, line in read(reader, url, request_bytes, list(expected)).items():
            COUNT += 1
            if "error" in line:
                PROBLEMS.append(f"{name} {path}: {line['error']}")
                continue
            found, wanted = elements(line), expected[path]
            # DAP2 has no signed bytes: pydap sends them as integers of 16 bits.
            kind = {"i1": "i2"}.get(wanted.dtype.str[1:], wanted.dtype.str[1:])
            is_same = found.shape == wanted.shape and np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "f")
            if not is_same or (wanted.dtype != object and found.dtype.str[1:] != kind):
                PROBLEMS.append(f"{name} {path}: {found.dtype} {found.tolist()} instead of {wanted.dtype} {wanted.tolist()}")
            for key, value in (attributes or {}).get(path, {}).items():
                told = line["fill"] if key == "_FillValue" else line["attributes"].get(key)
                if not np.array_equal(np.array(told), np.array(value)):
                    PROBLEMS.append(f"{name} {path}:{key}: {told} instead of {value}")


def commands(binary, url, arrays):
    ls = subprocess.run([binary, "ls", url], capture_output=True, text=True, timeout=60)
    listed = {line.split("  ")[0].strip() for line in ls.stdout.splitlines() if "Dataset" in line}
    if ls.returncode or not {f"/{path}" for path in arrays if " " not in path} <= listed:
        PROBLEMS.append(f"ls {url} ends with {ls.returncode}: {ls.stdout} {ls.stderr}")
    dump = subprocess.run([binary, "dump", url], capture_output=True, text=True, timeout=60)
    if dump.returncode or not dump.stdout.startswith("netcdf dataset {"):
        PROBLEMS.append(f"dump {url} ends with {dump.returncode}: {dump.stdout} {dump.stderr}")
    return dump.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--reader", required=True)
    arguments = parser.parse_args()
    binary, reader = (str(pathlib.Path(path).resolve()) for path in (arguments.bin, arguments.reader))
    with tempfile.TemporaryDirectory() as folder:
        for form in ("NETCDF3_CLASSIC", "NETCDF4"):
            path = pathlib.Path(folder) / f"{form}.nc"
            netcdf(path, form)
            with xr.open_dataset(path, decode_cf=False) as file:
                expected = {name: np.asarray(variable.values) for name, variable in file.variables.items()}
                attributes = {name: dict(variable.attrs) for name, variable in file.variables.items()}
            url = serve(of_file(path))
            compare(form, reader, url, expected, attributes)
            told = commands(binary, url, expected)
            for line in ("\tshort packed(time, lat) ;", "\t\tpacked:_FillValue = -99s ;", "\ttime = UNLIMITED ; // (4 currently)", '\t\t:title = "a small file" ;'):
                if line not in told.splitlines():
                    PROBLEMS.append(f"{form}: no line {line!r} in {told}")
        handler, expected = odd()
        url = serve(handler)
        compare("odd", reader, url, expected)
        commands(binary, url, expected)
    for problem in PROBLEMS:
        print(problem)
    print(f"{COUNT} arrays read from pydap, {len(PROBLEMS)} problems")
    # A run that compares nothing is none.
    sys.exit(1 if PROBLEMS or COUNT < 60 else 0)


if __name__ == "__main__":
    main()
