# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# Headers, libraries, programs, models, and the package that find_package(twinpatch) reads.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY TWINPATCH_LIBRARIES)
install(TARGETS ${libraries} EXPORT twinpatch-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/twinpatch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/twinpatch/models COMPONENT program
  FILES_MATCHING PATTERN "*.safetensors")
if(TARGET twinpatch)
  install(TARGETS twinpatch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/twinpatch COMPONENT program RENAME copyright)
endif()
if(TARGET twinpatch-train)
  install(TARGETS twinpatch-train RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/twinpatch)
install(EXPORT twinpatch-targets NAMESPACE twinpatch:: DESTINATION ${package_folder})
configure_package_config_file(cmake/twinpatch-config.cmake.in "${CMAKE_BINARY_DIR}/twinpatch-config.cmake"
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file("${CMAKE_BINARY_DIR}/twinpatch-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/twinpatch-config.cmake" "${CMAKE_BINARY_DIR}/twinpatch-config-version.cmake"
  DESTINATION ${package_folder})
