#!/usr/bin/env python3
"""Does xarray, decoding nothing, read the same through our references as h5py reads from the file, but for what
`h5refs lint --for xarray` tells?"""
import warnings

import agreement
import kerchunk.utils
import numpy as np
import xarray as xr
import zarr

SAYS = {"type": "Cannot cast (array data|scalar) from dtype"}

EXCEPT = {}

FLOOR = {"read": 3200, "type": 8}


class References:
    """A set of references, each group opened as a whole."""

    def __init__(self, path, arrays):
        fs = kerchunk.utils.refs_as_store(str(path), read_only=True).fs
        self.groups, self.stopped = {}, {}
        for group in sorted({array.rpartition("/")[0] for array in arrays} | {""}):
            store = zarr.storage.FsspecStore(fs, path=group.strip("/"), read_only=True)
            try:
                self.groups[group] = xr.open_zarr(store, zarr_format=2, consolidated=False, decode_cf=False, chunks=None)
            except Exception as error:
                self.stopped[group] = error

    def read(self, path):
        group, _, name = path.rpartition("/")
        if group in self.stopped:
            raise self.stopped[group]
        return np.asarray(self.groups[group].variables[name].values)

    def close(self):
        pass


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    agreement.main(__doc__, agreement.Reader("xarray", References, [[], ["--inline-threshold", "0"]], SAYS, EXCEPT, FLOOR))
