#!/usr/bin/env python3
"""Writes the files that the benches read: `pip install -r testdata/requirements.txt`, then `python benches/generate.py [CASE ...]`.

Each case is one file in target/bench-data, with one structure in the number that large files have it in. Chunks are small, and many
of them have the same bytes: what is measured is how they are found. Only the files of decode/ have values that compress as real ones do.
"""
import os
import sys
import time
import zlib

import h5py
import hdf5plugin
import netCDF4
import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t, h5z

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "target", "bench-data")
CASES = {}


def case(name):
    def register(write):
        CASES[name] = write
        return write

    return register


# ---------------------------------------------------------------- chunk indexes

CHUNK = (8, 16)  # of floats: 512 bytes, so that none is small enough to be held inline
STORED = zlib.compress(np.random.default_rng(0).normal(size=CHUNK).astype("f4").tobytes(), 1)


def dataset(f, name, chunks, maxshape=None, early=False):
    """A dataset of so many chunks in each dimension: deflated chunks, or where `early` plain ones that are allocated and never written."""
    shape = tuple(n * size for n, size in zip(chunks, CHUNK))
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_chunk(CHUNK)
    if early:
        dcpl.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        dcpl.set_fill_time(h5d.FILL_TIME_NEVER)
    else:
        dcpl.set_deflate(1)
    limits = None if maxshape is None else tuple(h5s.UNLIMITED if m is None else m for m in maxshape)
    did = h5d.create(f.id, name.encode(), h5t.IEEE_F32LE, h5s.create_simple(shape, limits), dcpl)
    if not early:
        for place in np.ndindex(*chunks):
            did.write_direct_chunk(tuple(n * size for n, size in zip(place, CHUNK)), STORED)


def index(name, libver, **how):
    @case(f"chunks/{name}")
    def write(path):
        with h5py.File(path, "w", libver=libver) as f:
            for n in range(how.get("datasets", 1)):
                dataset(f, f"d{n:04}", how["chunks"], how.get("maxshape"), how.get("early", False))


index("single", "latest", chunks=(1, 1), datasets=2_000)
index("implicit", "latest", chunks=(400, 250), early=True)
index("fixed_array", "latest", chunks=(40, 25), datasets=100)
index("fixed_array_paged", "latest", chunks=(400, 250))
index("extensible_array", "latest", chunks=(400, 250), maxshape=(None, 250 * CHUNK[1]))
index("btree_v1", "earliest", chunks=(400, 250))
index("btree_v1_million", "earliest", chunks=(4_000, 250), early=True)
index("btree_v2", "latest", chunks=(400, 250), maxshape=(None, None))

# ---------------------------------------------------------------- groups, attributes, netCDF


def wide_group(name, libver):
    @case(f"groups/{name}")
    def write(path):
        with h5py.File(path, "w", libver=libver) as f:
            for n in range(10_000):
                f.create_dataset(f"dataset_{n:05}", (4,), "f4", data=np.arange(4, dtype="f4"))


wide_group("symbol_table", "earliest")
wide_group("dense_links", "latest")


def attributes(name, libver):
    """Four numbers, then sixteen texts on each dataset: up to eight are compact in the newest format, in the oldest all are."""

    @case(f"attributes/{name}")
    def write(path):
        with h5py.File(path, "w", libver=libver) as f:
            for n in range(500):
                d = f.create_dataset(f"dataset_{n:04}", (4,), "f4")
                for k in range(20):
                    d.attrs[f"attribute_{k:02}"] = float(k) if k < 4 else np.bytes_(f"the text of attribute {k} of dataset {n}")


attributes("compact", "earliest")
attributes("dense", "latest")


@case("netcdf/dimension_scales")
def netcdf(path):
    """200 variables along four dimensions, as the output of a model has them."""
    with netCDF4.Dataset(path, "w") as f:
        for name, size in (("time", None), ("lev", 8), ("lat", 32), ("lon", 64)):
            f.createDimension(name, size)
            scale = f.createVariable(name, "f8", (name,))
            scale.units = "days since 2000-01-01" if name == "time" else "1"
        f["time"][:] = np.arange(12)
        data = np.random.default_rng(1).normal(size=(12, 8, 32, 64)).astype("f4")
        for n in range(200):
            v = f.createVariable(f"variable_{n:03}", "f4", ("time", "lev", "lat", "lon"), zlib=True, complevel=1, chunksizes=(1, 8, 32, 64), fill_value=1e20)
            v.units, v.long_name, v.standard_name, v.cell_methods = "kg m-2 s-1", f"the long name of variable {n}", f"standard_{n}", "time: mean"
            v[:] = data


