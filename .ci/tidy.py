#!/usr/bin/env python3
"""tidy.py BUILD FILE...: clang-tidy over the files, as many at once as there are cores.

A file that was clean is not looked at again until its preprocessed text, .clang-tidy or clang-tidy itself changes: BUILD/tidy
holds an empty file for each such text. The static analyzer leaves out tests: GoogleTest's macros cost it a minute a file.
Elsewhere it gives a function up after fewer steps than by default, which halves its time.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys


ANALYZER = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=20000")]


def preprocessed(entry):
    arguments = shlex.split(entry["command"])
    if os.path.basename(arguments[0]) == "ccache":
        arguments = arguments[1:]
    output = arguments.index("-o")
    del arguments[output:output + 2]
    arguments.remove("-c")
    return subprocess.run(arguments + ["-E", "-C", "-P"], cwd=entry["directory"], check=True, capture_output=True).stdout


def tidy(build, entry, rules):
    source = entry["file"]
    how = [build]
    if source.endswith("_test.cc"):
        how.append("--checks=-clang-analyzer-*")
    text = preprocessed(entry)
    seen = pathlib.Path(build, "tidy", hashlib.sha256(" ".join(how).encode() + rules + text).hexdigest())
    if seen.exists():
        return ""
    run = subprocess.run(["clang-tidy", "--quiet", *ANALYZER, "-p", *how, source], capture_output=True, text=True)
    if run.returncode != 0:
        return run.stdout + run.stderr
    seen.touch()
    return ""


def main():
    build = sys.argv[1]
    pathlib.Path(build, "tidy").mkdir(exist_ok=True)
    database = {entry["file"]: entry for entry in json.loads(pathlib.Path(build, "compile_commands.json").read_text())}
    rules = pathlib.Path(".clang-tidy").read_bytes() + subprocess.check_output(["clang-tidy", "--version"])
    entries = []
    for name in sys.argv[2:]:
        source = os.path.abspath(name)
        if source not in database:
            sys.exit(f"error: {name} is in no target\n  do        add it to one, or delete it")
        entries.append(database[source])
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(lambda entry: tidy(build, entry, rules), entries):
            if output:
                failed += 1
                print(output, flush=True)
    print(f"lint: {len(entries) - failed} of {len(entries)} files clean", file=sys.stderr)
    return failed != 0


sys.exit(main())
