# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# hdf5::hdf5 from Debian's archives. The shared library needs curl, OpenSSL and some thirty others, for files in clouds;
# nothing of that is drawn from the archive.
find_path(TWINPATCH_HDF5_INCLUDE hdf5.h PATH_SUFFIXES hdf5/serial REQUIRED)
find_library(TWINPATCH_HDF5_ARCHIVE libhdf5.a PATH_SUFFIXES hdf5/serial REQUIRED)
find_library(TWINPATCH_SZ_ARCHIVE libsz.a REQUIRED)
find_library(TWINPATCH_AEC_ARCHIVE libaec.a REQUIRED)
find_library(TWINPATCH_Z_ARCHIVE libz.a REQUIRED)
add_library(hdf5::hdf5 STATIC IMPORTED GLOBAL)
set_target_properties(hdf5::hdf5 PROPERTIES
  IMPORTED_LOCATION "${TWINPATCH_HDF5_ARCHIVE}"
  INTERFACE_INCLUDE_DIRECTORIES "${TWINPATCH_HDF5_INCLUDE}"
  INTERFACE_LINK_LIBRARIES
    "${TWINPATCH_SZ_ARCHIVE};${TWINPATCH_AEC_ARCHIVE};${TWINPATCH_Z_ARCHIVE};Threads::Threads;${CMAKE_DL_LIBS};m")
set(HDF5_FOUND TRUE)
