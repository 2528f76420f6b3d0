# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# Finds cuDNN: CUDNN_FOUND, CUDNN_VERSION, CUDNN_INCLUDE_DIR, CUDNN_LIBRARY (libcudnn.so, which loads the
# rest of cuDNN itself).
# Looked for in CUDNN_ROOT or $CUDNN_PATH, the CUDA toolkit, the system, and Python's nvidia-cudnn package (a venv or
# conda environment that is active).
set(_cudnn_hints ${CUDNN_ROOT} $ENV{CUDNN_ROOT} $ENV{CUDNN_PATH})
foreach(_cudnn_prefix "$ENV{VIRTUAL_ENV}" "$ENV{CONDA_PREFIX}")
  if(_cudnn_prefix)
    file(GLOB _cudnn_site LIST_DIRECTORIES true "${_cudnn_prefix}/lib/python3*/site-packages/nvidia/cudnn")
    list(APPEND _cudnn_hints ${_cudnn_site})
  endif()
endforeach()

find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${_cudnn_hints} ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES include)
# Python's package and many images have the versioned name alone.
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${_cudnn_hints} ${CUDAToolkit_LIBRARY_DIR}
  PATH_SUFFIXES lib lib64 lib/x64)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)

set(CUDNN_VERSION "")
if(CUDNN_INCLUDE_DIR AND EXISTS "${CUDNN_INCLUDE_DIR}/cudnn_version.h")
  foreach(_cudnn_header cudnn_version.h cudnn_version_v9.h)  # the first may do no more than include the second
    if(EXISTS "${CUDNN_INCLUDE_DIR}/${_cudnn_header}")
      file(STRINGS "${CUDNN_INCLUDE_DIR}/${_cudnn_header}" _cudnn_lines
        REGEX "^#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) +[0-9]+")
      string(REGEX REPLACE "[^0-9]+" "." _cudnn_version "${_cudnn_lines}")
      string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" _cudnn_version "${_cudnn_version}")
      if(_cudnn_version)
        set(CUDNN_VERSION "${_cudnn_version}")
        break()
      endif()
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CUDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR VERSION_VAR CUDNN_VERSION)
