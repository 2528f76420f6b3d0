# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Installs the build into an empty prefix, then builds and runs a consumer that knows only find_package(twinpatch).
# cmake -D BUILD=… -D SOURCE=… -D WORK=… -P check.cmake
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGV}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK}")
run(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${WORK}/prefix")
run(${CMAKE_COMMAND} -S "${SOURCE}/consumer" -B "${WORK}/consumer" -G Ninja "-DCMAKE_PREFIX_PATH=${WORK}/prefix")
run(${CMAKE_COMMAND} --build "${WORK}/consumer")
run("${WORK}/consumer/consumer")
if(NOT output MATCHES "^-?[0-9]+\\.[0-9]+\n-?[0-9]+\\.[0-9]+\n$")
  message(FATAL_ERROR "the consumer printed:\n${output}")
endif()
if(EXISTS "${WORK}/prefix/bin/twinpatch")
  run("${WORK}/prefix/bin/twinpatch" --version)
endif()
file(REMOVE_RECURSE "${WORK}")
