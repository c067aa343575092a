"""The seeds of the fuzz targets, made from the files of testdata/ that have at most 64 KiB: fuzz/corpus/<target>/.

Run it with the Python of testdata/requirements.txt (h5py): python fuzz/seeds.py
"""

import hashlib
import json
import re
import struct
from pathlib import Path

import h5py

FUZZ = Path(__file__).resolve().parent
TESTDATA = FUZZ.parent / "testdata"
MOST = 64 << 10

# Targets of whole HDF5 files.
FILES = ["open", "scan", "values"]

# Targets of filters, by the registered number.
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 307: "bzip2", 32000: "lzf", 32001: "blosc",
           32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd", 32018: "fcidecomp", 32024: "sz3", 32026: "blosc2", 32028: "sperr"}

# The number of each structure for the target `structures`.
KINDS = re.findall(r'^    \("(\w+)"', (FUZZ.parent / "src/fuzzing/structures.rs").read_text(), re.M)

# Structures with a signature; of arrays, only the header.
SIGNATURES = {b"\x89HDF": ["superblock"], b"TREE": ["group_node", "chunk_node"], b"BTHD": ["btree_v2"], b"SNOD": ["symbol_table_node"],
              b"HEAP": ["local_heap"], b"GCOL": ["global_heap"], b"FRHP": ["fractal_heap"], b"SMTB": ["shared_messages"],
              b"OHDR": ["object_header"], b"FAHD": ["fixed_array"], b"EAHD": ["extensible_array"]}

# Structures of header messages, by message type.
MESSAGES = {0x1: "dataspace", 0x2: "link_info", 0x3: "datatype", 0x4: "fill_value_old", 0x5: "fill_value", 0x6: "link",
            0x7: "external_files", 0x8: "data_layout", 0xa: "group_info", 0xb: "filter_pipeline", 0xc: "attribute",
            0xf: "shared_message_table", 0x10: "continuation", 0x11: "symbol_table", 0x13: "btree_k", 0x14: "driver_information",
            0x15: "attribute_info", 0x17: "file_space_info", 0x18: "cache_image_location"}

# Offsets and lengths of eight bytes, as src/fuzzing/structures.rs reads them, and what a parent tells: a rank, or K.
FACTS = bytes([0x22, 2, 0])


def add(target, content):
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


def structures(content):
    """The structures of a file that are found by their signatures, and the messages of version 2 object headers."""
    for signature, kinds in SIGNATURES.items():
        at = content.find(signature)
        while at >= 0:
            for kind in kinds:
                add("structures", bytes([KINDS.index(kind)]) + FACTS + content[at : at + 1024])
            if signature == b"OHDR":
                messages(content[at:])
            at = content.find(signature, at + 4)


def messages(header):
    flags = header[5]
    at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    end = at + width + int.from_bytes(header[at : at + width], "little")
    at += width
    while at + 4 <= min(end, len(header)):
        kind, size = header[at], int.from_bytes(header[at + 1 : at + 3], "little")
        at += 4 + (2 if flags & 0x04 else 0)
        if kind in MESSAGES:
            add("structures", bytes([KINDS.index(MESSAGES[kind])]) + FACTS + header[at : at + size])
        at += size


def chunks(path):
    """The first chunks of the datasets of a file, for the filter that was applied last."""

    def visit(_, dataset):
        if not isinstance(dataset, h5py.Dataset) or dataset.chunks is None:
            return
        plist = dataset.id.get_create_plist()
        filters = [plist.get_filter(n) for n in range(plist.get_nfilters())]
        if not filters or filters[-1][0] not in FILTERS:
            return
        code, _, values, _ = filters[-1]
        size = dataset.dtype.itemsize
        for length in dataset.chunks:
            size *= length
        for n in range(min(dataset.id.get_num_chunks(), 4)):
            offset = dataset.id.get_chunk_info(n).chunk_offset
            _, stored = dataset.id.read_direct_chunk(offset)
            add(FILTERS[code], struct.pack(f"<B{len(values)}II", len(values), *values, size) + stored)

    with h5py.File(path) as file:
        file.visititems(visit)


