#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Runs fuzz targets that the preset "fuzz" built. Usage: run.sh BUILD_FOLDER [TARGET|all] [SECONDS] (each target; 10)
# Inputs that reached something new gather in BUILD_FOLDER/corpus/TARGET, faults in BUILD_FOLDER/found/TARGET.
set -euo pipefail
build=$(realpath "${1:?usage: run.sh BUILD_FOLDER [TARGET|all] [SECONDS]}")
wanted=${2:-all}
seconds=${3:-10}
cd "$(dirname "$0")"

export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
failed=()
for program in "$build"/bin/fuzz_*; do
  target=$(basename "$program")
  target=${target#fuzz_}
  [ "$wanted" = all ] || [ "$wanted" = "$target" ] || continue
  mkdir -p "$build/corpus/$target" "$build/found/$target"
  options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
  [ -e "dictionaries/$target" ] && options+=(-dict="dictionaries/$target")
  log=$build/found/$target.log
  if "$program" "${options[@]}" -artifact_prefix="$build/found/$target/" "$build/corpus/$target" "corpus/$target" >"$log" 2>&1; then
    # "#31337  DONE   cov: 512 ft: 900 corp: …"
    awk -v target="$target" '$2 == "DONE" { runs = substr($1, 2); blocks = $4 }
      END { printf "fuzz: %-16s %9d runs, %5d edges\n", target, runs, blocks }' "$log"
  else
    failed+=("$target")
    echo "fuzz: $target: a fault; the input is in $build/found/$target/" >&2
    grep -aE 'ERROR|SUMMARY|runtime error|fuzz:|terminate|what\(\)' "$log" | head -n 8 >&2 || true
  fi
done
[ -n "${program:-}" ] && [ -x "${program:-}" ] || { echo "fuzz: no target in $build/bin" >&2; exit 2; }
[ ${#failed[@]} -eq 0 ]
