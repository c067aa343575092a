"""A check of every file of testdata, or of those that are named: what with_copy.py and with_edited.py share."""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import subprocess
import tempfile

from truth import LEFT_OUT


class Sweep:
    """Subclasses say in `file(file, name, folder)` what is checked of one file."""

    # What a full run compares at least, as seen.
    floor = {}
    # Names in testdata that are not checked.
    left_out = frozenset(LEFT_OUT)

    def __init__(self, options):
        self.options = options
        self.differences = []
        self.compared = collections.Counter()
        self.left = collections.Counter()

    @classmethod
    def main(cls):
        """Exit 1 on any difference, and when less was compared than the floor says."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--bin", required=True)
        parser.add_argument("--testdata", default="testdata")
        parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes, each with a file at a time")
        parser.add_argument("-v", action="store_true", dest="verbose")
        parser.add_argument("files", nargs="*", help="paths in testdata (default: all)")
        check = cls(parser.parse_args())
        check.sweep()
        return check.told()

    def sweep(self):
        root = pathlib.Path(self.options.testdata).resolve()
        files = [root / name for name in self.options.files] or sorted([*root.glob("*/*.h5"), *root.glob("*/*.nc")])
        names = {file: file.relative_to(root).as_posix() for file in files}
        checked = [(type(self), self.options, file, name) for file, name in names.items() if name not in self.left_out]
        with concurrent.futures.ProcessPoolExecutor(self.options.jobs) as pool:
            for differences, compared, left in pool.map(checked_alone, checked):
                self.differences += differences
                self.compared += compared
                self.left += left

    def told(self):
        for difference in self.differences:
            print(difference)
        print(f"left out: {dict(self.left)}")
        print(f"{len(self.differences)} differences; compared: {dict(self.compared)}")
        short = {kind: least for kind, least in self.floor.items() if self.compared[kind] < least and not self.options.files}
        if short:
            print(f"less was compared than expected: {short}")
        if self.options.files and not self.compared:
            print("nothing was compared of what was named")
            return 1
        return 1 if self.differences or short else 0

    def run(self, *arguments, codes=(0,)):
        done = subprocess.run([self.options.bin, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode not in codes:
            self.differences.append(f"{arguments}: exit {done.returncode}: {done.stderr.strip()}")
        return done


def checked_alone(work):
    """What a check of one file alone finds."""
    cls, options, file, name = work
    check = cls(options)
    with tempfile.TemporaryDirectory() as folder:
        check.file(file, name, pathlib.Path(folder))
    return check.differences, check.compared, check.left
