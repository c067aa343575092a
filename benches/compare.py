#!/usr/bin/env python3
"""Holds h5refs against kerchunk and VirtualiZarr on the same files: how many times faster, how much less memory, the same bytes.

    python benches/compare.py --bin target/release/h5refs FILE... [-n 5] [--without virtualizarr]

Each tool writes kerchunk JSON of one file, in a process of its own, in turn (A B C A B C ..), a round of which is not counted. Times
are medians of wall time; what Python needs to import the other tool, measured in the same rounds, is taken off its time, and nothing
off ours. Memory is the peak of the process, as wait4 tells it. Every byte range that kerchunk refers to must be in our output under
the same key, or held there inline with these bytes. Only ratios are told, with the spread of the times, (max - min) / median of each
tool in turn: machines differ, and are noisy.

Exits with 1 where a tool fails or the outputs do not agree. It needs what .ci/requirements.txt has.
"""
import argparse
import base64
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile

OTHERS = ["kerchunk", "virtualizarr"]


# ---------------------------------------------------------------- the other tools, each in a process of its own


def with_kerchunk(file, out):
    import h5py  # noqa: F401
    import ujson
    from kerchunk.hdf import SingleHdf5ToZarr

    if file:
        refs = SingleHdf5ToZarr(file, inline_threshold=500).translate()
        with open(out, "w") as f:
            ujson.dump(refs, f)


def with_virtualizarr(file, out):
    import h5py  # noqa: F401
    import virtualizarr
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore
    from virtualizarr.parsers import HDFParser

    if file:
        registry = ObjectStoreRegistry({"file://": LocalStore()})
        virtual = virtualizarr.open_virtual_dataset(f"file://{file}", registry=registry, parser=HDFParser(), loadable_variables=[])
        virtual.virtualize.to_kerchunk(out, format="json")


# ---------------------------------------------------------------- one run


class Failed(Exception):
    pass


# A process counts the memory of the one that it was started by as its own until it is another program: this one is small.
LAUNCH = """
import os, sys, time
started = time.perf_counter()
child = os.fork()
if child == 0:
    os.dup2(2, 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
print(time.perf_counter() - started, used.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def run(command):
    """Seconds and peak memory of a process."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCH, *command]
    done = subprocess.run(launch, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    seconds, memory, code = done.stdout.split() or ("0", "0", "none")
    # 3: some objects were refused, which the comparison of the outputs judges.
    if code not in ("0", "3"):
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Failed(f"exit code {code}: {lines[-1]}")
    return float(seconds), int(memory)


# ---------------------------------------------------------------- the same bytes?


def differences(ours, theirs, file):
    """The keys of byte ranges in `theirs` that are not in `ours`."""
    with open(ours) as f, open(theirs) as g, open(file, "rb") as source:
        ours, theirs = json.load(f)["refs"], json.load(g)["refs"]
        for key, reference in theirs.items():
            if isinstance(reference, list) and not same(ours.get(key), reference, source):
                yield key


def same(ours, reference, source):
    if isinstance(ours, list):
        return ours[1:] == reference[1:]
    if ours is None or len(reference) != 3:
        return False
    source.seek(reference[1])
    held = base64.b64decode(ours[7:]) if ours.startswith("base64:") else ours.encode()
    return held == source.read(reference[2])


# ---------------------------------------------------------------- the table


def compare(binary, file, others, n, folder):
    """Runs all tools in turn; gives a row of the table, and what is wrong."""
    out = {tool: os.path.join(folder, f"{tool}.json") for tool in ["h5refs", *others]}
    commands = {"h5refs": [os.path.abspath(binary), "scan", file, "-o", out["h5refs"]]}
    for tool in others:
        commands[tool] = [sys.executable, __file__, "--run", tool, file, out[tool]]
        commands[f"import {tool}"] = [sys.executable, __file__, "--run", tool]
    runs, failed = {tool: [] for tool in commands}, {}
    for _ in range(n + 1):
        for tool, command in commands.items():
            if tool not in failed:
                try:
                    runs[tool].append(run(command))
                except Failed as error:
                    failed[tool] = str(error)
    wrong = [f"{tool}: {failure}" for tool, failure in failed.items()]
    if "h5refs" in failed:
        return [os.path.basename(file), "failed"] + ["-"] * (2 * len(others) + 2), wrong
    seconds, memory = (medians(runs["h5refs"], of) for of in (0, 1))
    spreads = {"h5refs": spread(runs["h5refs"])}
    row = [os.path.basename(file), str(references(out["h5refs"]))]
    for tool in others:
        if tool in failed:
            row += ["failed", "-"]
            continue
        # Where it is lost in the noise of the import, there is nothing to compare.
        theirs = medians(runs[tool], 0) - medians(runs[f"import {tool}"], 0)
        row += [f"{theirs / seconds:.1f}" if theirs > 0 else "-", f"{medians(runs[tool], 1) / memory:.1f}"]
        spreads[tool] = spread(runs[tool])
    if "kerchunk" in others and "kerchunk" not in failed:
        keys = list(differences(out["h5refs"], out["kerchunk"], file))
        row.append("no" if keys else "yes")
        wrong += [f"{len(keys)} ranges of kerchunk's are not in our output, {keys[0]} the first of them"] if keys else []
    else:
        row.append("not asked")
    row.append(" ".join(f"{share:.0%}" for share in spreads.values()))
    return row, [f"{file}: {problem}" for problem in wrong]


def medians(runs, of):
    return statistics.median(one[of] for one in runs[1:])


def spread(runs):
    seconds = [one[0] for one in runs[1:]]
    return (max(seconds) - min(seconds)) / statistics.median(seconds)


def references(path):
    with open(path) as f:
        return sum(isinstance(reference, list) for reference in json.load(f)["refs"].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--bin", required=True, help="h5refs, built with --release --features cli")
    parser.add_argument("-n", type=int, default=5, help="how often each tool is run on each file")
    parser.add_argument("--without", action="append", default=[], choices=OTHERS)
    arguments = parser.parse_args()
    others = [tool for tool in OTHERS if tool not in arguments.without]
    packages = ["h5py", *others]
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages) + f", n = {arguments.n}\n")
    head = ["file", "references"] + [f"{tool}: {what}" for tool in others for what in ("time", "memory")] + ["same ranges", "spread of times"]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for file in map(os.path.abspath, arguments.files):
            row, problems = compare(arguments.bin, file, others, arguments.n, folder)
            print("| " + " | ".join(row) + " |", flush=True)
            wrong += problems
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        tool, file, out = (sys.argv[2:] + [None, None])[:3]
        {"kerchunk": with_kerchunk, "virtualizarr": with_virtualizarr}[tool](file, out)
    else:
        main()
