#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Builds OpenCV as a wheel needs it: seven modules, static, with its own copies of the codecs. Debian's drags in 120 shared
# libraries. The source is that of the wheel of OpenCV on PyPI. Takes eight minutes of one core, once.
# usage: build_dependencies.sh FOLDER     (FOLDER/opencv/lib/cmake/opencv4 is then what OpenCV_DIR names)
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
package=opencv-python-headless version=4.12.0.88
done=$folder/opencv/$version
[ -e "$done" ] && exit 0

python3 -m pip download --quiet --no-deps --no-binary $package -d "$folder" $package==$version
tar -xzf "$folder/$package-$version.tar.gz" -C "$folder" "$package-$version/opencv"

on_off() { # on_off ON|OFF NAME...
  local value=$1
  shift
  printf -- "-D%s=$value " "$@"
}
# Photographs in JPEG, PNG, TIFF, WebP and the simple formats; no accelerators that the results would depend on.
# shellcheck disable=SC2046
cmake -S "$folder/$package-$version/opencv" -B "$folder/opencv-build" -G Ninja --log-level=NOTICE \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$folder/opencv" \
  $(command -v ccache >/dev/null && echo -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache) \
  -DBUILD_LIST=core,imgproc,imgcodecs,features2d,calib3d,flann,video -DBUILD_SHARED_LIBS=OFF \
  -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCPU_DISPATCH=AVX2,AVX512_SKX \
  $(on_off ON OPENCV_FORCE_3RDPARTY_BUILD BUILD_ZLIB BUILD_PNG BUILD_JPEG BUILD_TIFF BUILD_WEBP) \
  $(on_off OFF WITH_OPENEXR WITH_OPENJPEG WITH_JASPER WITH_GDAL WITH_GDCM WITH_AVIF WITH_IMGCODEC_HDR) \
  $(on_off OFF WITH_IPP WITH_ITT WITH_OPENCL WITH_VA WITH_VA_INTEL WITH_LAPACK WITH_EIGEN WITH_TBB WITH_OPENMP) \
  $(on_off OFF WITH_PROTOBUF WITH_QUIRC WITH_ADE WITH_FFMPEG WITH_GSTREAMER WITH_V4L WITH_1394 WITH_GTK \
    WITH_FLATBUFFERS WITH_OBSENSOR) \
  $(on_off OFF BUILD_TESTS BUILD_PERF_TESTS BUILD_EXAMPLES BUILD_opencv_apps BUILD_JAVA BUILD_opencv_python3 CV_TRACE)
cmake --build "$folder/opencv-build" --target install
cp "$folder/$package-$version/opencv/LICENSE" "$folder/opencv/share/licenses/opencv4/opencv-LICENSE"
cp "$folder/$package-$version/opencv/3rdparty/libwebp/COPYING" "$folder/opencv/share/licenses/opencv4/libwebp-COPYING"
touch "$done"
