#!/usr/bin/env python3
"""Does VirtualiZarr's kerchunk parser read the same through our references as h5py reads from the file, but for what
`h5refs lint --for virtualizarr` tells?"""
import importlib.metadata
import warnings

import numpy as np
import obstore.store
import virtualizarr
import xarray as xr
from obspec_utils.registry import ObjectStoreRegistry
from virtualizarr.parsers import KerchunkJSONParser

import agreement

SAYS = {
    "fill-value": "Failed to decode fill_value",
    "inline-chunk": "Reading inlined reference data is currently not supported",
    "missing-chunks": r"IndexError: index \d+ is out of bounds",
    "scalar": "'numpy.ndarray' object has no attribute 'decode'",
    "type": "Field elements must be 2- or 3-tuples|Zarr data type resolution from object failed",
}

EXCEPT = {}

FLOOR = {"read": 1200, "fill-value": 6, "inline-chunk": 350, "missing-chunks": 11, "scalar": 12, "type": 60}


class References:
    """A set of references. A group is read by its name; what stops the reading of one is looked at alone, all its fellows skipped."""

    def __init__(self, path, arrays):
        self.registry = ObjectStoreRegistry({"file://": obstore.store.LocalStore()})
        self.path, self.arrays = path, arrays
        # as users do it, with all of a group's members at once
        self.stopped = {}
        for group in sorted({array.rpartition("/")[0] for array in arrays} | {""}):
            try:
                virtualizarr.open_virtual_dataset(f"file://{path}", self.registry, parser=self.parser(group, ()), loadable_variables=[])
            except Exception as error:
                self.stopped[group] = error

    def parser(self, group, skipped):
        return KerchunkJSONParser(group=group.strip("/") or None, skip_variables=skipped)

    def read(self, path):
        group, _, name = path.rpartition("/")
        fellows = [a.rpartition("/")[2] for a in self.arrays if a.rpartition("/")[0] == group and a != path]
        store = self.parser(group, fellows)(f"file://{self.path}", self.registry)
        dataset = xr.open_zarr(store, zarr_format=3, consolidated=False, decode_cf=False, chunks=None)
        return np.asarray(dataset.variables[name].values)

    def close(self):
        pass


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(f"VirtualiZarr {importlib.metadata.version('virtualizarr')}")
    variants = [["--inline-threshold", "0"]]
    agreement.main(__doc__, agreement.Reader("virtualizarr", References, variants, SAYS, EXCEPT, FLOOR))
