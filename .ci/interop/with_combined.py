#!/usr/bin/env python3
"""Does `h5refs combine` give what xarray gives that opens the original files and puts them together, or refuse?

usage: with_combined.py --bin PATH [--examples DIR] [WORD ...]

Small netCDF-4 files are made for each case, those in which kerchunk's MultiZarrToZarr and subchunk were silently wrong first. The answer is
compared, variable by variable, with what `xr.concat`, `xr.combine_by_coords` or `xr.combine_nested` make of the files themselves, from
references as JSON (compressed and not), as Parquet and from the files, with chunks inline and not, in JSON and in Parquet. A refusal ends with 1,
writes nothing, and names input, variable and values; what the policy that it names decides is compared too (exit code 3).

By design other than in xarray:
  - what no set has is a missing chunk, not a value: integers without fill value are not made floats, they are refused (`gaps`);
  - texts that no set has are empty, not NaN;
  - coordinates that no order fits (NaN, twice in one set, ascending in one set and descending in another) are refused;
  - integers whose times are in several units stay integers where that is exact; xarray decodes them before it joins them;
  - arrays without the dimension that are unequal are refused, or expanded where they are inline; `compat="override"` takes the first;
  - along a new dimension, arrays that are not inline are expanded unread, unless --identical-dims names them;
  - rows that two sets have are not compared where they are in chunks of their own: they are refused, though they be equal.
With WORD only the cases that have it in their name are run, and there is no floor. Exit 1 on any difference.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import warnings

import combined
import combined_selectors  # noqa: F401 (its cases)
import combined_silent  # noqa: F401 (its cases)
import combined_workflows

FLOOR = {"cases": 28, "answers": 721, "variables": 4110, "refusals": 296, "same bytes": 163}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="the h5refs program")
    parser.add_argument("--examples", type=pathlib.Path, help="the folder of the compiled examples, which are run too")
    parser.add_argument("--keep", type=pathlib.Path, help="make the files here, and leave them")
    parser.add_argument("words", nargs="*", help="only cases with one of these words in their names")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.examples:
        FLOOR["examples"] = 8
    combined_workflows.EXAMPLES = args.examples and args.examples.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or pathlib.Path(scratch) / "combined"
        folder.mkdir(parents=True)
        well = combined.run_all(combined.CASES, os.path.abspath(args.bin), folder.resolve(), args.words, FLOOR)
    sys.exit(0 if well else 1)
