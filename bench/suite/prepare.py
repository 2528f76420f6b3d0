#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Packs what the GPU suite runs into one file that a bare host with a GPU starts: nothing is compiled or fetched there.

  bench/suite/prepare.py [--out build/gpu-suite.pyz] [--architecture 90a] [--build build/gpu-suite] [--limit 64]
  bench/suite/prepare.py --stand-in --build build/release    a rehearsal: tests/simt in place of a GPU, no measurement

There: python3 gpu-suite.pyz --out FOLDER. That host needs a driver, cuDNN 9 and cuBLAS (PyTorch's will do), Python 3.10,
a C library at least as new as this one's; Nsight Compute, compute-sanitizer and PyTorch for what is measured with them.
Refuses what is larger than --limit MiB, alone or together with the files that git tracks, which often travel as well.
"""
import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = {name: name for name in ("bench_engine", "test_cuda", "test_backend_gpu", "test_cuda_library")}
STAND_INS = {"bench_engine": "bench_engine_simt", "test_cuda": "test_cuda_simt", "test_backend_gpu": "test_backend",
             "test_cuda_library": "test_simt_library"}
# On every host with a compiler or PyTorch; older ones than there would do harm.
OF_THE_HOST = ("linux-vdso", "ld-linux", "libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libstdc++.so",
               "libgcc_s.so")
SUITE = ("session.py", "catch.py", "steps.py", "report.py", "run.py", "cases.json")
STARTER = '''# SPDX-License-Identifier: Apache-2.0
import atexit, pathlib, shutil, sys, tempfile, zipfile
root = pathlib.Path(tempfile.mkdtemp(prefix="gpu-suite-"))
atexit.register(shutil.rmtree, root, ignore_errors=True)
with zipfile.ZipFile(sys.argv[0]) as packed:
    packed.extractall(root)
for program in [*root.glob("bin/*"), *root.glob("stubs/*")]:
    program.chmod(0o755)
sys.path.insert(0, str(root / "suite"))
import run
sys.exit(run.main(root))
'''


def refuse(words):
    sys.exit(f"prepare: {words}")


def call(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT, **more).stdout


def build(options, programs):
    if not options.stand_in:
        subprocess.run(["cmake", "--preset", "core", "-B", options.build, "-DTWINPATCH_CUDA=ON",
                        f"-DCMAKE_CUDA_ARCHITECTURES={options.architecture}-real"], check=True, cwd=PROJECT)
    subprocess.run(["cmake", "--build", options.build, "--target", *programs.values()], check=True, cwd=PROJECT)


def libraries_of(program):
    """Shared libraries that a program needs and a bare host lacks: name → file here."""
    found = {}
    for line in call("ldd", str(program)).splitlines():
        name, _, rest = line.strip().partition(" => ")
        if any(name.split("/")[-1].startswith(known) for known in OF_THE_HOST) or not rest:
            continue
        if rest.startswith("not found"):
            refuse(f"{program} needs {name}, which is not on this host")
        found[name] = Path(rest.rsplit(" (", 1)[0])
    return found


def gather(options, programs, folder):
    """bin, lib, suite, and for a rehearsal stubs."""
    for part in ("bin", "lib", "suite"):
        (folder / part).mkdir()
    libraries = {}
    for name, built in programs.items():
        program = PROJECT / options.build / "bin" / built
        libraries.update(libraries_of(program))
        call("strip", "-o", str(folder / "bin" / name), str(program))  # code for the device and its line numbers stay
    for name, file in sorted(libraries.items()):
        shutil.copy(file, folder / "lib" / name)
    for name in SUITE:
        shutil.copy(PROJECT / "bench" / "suite" / name, folder / "suite" / name)
    shutil.copy(PROJECT / "bench" / "peers" / "torch_gpu.py", folder / "suite" / "torch_gpu.py")
    if options.stand_in:
        (folder / "stubs").mkdir()
        for tool in ("nvidia-smi", "ncu", "compute-sanitizer"):
            shutil.copy(PROJECT / "tests" / "bench" / "stub_tool.sh", folder / "stubs" / tool)
    try:
        commit = call("git", "rev-parse", "HEAD").strip() + ("+" if call("git", "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    manifest = {"commit": commit, "stand_in": options.stand_in, "libraries": sorted(libraries),
                "architecture": None if options.stand_in else options.architecture,
                "c_library": os.confstr("CS_GNU_LIBC_VERSION")}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def pack(folder, out):
    """A file that Python runs: a line, then a zip archive. Beside the starter everything is packed as in xz."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    with open(part, "wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as packed:
            packed.writestr("__main__.py", STARTER, zipfile.ZIP_DEFLATED)
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    packed.write(path, path.relative_to(folder))
    part.chmod(part.stat().st_mode | stat.S_IXUSR)
    os.replace(part, out)


def tracked_bytes():
    try:
        names = call("git", "ls-files", "-z").split("\0")
    except (OSError, subprocess.CalledProcessError):
        return 0
    return sum((PROJECT / name).stat().st_size for name in names if name and (PROJECT / name).is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PROJECT / "build" / "gpu-suite.pyz")
    parser.add_argument("--architecture", default="90a")
    parser.add_argument("--build", default="build/gpu-suite")
    parser.add_argument("--limit", type=float, default=64.0, help="MiB")
    parser.add_argument("--stand-in", action="store_true")
    options = parser.parse_args()
    programs = STAND_INS if options.stand_in else PROGRAMS
    try:
        build(options, programs)
        with tempfile.TemporaryDirectory() as name:
            gather(options, programs, Path(name))
            pack(Path(name), options.out)
    except subprocess.CalledProcessError as error:
        refuse(f"{' '.join(map(str, error.cmd[:3]))} … ended with {error.returncode}")
    size, tracked = options.out.stat().st_size / 2**20, tracked_bytes() / 2**20
    words = f"{options.out}: {size:.1f} MiB, with the files that git tracks {size + tracked:.1f} MiB"
    if size + tracked > options.limit:
        options.out.unlink()
        refuse(f"{words}: more than {options.limit:g}")
    print(f"prepare: {words}\nprepare: on the GPU host: python3 {options.out.name} --out FOLDER")


if __name__ == "__main__":
    main()
