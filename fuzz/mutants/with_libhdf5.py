"""Compares where chunks lie in damaged files: as `h5refs-mutants --accepted FOLDER` told it, and as libhdf5 does, through h5py.

    with_libhdf5.py FOLDER

Each file is read in a process of its own kind, which is started again where libhdf5 dies of a file. What libhdf5 refuses is counted and not
compared. Exit code 1: a chunk lies elsewhere, or only one of the two has it.
"""

import collections
import json
import os
import select
import subprocess
import sys
from pathlib import Path

LONGEST = 10


def main(folder):
    outcomes, different = collections.Counter(), []
    reader = Reader()
    for line in Path(folder, "tables.jsonl").open():
        told = json.loads(line)
        found = reader.read(Path(folder, told["file"]))
        if isinstance(found, str):
            outcomes[found] += 1
            continue
        compared = False
        for path, array in told["arrays"].items():
            place = found.get(path)
            if place is None:
                outcomes["array that libhdf5 refuses"] += 1
                continue
            problem = difference(array, place)
            compared = True
            outcomes["array alike" if not problem else "ARRAY DIFFERENT"] += 1
            if problem:
                different.append((told["file"], path, problem))
        outcomes["file compared" if compared else "file with nothing to compare"] += 1
    for item in different[:200]:
        print(*item)
    print(dict(outcomes))
    sys.exit(bool(different) or not outcomes["file compared"])


def difference(array, place):
    """What is different, if anything is. `place`: shape, and a table of chunks or the place of all elements."""
    shape, rank = place["shape"], len(place["shape"])
    if array["shape"][:rank] != shape:
        return f"shape {array['shape']} and {shape}"
    ours = {number: (offset, length) for (number, offset), length in array["places"]}
    if "chunks" not in place:
        wanted = [(place["place"][0], place["bytes"])] if place["place"] and place["bytes"] else []
        compact = not place["place"] and len(ours) == 1
        return f"{list(ours.values())} and {wanted}" if not array["inline"] and not compact and list(ours.values()) != wanted else None
    if array["chunk"][:rank] != place["chunk"]:
        return f"chunks {array['chunk']} and {place['chunk']}"
    theirs = {}
    for offset, at, size, mask in place["chunks"]:
        if any(o >= length for o, length in zip(offset, shape)):
            continue
        number = 0
        for o, chunk, grid in zip(offset, place["chunk"], array["grid"]):
            number = number * grid + o // chunk
        theirs[number] = (at, size - place["trailing"], mask)
    inline = set(array["inline"])
    if place["unlimited"] > 0:
        # HDF5 2.0's chunk query gives wrong coordinates here: places are compared without them.
        known = {(at, size) for at, size, _ in theirs.values()} | {(at, size - place["trailing"]) for _, at, size, _ in place["chunks"]}
        strange = [chunk for chunk in ours.values() if chunk not in known]
        return f"places {strange[:5]} are only ours" if strange else None
    if missing := theirs.keys() - ours.keys() - inline:
        return f"chunks {sorted(missing)[:5]} are only libhdf5's"
    for number, (offset, length) in ours.items():
        if number not in theirs:
            return f"chunk {number} is only ours"
        at, size, mask = theirs[number]
        if offset != at or length != size:
            return f"chunk {number}: {offset, length} and {at, size}, filter mask {mask}"
    return None


class Reader:
    """A process that reads one file after another."""

    def __init__(self):
        self.process = None

    def read(self, path):
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, __file__, "--read"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], LONGEST)
        line = self.process.stdout.readline() if ready else None
        if not line:
            self.process.kill()
            self.process.wait()
            self.process = None
            return "file that libhdf5 dies of" if line == "" else "file that libhdf5 hangs in"
        return json.loads(line)


def read():
    """Tells of each file that is named the places of its datasets."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for line in sys.stdin:
        print(json.dumps(places(line.rstrip("\n"))), flush=True)


def places(path):
    import h5py

    try:
        with h5py.File(path) as file:
            found = {}
            group(file, "", found, set())
            return found
    except Exception:
        return "file that libhdf5 refuses"


def group(parent, path, found, above):
    import h5py

    for name in list(parent):
        try:
            child = parent[name]
            at = h5py.h5o.get_info(child.id).addr
        except Exception:
            continue
        own = f"{path}/{name}" if path else name
        if isinstance(child, h5py.Dataset):
            try:
                found[own] = dataset(child)
            except Exception:
                pass
        elif isinstance(child, h5py.Group) and at not in above and len(above) < 64:
            group(child, own, found, above | {at})


def dataset(child):
    plist = child.id.get_create_plist()
    told = {"shape": list(child.shape or ()), "bytes": child.size * child.id.get_type().get_size() if child.shape is not None else 0}
    if child.chunks is None:
        # Behind a user block an address that is undefined is told as the byte before it.
        at = child.id.get_offset()
        at = None if at is not None and at < child.file.userblock_size else at
        return {**told, "place": None if at is None else [at, child.id.get_storage_size()]}
    filters = [plist.get_filter(n)[0] for n in range(plist.get_nfilters())]
    chunks = []
    child.id.chunk_iter(lambda one: chunks.append([list(one.chunk_offset), one.byte_offset, one.size, one.filter_mask]))
    unlimited = next((n for n, most in enumerate(child.maxshape) if most is None), 0)
    trailing = 4 if filters and filters[-1] == 3 else 0
    return {**told, "chunk": list(child.chunks), "chunks": chunks, "trailing": trailing, "unlimited": unlimited}


if __name__ == "__main__":
    read() if sys.argv[1] == "--read" else main(sys.argv[1])