# ---------------------------------------------------------------- decoding


def field(dtype):
    """16 MiB of waves with noise, in two layers, as a packed or a plain variable has them."""
    y, x = np.mgrid[0:2048, 0 : 8 * 1024 * 1024 // 2048 // np.dtype(dtype).itemsize]
    noise = np.random.default_rng(2).normal(size=(2, *y.shape))
    waves = 1000 * np.sin(x / 97.0) * np.cos(y / 53.0) + 4 * noise
    return np.ascontiguousarray(waves.astype(dtype))


def decode(name, dtype="f4", chunks=(1, 256, 512), **how):
    @case(f"decode/{name}")
    def write(path):
        with h5py.File(path, "w", libver="latest") as f:
            f.create_dataset("d", data=field(dtype), chunks=chunks, **how)


decode("plain")
decode("shuffle", shuffle=True)
decode("fletcher32", fletcher32=True)
decode("deflate", compression="gzip", compression_opts=4)
decode("shuffle_deflate", compression="gzip", compression_opts=4, shuffle=True)
decode("shuffle_deflate_i2", dtype="i2", compression="gzip", compression_opts=4, shuffle=True)
decode("lzf", compression="lzf", shuffle=True)
decode("szip", dtype="i2", compression="szip", compression_opts=("nn", 16))
decode("scaleoffset_integers", dtype="i4", scaleoffset=0)
decode("scaleoffset_floats", scaleoffset=2)
decode("bzip2", **hdf5plugin.BZip2())
decode("bitshuffle", **hdf5plugin.Bitshuffle(cname="none"))
decode("bitshuffle_lz4", **hdf5plugin.Bitshuffle(cname="lz4"))
decode("bitshuffle_zstd", **hdf5plugin.Bitshuffle(cname="zstd"))
# Of floats that are not shuffled, LZ4 finds nothing to compress.
decode("lz4", shuffle=True, **hdf5plugin.LZ4())
decode("zstd", **hdf5plugin.Zstd(clevel=3))
decode("blosc_lz4", **hdf5plugin.Blosc(cname="lz4"))
decode("blosc_blosclz", **hdf5plugin.Blosc(cname="blosclz"))
decode("blosc_zstd", **hdf5plugin.Blosc(cname="zstd"))
decode("blosc2_zstd", **hdf5plugin.Blosc2(cname="zstd"))
decode("zfp_rate", chunks=(1, 256, 512), **hdf5plugin.Zfp(rate=8))
decode("zfp_accuracy", chunks=(1, 256, 512), **hdf5plugin.Zfp(accuracy=0.01))
decode("sz3", **hdf5plugin.SZ3(absolute=0.01))
decode("sperr", **hdf5plugin.Sperr(absolute=0.01))
decode("fcidecomp", dtype="u2", **hdf5plugin.FciDecomp())


@case("decode/nbit")
def nbit(path):
    with h5py.File(path, "w", libver="latest") as f:
        twelve = h5t.STD_I16LE.copy()
        twelve.set_precision(12)
        data = field("i2")
        dcpl = h5p.create(h5p.DATASET_CREATE)
        dcpl.set_chunk((1, 256, 512))
        dcpl.set_filter(h5z.FILTER_NBIT)
        h5d.create(f.id, b"d", twelve, h5s.create_simple(data.shape), dcpl).write(h5s.ALL, h5s.ALL, data)


def main():
    wanted = sys.argv[1:] or list(CASES)
    unknown = [name for name in wanted if name not in CASES]
    if unknown:
        sys.exit(f"unknown: {' '.join(unknown)}; known are {' '.join(CASES)}")
    for name in wanted:
        path = os.path.join(OUT, name + ".h5")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        started = time.perf_counter()
        # A file has its name only when it is whole.
        CASES[name](path + ".part")
        os.replace(path + ".part", path)
        print(f"{name}: {os.path.getsize(path) / 1e6:.1f} MB, {time.perf_counter() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
