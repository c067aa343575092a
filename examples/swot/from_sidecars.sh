#!/usr/bin/env bash
# SWOT granules as one dataset by cycle and pass, from their DMR++ sidecars alone: no granule is opened. Granules of another size are left
# out by what their sidecars say. Run it again where it was stopped.
#
# usage: from_sidecars.sh LIST OUT [LINES [PIXELS]]
#   LIST   a file that names a sidecar (GRANULE.nc.dmrpp, path or URL) a line; cycles are chosen by grep Expert_003_
#   OUT    OUT.json, OUT.parq or the like; beside it are OUT.refs, references of each granule, and OUT.failures
set -euo pipefail
list=$1 out=$2 lines=${3:-9866} pixels=${4:-71}
h5refs=${H5REFS:-h5refs}

# One <granule>.nc.dmrpp.json each. Exit code 3 says that objects were refused, each by a line.
"$h5refs" scan "@$list" --where "dim:num_lines=$lines" --where "dim:num_pixels=$pixels" \
  -o "$out.refs" --resume --failures "$out.failures" || [ $? = 3 ]

# The coordinates are attributes, so that nothing is read again; a combination of cycle and pass that no granule has is missing.
"$h5refs" combine "$out.refs" -o "$out" \
  --coo-map cycle_num=attr:cycle_number --coo-map pass_num=attr:pass_number