def dods(content):
    """An answer to the question for `a` in `g`, with the type and the shape that it has."""
    kinds = ["Byte", "Int16", "UInt16", "Int32", "UInt32", "Float32", "Float64", "String", "Url"]
    kind, name, sizes = re.search(rb"(\w+) ([^\s\[{]+)((?:\[[^\]]*\])*);", content).groups()
    shape = [int(size) for size in re.findall(rb"(\d+)\]", sizes)]
    content = content.replace(b" " + name + b"[", b" a[").replace(b" " + name + b";", b" a;", 1)
    add("dods", bytes([kinds.index(kind.decode()), *shape, *[255] * (3 - len(shape))]) + content)


def references():
    """Small sets: version 0 and 1, chunks of every kind, templates, generators."""
    array = {"zarr_format": 2, "shape": [4], "chunks": [1], "dtype": "<i2", "order": "C", "fill_value": None, "compressor": None,
             "filters": [{"id": "zlib", "level": 1}]}
    refs = {".zgroup": json.dumps({"zarr_format": 2}), ".zattrs": json.dumps({"a": [1.5, None, "x"], "nan": "NaN"}), "a/.zarray": json.dumps(array),
            "a/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": ["t"]}), "a/0": "ab", "a/1": "base64:AAE=", "a/2": ["s3://b/f"],
            "a/3": ["s3://b/f", 3, 5]}
    add("refs_json", json.dumps(refs).encode())
    add("refs_json", json.dumps({"version": 1, "refs": refs}).encode())
    consolidated = {"version": 1, "refs": {".zmetadata": json.dumps({"metadata": {".zgroup": {"zarr_format": 2}, "a/.zarray": array}})}}
    add("refs_json", json.dumps(consolidated).encode())
    del refs["a/0"], refs["a/1"], refs["a/2"]
    refs["a/3"] = ["{{u}}/f", 3, 5]
    generator = {"key": "a/{{i}}", "url": "{{u}}/{{ i + 1 }}", "offset": "{{ 2 * i }}", "length": "7", "dimensions": {"i": {"stop": 3}}}
    made = {"version": 1, "templates": {"u": "s3://b"}, "gen": [generator], "refs": refs}
    add("refs_json", json.dumps(made).encode())


def main():
    references()
    for path in sorted(path for path in TESTDATA.rglob("*") if path.is_file() and path.stat().st_size <= MOST):
        content = path.read_bytes()
        if path.suffix in (".h5", ".nc", ".nc3"):
            for target in FILES:
                add(target, content)
            # How it is read: five numbers, and nothing that is supplied early.
            add("differential", struct.pack("<5HB", 512, 64, 16, 0, 8192, 0) + content)
            if content[:4] == b"\x89HDF":
                structures(content)
                # Of the hostile files libhdf5 dies.
                if TESTDATA / "hostile" in path.parents:
                    continue
                try:
                    chunks(path)
                except OSError:
                    print(f"{path}: h5py cannot open it; no chunks of it")
            elif content[:3] == b"CDF":
                add("structures", bytes([KINDS.index("classic")]) + FACTS + content)
        elif path.suffix == ".dmrpp":
            add("dmrpp", content)
        elif path.suffix in (".dds", ".das"):
            add(path.suffix[1:], content)
        elif path.suffix == ".dods":
            dods(content)
        elif path.suffix == ".parq":
            # No documents of its own.
            add("parquet_refs", b"\0" + content)
    for text in ("s3://{{u}}/{{ f(a=1) }}", "{{i}}", "{{ 2 * (i + 1) - 3 }}", "http://{{u}}_full.nc"):
        add("template", text.encode())
    for text in ("a/*/{b,c}[0-9]?.nc", "**/x", "s3://b/[!a-z]*", "2020-01-01..2020-02-29"):
        add("glob", text.encode())
    for folder in sorted((FUZZ / "corpus").iterdir()):
        print(folder.name, len(list(folder.iterdir())))


if __name__ == "__main__":
    main()
