#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles every kernel for every supported architecture and compares what ptxas says of it with a recorded table.

Registers, static shared memory, stack and spills of each kernel, for each architecture, as `ptxas -v` prints them. A
kernel that spills, or is missing from the table, or left in it, fails; so does one whose registers, shared memory or
stack grew. Other versions of the compiler allocate otherwise: with another one than the table's, spills alone fail.
PTX for cards to come is generated too.

  kernel_figures.py --nvcc NVCC --table FILE --include FOLDER… [--launcher ccache] [--update] SOURCES…
"""
import argparse
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ARCHITECTURES = ["80", "86", "89", "90a", "100"]
PTX = "compute_80"
COLUMNS = ("registers", "shared", "stack", "spilled")


def compile_command(arguments, source, output, *flags):
    launcher = [arguments.launcher] if arguments.launcher else []
    includes = [f"-I{folder}" for folder in arguments.include]
    return launcher + [arguments.nvcc, "-std=c++20", "-O3", "-lineinfo", "--expt-relaxed-constexpr", "--extended-lambda",
                       *includes, *flags, "-o", str(output), str(source)]


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def parse(text):
    """`ptxas -v` → {mangled name: {column: number}}."""
    figures, name = {}, None
    for line in text.splitlines():
        if found := re.search(r"Compiling entry function '(\w+)'", line):
            name = found.group(1)
            figures[name] = dict.fromkeys(COLUMNS, 0)
        elif re.search(r"Function properties for (\w+)", line):
            function = re.search(r"Function properties for (\w+)", line).group(1)
            name = function if function in figures else None
        elif name and (found := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads",
                                          line)):
            figures[name]["stack"] = int(found.group(1))
            figures[name]["spilled"] = int(found.group(2)) + int(found.group(3))
        elif name and (found := re.search(r"Used (\d+) registers", line)):
            figures[name]["registers"] = int(found.group(1))
            if shared := re.search(r"(\d+) bytes smem", line):
                figures[name]["shared"] = int(shared.group(1))
    return figures


def readable(names):
    """Mangled names → short ones: function and template arguments, without namespaces and parameters."""
    if not names:
        return {}
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=False)
    texts = done.stdout.splitlines() if done.returncode == 0 else list(names)
    short = {}
    for name, text in zip(names, texts):
        text = text.replace("(anonymous namespace)::", "").replace("twinpatch::cuda::", "").replace("twinpatch::", "")
        text = re.sub(r"^void ", "", text)
        depth, end = 0, len(text)
        for i, letter in enumerate(text):  # up to the parameter list: the first parenthesis outside <…>
            depth += (letter == "<") - (letter == ">")
            if letter == "(" and depth == 0:
                end = i
                break
        short[name] = text[:end].replace(" ", "")
    return short


def measure(arguments):
    """{(kernel, architecture): {column: number}}, PTX compiled as well."""
    jobs = [(source, architecture) for source in arguments.sources for architecture in ARCHITECTURES]
    with tempfile.TemporaryDirectory() as folder:
        def one(job):
            source, architecture = job
            output = Path(folder) / f"{source.stem}.{architecture}.cubin"
            return parse(run(compile_command(arguments, source, output, "-cubin", f"-arch=sm_{architecture}",
                                             "-Xptxas", "-v")))

        def ptx(source):
            run(compile_command(arguments, source, Path(folder) / f"{source.stem}.ptx", "-ptx", f"-arch={PTX}"))

        with ThreadPoolExecutor(arguments.jobs) as pool:
            results = list(pool.map(one, jobs))
            list(pool.map(ptx, arguments.sources))
    names = readable(sorted({name for result in results for name in result}))
    table = {}
    for (source, architecture), result in zip(jobs, results):
        for name, figures in result.items():
            key = (f"{source.stem}:{names[name]}", architecture)
            if key in table:
                raise RuntimeError(f"two kernels are called {key[0]}")
            table[key] = figures
    return table


def compiler_version(nvcc):
    found = re.search(r"release ([\d.]+), V([\d.]+)", run([nvcc, "--version"]))
    return found.group(2) if found else "unknown"


def write_table(path, version, table):
    lines = ["# SPDX-FileCopyrightText: 2026 The twinpatch authors", "# SPDX-License-Identifier: Apache-2.0",
             "# What ptxas says of every kernel; written by kernel_figures.py --update, compared by the test cuda_build.",
             f"# nvcc {version}", "# kernel architecture " + " ".join(COLUMNS)]
    for (kernel, architecture), figures in sorted(table.items()):
        lines.append(" ".join([kernel, architecture, *(str(figures[column]) for column in COLUMNS)]))
    path.write_text("\n".join(lines) + "\n")


def read_table(path):
    version, table = "unknown", {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("# nvcc "):
            version = line.removeprefix("# nvcc ")
        if line.startswith("#") or not line.strip():
            continue
        words = line.split()
        if len(words) != 2 + len(COLUMNS):
            raise RuntimeError(f"{path}:{number}: expected {2 + len(COLUMNS)} columns, found {len(words)}")
        table[(words[0], words[1])] = dict(zip(COLUMNS, map(int, words[2:])))
    return version, table


def compare(recorded, found, same_compiler):
    """Complaints, one line each."""
    complaints = []
    for key in sorted(recorded.keys() | found.keys()):
        name = f"{key[0]} for sm_{key[1]}"
        if key not in found:
            complaints.append(f"{name}: in the table, not in the sources")
            continue
        if found[key]["spilled"] > 0 and found[key]["spilled"] > recorded.get(key, {}).get("spilled", 0):
            complaints.append(f"{name}: spills {found[key]['spilled']} bytes")
        if key not in recorded:
            complaints.append(f"{name}: not in the table")
            continue
        if not same_compiler:
            continue
        for column in ("registers", "shared", "stack"):
            if found[key][column] != recorded[key][column]:
                complaints.append(f"{name}: {column} {recorded[key][column]} → {found[key][column]}")
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nvcc", required=True)
    parser.add_argument("--table", required=True, type=Path)
    parser.add_argument("--include", nargs="*", default=[])
    parser.add_argument("--launcher", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--update", action="store_true", help="write the table instead of comparing with it")
    parser.add_argument("sources", nargs="*", type=Path)
    arguments = parser.parse_args()
    if not arguments.update and not arguments.table.exists():
        print(f"skipped: {arguments.table.name} is not recorded yet: cmake --build BUILD --target update_kernel_figures")
        return 0
    try:
        found = measure(arguments)
        version = compiler_version(arguments.nvcc)
        if arguments.update:
            write_table(arguments.table, version, found)
            print(f"{arguments.table}: {len(found)} rows")
            return 0
        recorded_version, recorded = read_table(arguments.table)
    except (RuntimeError, OSError) as error:
        print(f"kernel_figures: {error}", file=sys.stderr)
        return 1
    same = version == recorded_version
    if not same:
        print(f"nvcc {version}, the table is of {recorded_version}: only spills and names are compared")
    complaints = compare(recorded, found, same)
    for line in complaints:
        print(line)
    if complaints:
        print("if this is meant: cmake --build BUILD --target update_kernel_figures, and say why in the commit")
    print(f"{len(found)} kernels × architectures, {len(complaints)} differences")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
