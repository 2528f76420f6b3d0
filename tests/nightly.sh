#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# What takes too long for every change: the whole suite under the address and undefined-behaviour sanitizers, the CUDA engine
# there in four more orders, threads under the thread sanitizer, faults injected into every command, fifty random kills, ten
# minutes of each fuzz target, a wheel in an empty environment.
# Usage: nightly.sh [sanitize] [orders] [threads] [faults] [kills] [fuzz] [wheel] (all where none is named); a line each on
# standard output, logs in build/nightly.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${TWINPATCH_JOBS:-$(nproc)}
logs=build/nightly
mkdir -p "$logs"
failed=0

part() { # part NAME COMMAND…: its last line, or that it failed
  local name=$1 start=$SECONDS
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    echo "nightly: $name: passed in $((SECONDS - start)) s: $(tail -n 1 "$logs/$name.log")"
  else
    echo "nightly: $name: FAILED after $((SECONDS - start)) s; see $logs/$name.log"
    failed=1
  fi
}

sanitize() { ./dev sanitize; }

orders() { # threads of a block, and what streams leave open, as tests/simt shuffles them
  cmake --preset cpu-asan --log-level=NOTICE &&
    cmake --build build/cpu-asan --parallel "$jobs" --target test_cuda_simt test_simt &&
    for seed in 1 2 3 4; do
      TWINPATCH_SIMT_SEED=$seed ctest --test-dir build/cpu-asan --output-on-failure --no-tests=error --parallel "$jobs" \
        -R '^(cuda_simt|simt):' || return
    done
}

threads() {
  # oneDNN's threads are OpenMP's, which the sanitizer cannot see into; each of ours gets one of them.
  export OMP_NUM_THREADS=1 TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp halt_on_error=1 allocator_may_return_null=1"
  cmake --preset cpu-asan -B build/threads -DTWINPATCH_SANITIZE=thread -DTWINPATCH_CUDA=OFF --log-level=NOTICE &&
    cmake --build build/threads --parallel "$jobs" --target test_core test_engine test_collection &&
    ctest --test-dir build/threads --output-on-failure --no-tests=error --parallel "$jobs" -R '^(core|engine|collection):' -LE slow
}

program() { cmake --preset release --log-level=NOTICE && cmake --build build/release --parallel "$jobs" --target "$@"; }
faults() { program twinpatch twinpatch_inject && tests/faults/faults.py build/release/bin/twinpatch build/release/tests/faults/libtwinpatch_inject.so; }
kills() {
  program twinpatch twinpatch-train && tests/faults/kills.py build/release/bin/twinpatch &&
    tests/faults/kills.py build/release/bin/twinpatch-train
}
wheel() { ./dev wheel && for file in build/wheels/*-cp311-*.whl; do tests/python/try_wheel.sh "$file" python3.11; done; }
fuzz() { ./dev fuzz all "${TWINPATCH_FUZZ_SECONDS:-600}"; }

[ $# -gt 0 ] || set -- sanitize orders threads faults kills fuzz wheel
for name in "$@"; do
  case "$name" in
    sanitize | orders | threads | faults | kills | fuzz | wheel) part "$name" "$name" ;;
    *) echo "nightly: no part '$name'" >&2; exit 2 ;;
  esac
done
exit "$failed"
