#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Every benchmark of this host. Usage: run.sh BUILD_FOLDER [google-benchmark options]
set -euo pipefail
build=${1:?usage: run.sh BUILD_FOLDER [options]}
shift
for name in bench_networks bench_grid bench_cut_patches; do "$build/bin/$name" "$@"; done
