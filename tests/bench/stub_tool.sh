#!/bin/sh
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# In place of nvidia-smi, ncu and compute-sanitizer, by the name it is called: for rehearsals of the GPU suite. The last two
# run the program that they are given, behind options of their own. STUB_NCU=forbidden: counters may not be read.
tool=${0##*/}
if [ "$tool" = nvidia-smi ]; then
  echo "a stand-in, none, 9.0, 0 MHz, 0 MHz, 0 W, 1024 MiB"
  exit
fi
while [ $# -gt 0 ]; do
  case "$1" in */bin/*) break ;; esac
  shift
done
[ "$tool" = ncu ] || exec "$@"
if [ "$STUB_NCU" = forbidden ]; then
  echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters"
  exit 1
fi
"$@" > /dev/null 2>&1 || exit
printf '==PROF== Connected\n"ID","Kernel Name","gpu__time_duration.sum"\n"","","us"\n"0","stub","1,234.5"\n'
