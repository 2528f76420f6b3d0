# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# The target `package`: the program and its models as a Debian package. dpkg-shlibdeps (Debian: dpkg-dev) names the packages
# that it needs on this release of Debian.
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The twinpatch authors <twinpatch@localhost>")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME twinpatch)
set(CPACK_DEBIAN_PROGRAM_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "Finds the same points in photographs and matches whole collections of them
for COLMAP, hloc and OpenMVG. Trained models are included.")
if(TWINPATCH_IMGCODECS_FILE) # opened when the first image is read: dpkg-shlibdeps does not see it
  execute_process(COMMAND dpkg-query --search "${TWINPATCH_IMGCODECS_FILE}"
    OUTPUT_VARIABLE codecs_package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  string(REGEX REPLACE ":.*" "" CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "${codecs_package}")
endif()
include(CPack)
