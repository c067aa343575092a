#!/usr/bin/env python3
"""Scans files with h5refs in parts and combines the sets in a tree, as tasks of dask.distributed.

usage: scan_and_combine.py LIST -o OUT --work DIR [--scheduler ADDRESS] --coo-map DIM=SELECTOR .. (see README.md)
"""
import argparse
import pathlib
import shlex
import subprocess
import sys

from dask.distributed import Client, LocalCluster, as_completed


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def write_list(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def scan(program, number, files, work, options):
    """Scans a part of the files. Its sets, the files that have none, and what was said."""
    names = write_list(work / "parts" / f"{number:06}.txt", files)
    sets = {file: work / "sets" / f"{file.rsplit('/', 1)[-1]}.json" for file in files}
    state, failures = names.with_suffix(".state"), names.with_suffix(".failures")
    # That of a run before this one says nothing of this one.
    failures.unlink(missing_ok=True)
    own = ["--resume", "--state", state, "--failures", failures]
    done = run(program, "scan", f"@{names}", "-o", work / "sets", "--quiet", *own, *options)
    failed = failures.read_text().splitlines() if failures.exists() else []
    # It ends with 1 where no file could be scanned, and then all are listed; and where it was stopped, which may leave sets of others.
    is_over = done.returncode in (0, 3) or (done.returncode == 1 and set(files) <= set(failed))
    if not is_over:
        raise RuntimeError(f"scan of {files[0]} and {len(files) - 1} more ends with {done.returncode}: {done.stderr.strip()[-2000:]}")
    missing = [file for file, one in sets.items() if not one.exists() or file in failed]
    return [one for file, one in sets.items() if file not in missing], missing, done.stderr, done.returncode


def combine(program, sets, out, options):
    """Combines some sets into one."""
    names = write_list(out.with_name(f"{out.name}.txt"), sets)
    done = run(program, "combine", f"@{names}", "-o", out, "--jobs", 1, *options)
    # 3 is a difference that a policy decided, which is told.
    if done.returncode not in (0, 3):
        raise RuntimeError(f"{sets[0]} to {sets[-1]} ({len(sets)} sets) end with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return out, done.stderr, done.returncode


def chunks(items, size):
    return [items[n : n + size] for n in range(0, len(items), size)]


def scanned(client, args, files):
    """All sets, the files that have none, and the worst exit code."""
    options = shlex.split(args.scan)
    parts = list(enumerate(chunks(files, args.files_per_task)))
    futures = {client.submit(scan, args.bin, n, part, args.work, options, pure=False): part for n, part in parts}
    sets, missing, worst, done = {}, [], 0, 0
    for future in as_completed(futures):
        sets[future], without, said, code = future.result()
        missing += without
        worst = max(worst, code)
        done += len(futures[future])
        sys.stderr.write(said)
        print(f"{done} of {len(files)} files scanned", file=sys.stderr)
    return [one for future in futures for one in sets[future]], missing, worst


def tree(client, args, sets):
    """Combines batches, and batches of these: the last one is what is wanted."""
    further = shlex.split(args.combine)
    dims = args.concat_dims or ",".join(text.split("=", 1)[0] for text in args.coo_map)
    # What a batch has as its coordinates is an array of it.
    above = ["--concat-dims", dims, *further]
    options = ["--concat-dims", dims, *further, *(word for text in args.coo_map for word in ("--coo-map", text))]
    level, worst = 0, 0
    while level == 0 or len(sets) > 1:
        level += 1
        batches = chunks(sets, args.sets_per_batch)
        last = len(batches) == 1
        names = [args.output if last else args.work / f"level-{level}" / f"{n:06}.json" for n in range(len(batches))]
        futures = [client.submit(combine, args.bin, batch, name, options, pure=False) for batch, name in zip(batches, names)]
        results = client.gather(futures)
        for _, said, code in results:
            sys.stderr.write(said)
            worst = max(worst, code)
        sets, options = [out for out, _, _ in results], above
        print(f"level {level}: {len(sets)} combined", file=sys.stderr)
    return worst


def wrong(args, files):
    """Why the files cannot be combined in parts; None if they can."""
    seen = set()
    twice = next((file for file in files if (name := file.rsplit("/", 1)[-1]) in seen or seen.add(name)), None)
    if not files:
        return f"{args.list} names no files"
    if twice:
        return f"{twice}: two inputs have this name, and their sets would"
    if not args.coo_map and not args.concat_dims:
        return "name the dimensions along which to combine: --concat-dims DIM"
    counted = next((text for text in args.coo_map if text.split("=", 1)[-1].startswith(("INDEX", "list:"))), None)
    return counted and f"--coo-map {counted} numbers the inputs of one combination, and a batch is not all"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("list", type=pathlib.Path, help="a path or URL a line")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="the combined set")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder that all workers see")
    parser.add_argument("--bin", default="h5refs", help="the program (default: h5refs)")
    parser.add_argument("--scheduler", help="the address of a Dask cluster (default: a local one)")
    parser.add_argument("--workers", type=int, help="workers of a local cluster (default: Dask's)")
    parser.add_argument("--files-per-task", type=int, default=100)
    parser.add_argument("--sets-per-batch", type=int, default=100)
    parser.add_argument("--concat-dims", help="dimensions along which to combine, between commas (default: those of --coo-map)")
    parser.add_argument("--coo-map", action="append", default=[], help="DIM=SELECTOR, as h5refs combine has it")
    parser.add_argument("--scan", default="", help="further options of h5refs scan")
    parser.add_argument("--combine", default="", help="further options of h5refs combine, for every level")
    parser.add_argument("--without-failed", action="store_true", help="combine what there is where files could not be scanned")
    args = parser.parse_args()
    if args.files_per_task < 1 or args.sets_per_batch < 2:
        parser.error("a task has a file at least, and a batch two sets")
    args.work, args.output = args.work.resolve(), args.output.resolve()
    files = [line.strip() for line in args.list.read_text().splitlines() if line.strip()]
    files = [file if "://" in file else str(pathlib.Path(file).absolute()) for file in files]
    if error := wrong(args, files):
        sys.exit(error)
    local = dict(n_workers=args.workers, threads_per_worker=1, dashboard_address=None)
    with Client(args.scheduler or LocalCluster(**local)) as client:
        sets, missing, worst = scanned(client, args, files)
        for file in missing:
            print(f"not scanned: {file}", file=sys.stderr)
        if missing and not (args.without_failed and sets):
            return 1
        return 3 if max(worst, tree(client, args, sets)) or missing else 0


if __name__ == "__main__":
    sys.exit(main())
