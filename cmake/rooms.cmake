# SPDX-License-Identifier: Apache-2.0
# nf_room(<room> SOURCES <file.c>... [OPTIONS <flag>...] [LINK <library>...])
#
# Compiles one room (or one folder of it that has its own flags, named room/folder) into the object library
# nf_<room>, '/' becoming '_'. products.cmake puts all rooms but the clients into the libraries; LINK names what
# these need because of this room, beyond nf_dependencies.
function(nf_room room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;OPTIONS;LINK")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "nf_room(${room}): wants SOURCES, OPTIONS, LINK; got '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  string(REPLACE "/" "_" name ${room})
  set(target nf_${name})
  add_library(${target} OBJECT ${arg_SOURCES})
  target_compile_options(${target} PRIVATE ${arg_OPTIONS})
  target_link_libraries(${target} PUBLIC nf_dependencies ${arg_LINK})
  nf_tests_target(${name}) # tests_<room> is there even before its first test
  if(NOT room MATCHES "^(cli|report|schedule|server)")
    set_property(GLOBAL APPEND PROPERTY nf_rooms ${target})
    set_property(GLOBAL APPEND PROPERTY nf_libraries ${arg_LINK})
  endif()
endfunction()
