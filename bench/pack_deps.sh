#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Gathers in one folder what the core library needs beyond a compiler and CMake, from the packages of this Debian or
# Ubuntu system, for a GPU host without them. There: cmake --preset core -DCMAKE_PREFIX_PATH=FOLDER/usr
#
#   bench/pack_deps.sh FOLDER                    libraries and headers (about 90 MB)
#   bench/pack_deps.sh FOLDER --binaries BUILD   programs and tests of a build with CUDA as well: nothing is compiled there
#     --run-only                                 and of the libraries only what these need to run
#
# The other host needs the same processor family and a C library at least as new as this one's (FOLDER/manifest.txt).
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 1 ] || usage
folder=$1
shift
build=
run_only=
while [ $# -gt 0 ]; do
  case "$1" in
    --binaries) [ $# -ge 2 ] || usage; build=$2; shift 2 ;;
    --run-only) run_only=yes; shift ;;
    *) usage ;;
  esac
done
[ -z "$run_only" ] || [ -n "$build" ] || usage

packages=(libfmt-dev libfmt9 nlohmann-json3-dev libdnnl-dev libdnnl2 ocl-icd-opencl-dev ocl-icd-libopencl1
  opencl-c-headers opencl-clhpp-headers libhwy-dev libhwy1 catch2)
[ -z "$run_only" ] || packages=(libfmt9 libdnnl2 ocl-icd-libopencl1 libhwy1)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "pack_deps: install first: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
if [ -n "$build" ] && [ ! -x "$build/bin/bench_engine" ]; then
  echo "pack_deps: no $build/bin/bench_engine: build it first (cmake --preset core, cmake --build $build)" >&2
  exit 1
fi
if [ -e "$folder" ] && [ -n "$(ls -A "$folder")" ] && [ ! -e "$folder/manifest.txt" ]; then
  echo "pack_deps: $folder is not empty and was not made by this script" >&2
  exit 1
fi

# Made beside it and moved: a folder that is there is whole.
making=$folder.making.$$
trap 'rm -rf "$making"' EXIT
mkdir -p "$making"
for package in "${packages[@]}"; do
  dpkg -L "$package" | grep -E '^/usr/(include|lib|share/cmake)/' | while IFS= read -r file; do
    if [ -L "$file" ] || [ -f "$file" ]; then
      mkdir -p "$making$(dirname "$file")"
      cp -a "$file" "$making$file"
    fi
  done
done
{
  echo "packed for $(uname -m), $(ldd --version | head -n 1 | grep -oE '[0-9]+\.[0-9]+$' | sed 's/^/C library /')"
  dpkg-query -W -f '${Package} ${Version}\n' "${packages[@]}"
} > "$making/manifest.txt"

if [ -n "$build" ]; then
  mkdir -p "$making/bin"
  for program in "$build"/bin/*; do
    case "$(basename "$program")" in
      # What the suite runs. Linked to libraries in the folder above: found from wherever it lies.
      bench_engine | test_cuda | test_cuda_library | twinpatch) cp "$program" "$making/bin/" ;;
    esac
  done
  strip -- "$making"/bin/* # code for the device, and its line numbers, stay
  (cd "$making/bin" && sha256sum -- *) >> "$making/manifest.txt"
  git rev-parse HEAD 2>/dev/null | sed 's/^/commit /' >> "$making/manifest.txt" || true
fi

rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
mv "$making" "$folder"
trap - EXIT
echo "pack_deps: $folder, $(du -sh "$folder" | cut -f1); on the other host: -DCMAKE_PREFIX_PATH=$(basename "$folder")/usr"
