#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over our own translation units. Usage: tidy.sh BUILD_FOLDER FILE...
# Files that this build leaves out (what stands for an absent library) are passed over.
# With TWINPATCH_TIDY_MINUTES=M no file is begun after M minutes; how many that leaves out is said.
# A file that was clean is not looked at again until it, a header of ours that it includes, or .clang-tidy changes: what
# was clean is remembered under ${XDG_CACHE_HOME:-~/.cache}/twinpatch/tidy.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: tidy.sh BUILD_FOLDER FILE...}
shift
remembered=${XDG_CACHE_HOME:-$HOME/.cache}/twinpatch/tidy
mkdir -p "$remembered"
deadline=${TWINPATCH_TIDY_MINUTES:+$(($(date +%s) + 60 * TWINPATCH_TIDY_MINUTES))}
left_out=$(mktemp)
trap 'rm -f "$left_out"' EXIT
export build remembered deadline left_out

check() { # check FILE
  local file=$1 key
  grep -qF "/$file\"" "$build/compile_commands.json" || return 0
  # The file and every header of this project that it includes, through any depth.
  local inputs seen=""
  inputs=$file
  local queue=("$file")
  while [ ${#queue[@]} -gt 0 ]; do
    local next=()
    for source in "${queue[@]}"; do
      while IFS= read -r name; do
        for place in "include/$name" "$(dirname "$source")/$name" "$(dirname "$file")/$name" "$name" "cuda/$name"; do
          [ -f "$place" ] || continue
          case " $seen " in *" $place "*) ;; *) seen+=" $place"; next+=("$place") ;; esac
          break
        done
      done < <(sed -nE 's/^#include "([^"]+)".*/\1/p' "$source")
    done
    queue=("${next[@]}")
  done
  # shellcheck disable=SC2086
  key=$(cat .clang-tidy $inputs $seen | sha256sum | cut -c1-32)
  [ -e "$remembered/$key" ] && return 0
  [ -n "$deadline" ] && [ "$(date +%s)" -gt "$deadline" ] && { echo "$file" >>"$left_out"; return 0; }
  local report
  if report=$(clang-tidy-14 -quiet -p "$build" "$file" 2>/dev/null); then
    touch "$remembered/$key"
  else
    grep -E -A3 'warning:|error:' <<<"$report" >&2
    return 1
  fi
}
export -f check
failed=0
printf '%s\0' "$@" | xargs -0 -n 1 -P "${TWINPATCH_TIDY_JOBS:-$(nproc)}" bash -c 'check "$0" || exit 1' || failed=1
[ -s "$left_out" ] && echo "lint: clang-tidy looked at $(($# - $(wc -l <"$left_out"))) of $# files in the time it had" >&2
exit "$failed"
