#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over our own translation units. Usage: tidy.sh BUILD_FOLDER FILE...
# A file that was clean is not looked at again until it, a header of ours that it includes, or .clang-tidy changes: what
# was clean is remembered under ${XDG_CACHE_HOME:-~/.cache}/twinpatch/tidy.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: tidy.sh BUILD_FOLDER FILE...}
shift
remembered=${XDG_CACHE_HOME:-$HOME/.cache}/twinpatch/tidy
mkdir -p "$remembered"
export build remembered

check() { # check FILE
  local file=$1 key
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
  local report
  if report=$(clang-tidy-14 -quiet -p "$build" "$file" 2>/dev/null); then
    touch "$remembered/$key"
  else
    grep -E -A3 'warning:|error:' <<<"$report" >&2
    return 1
  fi
}
export -f check
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'check "$0" || exit 1'
