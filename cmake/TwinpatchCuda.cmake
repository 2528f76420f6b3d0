# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# Looks for the CUDA toolkit: TWINPATCH_HAVE_CUDA. Nothing else depends on it being there.
set(TWINPATCH_CUDA AUTO CACHE STRING "The CUDA engine: AUTO (where the toolkit is found), ON, OFF")
set_property(CACHE TWINPATCH_CUDA PROPERTY STRINGS AUTO ON OFF)
if(NOT TWINPATCH_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "TWINPATCH_CUDA=${TWINPATCH_CUDA}: expected AUTO, ON or OFF")
endif()

set(TWINPATCH_HAVE_CUDA OFF)
if(TWINPATCH_CUDA STREQUAL OFF OR (TWINPATCH_CUDA STREQUAL AUTO AND TWINPATCH_SANITIZE))
  # Host sanitizers and the CUDA runtime do not go together; tests/simt runs the engine under them instead.
  return()
endif()

# nvcc is seldom on the PATH.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(TWINPATCH_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  mark_as_advanced(TWINPATCH_NVCC)
  if(TWINPATCH_NVCC)
    set(CMAKE_CUDA_COMPILER "${TWINPATCH_NVCC}")
  endif()
endif()
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  if(TWINPATCH_CUDA STREQUAL ON)
    message(FATAL_ERROR "TWINPATCH_CUDA=ON, but nvcc was not found: set CMAKE_CUDA_COMPILER, CUDACXX or CUDA_PATH")
  endif()
  message(STATUS "CUDA toolkit not found: the CUDA engine is not built")
  return()
endif()

# Few by default, so that a build stays short: code for Hopper, and PTX that every later card compiles for itself.
# A release names them all: -DCMAKE_CUDA_ARCHITECTURES="80-real;86-real;89-real;90a-real;100-real;100-virtual".
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "90a-real;80-virtual" CACHE STRING "CUDA architectures")
endif()
enable_language(CUDA)
# CMake 3.25.1 calls CUDA::nvToolsExt deprecated where a project asks for 3.25, and stops where it is missing: in CUDA 13.
set(minimum_asked_for ${CMAKE_MINIMUM_REQUIRED_VERSION})
set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
find_package(CUDAToolkit 12.4 REQUIRED)
set(CMAKE_MINIMUM_REQUIRED_VERSION ${minimum_asked_for})
find_package(CUDNN 9)
if(NOT CUDNN_FOUND)
  if(TWINPATCH_CUDA STREQUAL ON)
    message(FATAL_ERROR "TWINPATCH_CUDA=ON, but cuDNN 9 was not found: set CUDNN_ROOT")
  endif()
  message(STATUS "cuDNN 9 not found: the CUDA engine is not built")
  return()
endif()
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has spoken C++20 since 12.0
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
  list(APPEND CMAKE_CUDA20_COMPILE_FEATURES cuda_std_20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
# -lineinfo: profilers and compute-sanitizer name source lines. Relaxed: constexpr functions of the standard library in
# kernels.
add_compile_options($<$<COMPILE_LANGUAGE:CUDA>:-lineinfo> $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>
                    $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda>)
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${CCACHE}")
endif()
list(JOIN CMAKE_CUDA_ARCHITECTURES ", " TWINPATCH_CUDA_ARCHITECTURES_TEXT)
set(TWINPATCH_HAVE_CUDA ON)
message(STATUS "CUDA ${CUDAToolkit_VERSION}, cuDNN ${CUDNN_VERSION}, architectures ${TWINPATCH_CUDA_ARCHITECTURES_TEXT}")
