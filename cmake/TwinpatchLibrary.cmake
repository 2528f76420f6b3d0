# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# One warnings target for all of our own code; never seen by consumers.
# -Wno-restrict: g++ 12 warns about its own std::string at -O2 (GCC bug 105651).
add_library(twinpatch_warnings INTERFACE)
set(twinpatch_host_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wcast-align -Wno-restrict)
target_compile_options(twinpatch_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${twinpatch_host_warnings}>"
  # g++ 13 and 14 warn of every function that takes a temporary and returns a reference, whatever it refers to.
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-dangling-reference>
  $<$<AND:$<BOOL:${TWINPATCH_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>
  # nvcc hands generated code to the host compiler: nothing pedantic about that, and no conversions.
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>"
  "$<$<AND:$<BOOL:${TWINPATCH_WERROR}>,$<COMPILE_LANGUAGE:CUDA>>:--Werror=all-warnings>")
if(TWINPATCH_SANITIZE)
  # A test whose output alone says "runtime error" would pass.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${TWINPATCH_SANITIZE}>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=all>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer> $<$<COMPILE_LANGUAGE:CXX>:-g>)
  add_link_options(-fsanitize=${TWINPATCH_SANITIZE})
endif()

# twinpatch_library(NAME SOURCES a.cpp … [PUBLIC libs…] [PRIVATE libs…])
# makes twinpatch_NAME, alias twinpatch::NAME: one library per folder. Sources are listed by hand.
function(twinpatch_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(twinpatch_${name} STATIC ${arg_SOURCES})
  add_library(twinpatch::${name} ALIAS twinpatch_${name})
  target_include_directories(twinpatch_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(twinpatch_${name} PUBLIC cxx_std_20)
  target_link_libraries(twinpatch_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE}
    $<BUILD_INTERFACE:twinpatch_warnings>)
  set_target_properties(twinpatch_${name} PROPERTIES EXPORT_NAME ${name})
  if(NOT name STREQUAL "train") # the trainer is a program; libtorch would be a burden to every consumer
    set_property(GLOBAL APPEND PROPERTY TWINPATCH_LIBRARIES twinpatch_${name})
  endif()
endfunction()
