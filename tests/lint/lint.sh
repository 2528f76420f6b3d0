#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a machine can check. Usage: lint.sh BUILD_FOLDER (for clang-tidy's compile commands)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: lint.sh BUILD_FOLDER}
failed=0
complain() { echo "lint: $*" >&2; failed=1; }

mapfile -t sources < <(git ls-files '*.cpp' '*.hpp' '*.cu' '*.cuh')

clang-format-14 --dry-run --Werror "${sources[@]}" || complain "run clang-format-14 -i on the files above"

# Every file names its licence.
while IFS= read -r file; do
  head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$file: no SPDX line"
done < <(git ls-files '*.cpp' '*.hpp' '*.cu' '*.cuh' '*.cmake' '*CMakeLists.txt' '*.sh' '*.py' dev .ci/run)

# Dependencies point one way: public headers are plain C++, the halves of the engine never include each other,
# programs see public headers alone.
if grep -nE '#include [<"](cuda|cudnn|cublas|dnnl|oneapi|hwy|opencv2|sqlite3|nlohmann|torch|ATen|c10|H5|spdlog|CLI)' \
  -r include; then complain "a public header includes a library's header"; fi
if grep -nE '#include "(host|cuda)/' -r host cuda apps include bench python; then complain "include twinpatch/… or a file beside"; fi
if grep -nE '#include "\.\./' -r host cuda apps include tests bench python; then complain "no ../ in an include"; fi
# A folder's own files are included by name alone; whatever is found under another folder of host/ is a leak.
while IFS=: read -r file _ include; do
  name=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$include")
  case "$name" in twinpatch/*|hwy/*|apps/*) continue ;; esac
  [ -e "$(dirname "$file")/$name" ] || [ -e "$name" ] && case "$file" in apps/*|host/*|cuda/*) [ -e "$(dirname "$file")/$name" ] || complain "$file: includes \"$name\" of another folder" ;; esac
done < <(grep -nE '#include "' -r host cuda apps --include='*.cpp' --include='*.hpp')
# Rooms of the CPU engine include themselves and those below them.
below=""
for room in kernels plan branch grid list; do
  below="$below|$room"
  if grep -nE '#include "(kernels|plan|branch|grid|list|cpu_backend|pair_scorer)[/.]' -r "host/cpu/$room" |
    grep -vE "#include \"(${below#|})/"; then complain "host/cpu/$room includes a room above it"; fi
done
# Libraries link what their files include and nothing else; documents lead somewhere.
tests/lint/edges.py || complain "the build's edges and the includes differ: see above"
tests/lint/links.py || complain "links lead nowhere: see above"
# The largest header of all is read by the frame alone.
if git grep -nE '#include <CLI/' -- apps | grep -v '^apps/frame/'; then complain "declare options with apps/frame/options.hpp"; fi
# Only one file chooses between backends.
if grep -lE 'make_(cpu|cuda)_backend\(' -r host/engine | grep -v select_backend; then complain "only engine/select_backend names backends"; fi
# Kernels are launched through one helper.
if grep -rnE '<<<' cuda tests --include='*.cu' --include='*.cuh' --include='*.cpp' --include='*.hpp' 2>/dev/null |
  grep -v '^cuda/runtime/launch.cuh:'; then complain "launch kernels through launch.cuh"; fi
if grep -rnE 'extern +__shared__' cuda tests --include='*.cu' --include='*.cuh' 2>/dev/null |
  grep -v '^cuda/runtime/shared_memory.cuh:'; then complain "dynamic shared memory comes from dynamic_shared_memory()"; fi
# ctest takes a ; in a case's name for the end of it, and runs neither half.
if git grep -nE 'TEST_CASE\(.*;' -- tests; then complain "no ; in the name of a test"; fi
# The library neither prints nor exits.
if grep -nE '\b(std::cout|std::cerr *<<|printf\(|exit\()' -r host include cuda python --include='*.cpp' --include='*.hpp' | grep -v fmt::; then
  complain "the library prints or exits"
fi
# A program's message belongs to its user: no leftover marks of unfinished work.
if grep -nE 'TODO|FIXME' -r host include cuda apps tests bench --include='*.cpp' --include='*.hpp' --include='*.cu'; then
  complain "finish it, or write an issue"
fi

if command -v clang-tidy-14 >/dev/null && [ -z "${TWINPATCH_SKIP_TIDY:-}" ]; then
  # Those changed last come first: where time is short (TWINPATCH_TIDY_MINUTES) they are what must be looked at.
  mapfile -t tidy < <(git log --format= --name-only --diff-filter=d -- 'host/*.cpp' 'apps/*.cpp' |
    awk '!seen[$0]++' | grep -Fxf <(git ls-files 'host/*.cpp' 'apps/*.cpp') |
    grep -vE 'host/train/|apps/twinpatch-train/')
  tests/lint/tidy.sh "$build" "${tidy[@]}" || complain "clang-tidy: see above"
fi
[ "$failed" = 0 ] && echo "lint: clean"
exit "$failed"
