# SPDX-License-Identifier: Apache-2.0
# nf_test(<foo_test.c> [LABEL <label>...] [SOURCES <file.c>...] [LINK <library>...] [TIMEOUT <seconds>])
# nf_fuzz(<foo_fuzz.c> [SOURCES <file.c>...])
# nf_register_test(<room.foo> <target that it runs> TIMEOUT <seconds> LABELS <label>... COMMAND <word>...)
#
# A test is a cmocka program linked against all rooms. In CTest it is called <room>.foo and labelled <room> plus
# every LABEL; the target tests_<label> builds all tests of that label. The label "threads" puts a test into the
# thread sanitizer's lane. Tests run in the repository's root, so data is named as tests/data/x. Those of the longest TIMEOUT
# start first, so that none of them is left alone at the end.
#
# They may include "tests/support/...".
#
# A fuzz target is always built as a replay of tests/corpus/foo/ and the empty input (CTest: <room>.foo_fuzz).
# With INFUSE_FUZZ it is also built with libFuzzer and run for a few seconds (CTest: fuzz.foo, label fuzz).

# A request for too much memory must come back as NULL, as it does without a sanitizer.
set(nf_sanitizer_options ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1
                         UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=allocator_may_return_null=1)

# The room of the calling CMakeLists.txt: the first folder below src/, or "tests".
function(nf_this_room out)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE path)
  string(REGEX REPLACE "^(src/)?([^/]+).*$" "\\2" room ${path})
  set(${out} ${room} PARENT_SCOPE)
endfunction()

function(nf_tests_target label)
  if(NOT TARGET tests_${label})
    add_custom_target(tests_${label})
  endif()
endfunction()

function(nf_register_test name target)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "LABELS;COMMAND")
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  math(EXPR limit "5 * ${arg_TIMEOUT}") # of seconds on a machine that has other work to do
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${limit} COST ${arg_TIMEOUT})
  # No cache of the user's: figures are stated, so that a test is the same on all machines.
  set(environment INFUSE_CACHE_DIR=)
  if(nf_sanitize)
    list(APPEND environment ${nf_sanitizer_options})
  endif()
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}")
  foreach(label ${arg_LABELS})
    nf_tests_target(${label})
    add_dependencies(tests_${label} ${target})
  endforeach()
endfunction()

function(nf_test file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABEL;SOURCES;LINK")
  cmake_path(GET file STEM stem)
  if(arg_UNPARSED_ARGUMENTS OR NOT stem MATCHES "_test$")
    message(FATAL_ERROR "nf_test(${file}): wants foo_test.c LABEL SOURCES LINK TIMEOUT; got '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  nf_this_room(room)
  string(REGEX REPLACE "_test$" "" name ${stem})
  set(target ${room}_${stem})
  add_executable(${target} ${file} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}) # for "tests/support/..."
  target_link_libraries(${target} PRIVATE infuse_all PkgConfig::cmocka ${arg_LINK})
  nf_register_test(${room}.${name} ${target} TIMEOUT ${arg_TIMEOUT} LABELS ${room} ${arg_LABEL} COMMAND ${target})
endfunction()

# The test (room.foo, of target room_foo_test) sees the GPUs of tests/drivers.
function(nf_with_drivers test)
  string(REPLACE "." "_" target ${test}_test)
  if(TARGET ${target})
    add_dependencies(${target} fake_cuda fake_hip fake_cublaslt fake_hipblaslt)
  endif()
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT LD_LIBRARY_PATH=${CMAKE_BINARY_DIR}/drivers)
endfunction()

function(nf_fuzz file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  cmake_path(GET file STEM stem)
  if(arg_UNPARSED_ARGUMENTS OR NOT stem MATCHES "_fuzz$")
    message(FATAL_ERROR "nf_fuzz(${file}): wants one foo_fuzz.c, and SOURCES; got '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  nf_this_room(room)
  string(REGEX REPLACE "_fuzz$" "" name ${stem})
  set(corpus ${CMAKE_SOURCE_DIR}/tests/corpus/${name})
  set(target ${room}_${stem})

  add_executable(${target} ${file} ${CMAKE_SOURCE_DIR}/tests/support/fuzz_main.c ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE infuse_all)
  nf_register_test(${room}.${stem} ${target} TIMEOUT 120 LABELS ${room} COMMAND ${target} tests/corpus/${name})

  if(INFUSE_FUZZ)
    set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}.found) # what libFuzzer adds must not land in the repository
    file(MAKE_DIRECTORY ${found})
    add_executable(${target}er ${file} ${arg_SOURCES})
    target_link_libraries(${target}er PRIVATE infuse_all -fsanitize=fuzzer)
    nf_register_test(fuzz.${name} ${target}er TIMEOUT 60 LABELS fuzz
                     COMMAND ${target}er -max_total_time=5 -timeout=10 -rss_limit_mb=1024 -print_final_stats=0
                             -artifact_prefix=${found}/ ${found} ${corpus})
  endif()
endfunction()
