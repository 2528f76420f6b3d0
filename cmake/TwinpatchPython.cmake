# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# Looks for what the Python module needs: TWINPATCH_HAVE_PYTHON; where it is OFF, TWINPATCH_PYTHON_MISSING says why.
set(TWINPATCH_PYTHON AUTO CACHE STRING "The Python module: AUTO (where Python and nanobind are found), ON, OFF")
set_property(CACHE TWINPATCH_PYTHON PROPERTY STRINGS AUTO ON OFF)
if(NOT TWINPATCH_PYTHON MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "TWINPATCH_PYTHON=${TWINPATCH_PYTHON}: expected AUTO, ON or OFF")
endif()

set(TWINPATCH_HAVE_PYTHON OFF)
if(TWINPATCH_PYTHON STREQUAL OFF OR (TWINPATCH_PYTHON STREQUAL AUTO AND TWINPATCH_SANITIZE))
  set(TWINPATCH_PYTHON_MISSING "this build leaves the Python module out")
  return()
endif()

# What `./dev` makes is taken before the system's Python.
set(python_environment "${PROJECT_SOURCE_DIR}/build/python-environment/bin/python3")
if(NOT Python_EXECUTABLE AND EXISTS "${python_environment}")
  set(Python_EXECUTABLE "${python_environment}" CACHE FILEPATH "Python")
endif()
# The part for the stable ABI is what scikit-build-core asks for.
find_package(Python 3.10 QUIET COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT})
if(NOT Python_FOUND)
  set(TWINPATCH_PYTHON_MISSING "no Python 3.10 with its headers (Debian: python3-dev)")
else()
  execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
    OUTPUT_VARIABLE nanobind_folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_package(nanobind 3.0 CONFIG QUIET HINTS "${nanobind_folder}")
  if(nanobind_FOUND)
    set(TWINPATCH_HAVE_PYTHON ON)
  else()
    set(TWINPATCH_PYTHON_MISSING "no nanobind 3 for ${Python_EXECUTABLE}")
  endif()
endif()

if(TWINPATCH_HAVE_PYTHON)
  message(STATUS "Python ${Python_VERSION} (${Python_EXECUTABLE})")
elseif(TWINPATCH_PYTHON STREQUAL ON)
  message(FATAL_ERROR "TWINPATCH_PYTHON=ON: ${TWINPATCH_PYTHON_MISSING}")
else()
  message(STATUS "${TWINPATCH_PYTHON_MISSING}: the Python module is not built")
endif()
