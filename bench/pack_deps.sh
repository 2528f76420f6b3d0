#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Gathers in one folder what the core library needs beyond a compiler and CMake, from the packages of this Debian or
# Ubuntu system, for a GPU host without them. There: cmake --preset core -DCMAKE_PREFIX_PATH=FOLDER/usr
#
#   bench/pack_deps.sh FOLDER     libraries and headers (about 90 MB)
#
# The other host needs the same processor family and a C library at least as new as this one's (FOLDER/manifest.txt).
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -eq 1 ] || { sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1

packages=(libfmt-dev libfmt9 nlohmann-json3-dev libdnnl-dev libdnnl2 ocl-icd-opencl-dev ocl-icd-libopencl1
  opencl-c-headers opencl-clhpp-headers libhwy-dev libhwy1 catch2)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "pack_deps: install first: apt-get install --no-install-recommends ${missing[*]}" >&2
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

rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
mv "$making" "$folder"
trap - EXIT
echo "pack_deps: $folder, $(du -sh "$folder" | cut -f1); on the other host: -DCMAKE_PREFIX_PATH=$(basename "$folder")/usr"
