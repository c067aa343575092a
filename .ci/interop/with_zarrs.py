#!/usr/bin/env python3
"""Does zarrs read the same through our references as h5py reads from the file, but for what `h5refs lint --for zarrs` tells?

It is asked through a program, `--reader PROGRAM`, called as `PROGRAM REFS.json ARRAY..`. For each array, in order, this prints a line of JSON:
`{"shape": [..], "bytes": base64}` with the elements' bytes, little-endian, in C order, or `{"shape": [..], "texts": [..]}` for texts of variable
length, or `{"error": text}`.
"""
import argparse
import base64
import json
import os
import subprocess
import sys

import numpy as np

import agreement

SAYS = {
    "codec": "the blosc codec cannot be created from numcodecs.blosc metadata directly",
    "fill-value": "invalid fill value metadata for data type .*: null",
    "type": "data type .* is not supported|did not match any variant of untagged enum DataTypeMetadataV2",
}

EXCEPT = {}

FLOOR = {"read": 3000, "codec": 140, "fill-value": 10, "type": 150}


class References:
    """A set of references, all of which the program reads at once."""

    def __init__(self, program, path, arrays):
        self.arrays = arrays
        run = subprocess.run([program, str(path), *arrays], capture_output=True, text=True, timeout=120)
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        if run.returncode or len(lines) != len(arrays):
            raise RuntimeError(run.stderr.strip()[-300:] or f"{len(lines)} lines for {len(arrays)} arrays")
        self.lines = dict(zip(arrays, lines))

    def read(self, path):
        line = self.lines[path]
        if "error" in line:
            raise RuntimeError(line["error"])
        if "texts" in line:
            return np.array(line["texts"], object).reshape(line["shape"])
        dtype = self.arrays[path]["dtype"]
        dtype = np.dtype([tuple(field) for field in dtype] if isinstance(dtype, list) else dtype).newbyteorder("<")
        return np.frombuffer(base64.b64decode(line["bytes"]), dtype).reshape(line["shape"])

    def close(self):
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--reader", required=True)
    known, sys.argv[1:] = parser.parse_known_args()
    known.reader = os.path.abspath(known.reader)
    variants = [[], ["--inline-threshold", "0"]]
    agreement.main(
        __doc__, agreement.Reader("zarrs", lambda path, arrays: References(known.reader, path, arrays), variants, SAYS, EXCEPT, FLOOR)
    )
