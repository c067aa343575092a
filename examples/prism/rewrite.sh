#!/usr/bin/env bash
# A remote dataset, rewritten as a Zarr store whose chunks fit the ways in which it is read (PRISM v2 is 1512 x 621 x 1405, in chunks of
# 4 kB). Run it again where it was stopped: what is written stays, and what comes of it is the same.
#
# usage: rewrite.sh SOURCE OUT.zarr [LEAST [MOST [NEVER]]]
#   SOURCE   dap2://HOST/DATASET, a file or URL of HDF5 or netCDF, or references
#   LEAST    bytes of a chunk, at least (10MB), MOST at most (200MB), and NEVER what the server gives in one answer (500MB)
set -euo pipefail
source=$1 out=$2 least=${3:-10MB} most=${4:-200MB} never=${5:-500MB}
h5refs=${H5REFS:-h5refs}

# Dimensions, types, and the chunks that there are.
"$h5refs" ls "$source"

# Candidates, with the reads of a full series at a point and of a full map; the best of each array is the plan, which may be edited.
[ -e "$out.plan.json" ] || "$h5refs" plan "$source" --least "$least" --most "$most" --never "$never" -o "$out.plan.json"

# Written in parallel and in bounded memory, then read back and compared with the source bit by bit.
"$h5refs" copy "$source" --plan "$out.plan.json" --resume --verify all -o "$out"
