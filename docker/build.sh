#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Builds an image, runs the tests inside, and tries the result.
#   docker/build.sh cpu|cuda [options for the builder, e.g. --build-arg JOBS=4]
# Takes docker, podman or buildah, whichever is there ($TWINPATCH_BUILDER names another). Images: twinpatch:cpu, twinpatch:cuda.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-}
case "$kind" in
  cpu | cuda) shift ;;
  *) sed -n '5,6s/^# *//p' "$0" >&2; exit 2 ;;
esac

builder=${TWINPATCH_BUILDER:-}
for candidate in docker podman buildah; do
  [ -n "$builder" ] || ! command -v "$candidate" >/dev/null || builder=$candidate
done
[ -n "$builder" ] || { echo "docker/build.sh: install docker, podman or buildah" >&2; exit 1; }

# Only what git knows goes in: no build folders, no results of other runs.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
git archive HEAD | tar -x -C "$context"

build() { # build TARGET TAG [options]
  local target=$1 tag=$2
  shift 2
  # buildah keeps no stage for the next build unless told to.
  local build=(build)
  [ "$builder" != buildah ] || build=(bud --layers)
  "$builder" "${build[@]}" --target "$target" --tag "$tag" \
    --file "$context/docker/$kind.Dockerfile" "$@" "$context"
}
build tested "twinpatch:$kind-tested" "$@" # fails where a test fails
build runtime "twinpatch:$kind" "$@"

# The image as a user runs it. buildah has no `run IMAGE`.
attempt() {
  if [ "$builder" = buildah ]; then
    local box status=0
    box=$(buildah from --pull-never "localhost/twinpatch:$kind")
    buildah run "$box" -- twinpatch "$@" || status=$?
    buildah rm "$box" >/dev/null
    return "$status"
  fi
  "$builder" run --rm "twinpatch:$kind" "$@"
}
attempt doctor
attempt model list

# Where there is a GPU, its tests run in the tested image with skipping forbidden.
if [ "$kind" = cuda ] && [ "$builder" != buildah ] && command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then
  "$builder" run --rm --gpus all --env TWINPATCH_REQUIRE_GPU=1 "twinpatch:cuda-tested" \
    ctest --test-dir build/release --output-on-failure --no-tests=error --label-regex gpu
elif [ "$kind" = cuda ]; then
  echo "docker/build.sh: no GPU here: the tests labelled gpu were not run" >&2
fi
echo "docker/build.sh: twinpatch:$kind is built and its tests passed" >&2
