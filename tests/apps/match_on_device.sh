#!/bin/sh
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# match with patches cut on the device against match with patches cut by the host: the same lines.
# Usage: match_on_device.sh PROGRAM PHOTOGRAPH, where PROGRAM has a CUDA device (here the stand-in).
set -eu
program=$1 photograph=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
run() { # run NAME OPTIONS…
  name=$1
  shift
  "$program" match "$photograph" "$photograph" --device cuda --precision fp16 --max-keypoints 12 -v "$@" \
    > "$folder/$name" 2> "$folder/$name.words" || { cat "$folder/$name.words"; exit 1; }
}
says_cut() { grep -q 'cut on the device' "$folder/$1.words"; }
run host --kernels library
run device --kernels fused
run guided --kernels fused --guided
run drawn --kernels fused --patches "$folder/patches.png"
says_cut host && { echo "library kernels cut on the device"; exit 1; }
says_cut drawn && { echo "patches that are drawn were cut on the device"; exit 1; }
says_cut device || { echo "fused kernels did not cut on the device"; exit 1; }
says_cut guided || { echo "the second pass did not cut on the device"; exit 1; }
[ "$(wc -l < "$folder/host")" -ge 10 ] || { echo "too few matches:"; cat "$folder/host"; exit 1; }
for name in device drawn; do cmp "$folder/host" "$folder/$name"; done
echo "$(wc -l < "$folder/device") matches, the same"
