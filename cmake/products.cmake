# SPDX-License-Identifier: Apache-2.0
# What the rooms become: libinfuse_all.a (internal; tests and clients), libinfuse.so and libinfuse.a (both show infuse_*
# only), infuse. What is installed of it: cmake/install.cmake.
get_property(rooms GLOBAL PROPERTY nf_rooms)
get_property(libraries GLOBAL PROPERTY nf_libraries)
set(objects ${rooms})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")

add_library(infuse_all STATIC ${objects})
target_link_libraries(infuse_all PUBLIC nf_dependencies ${libraries})

set(exports ${CMAKE_SOURCE_DIR}/cmake/infuse.map)
add_library(infuse_shared SHARED ${objects})
set_target_properties(infuse_shared PROPERTIES OUTPUT_NAME infuse VERSION ${PROJECT_VERSION}
                                               SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${exports})
target_link_libraries(infuse_shared PRIVATE nf_dependencies ${libraries})
target_link_options(infuse_shared PRIVATE -Wl,--version-script=${exports})
if(NOT nf_sanitize) # a sanitizer's runtime comes with the executable
  target_link_options(infuse_shared PRIVATE -Wl,--no-undefined)
endif()

# For static linking: one object in which what is hidden is local.
set(static_library ${CMAKE_BINARY_DIR}/libinfuse.a)
add_custom_command(OUTPUT ${static_library} DEPENDS infuse_all VERBATIM
                   COMMAND ${CMAKE_LINKER} -r -o infuse.o --whole-archive $<TARGET_FILE:infuse_all>
                   COMMAND ${CMAKE_OBJCOPY} --localize-hidden infuse.o
                   COMMAND ${CMAKE_COMMAND} -E rm -f ${static_library}
                   COMMAND ${CMAKE_AR} qcs ${static_library} infuse.o
                   COMMAND ${CMAKE_COMMAND} -E rm infuse.o)
add_custom_target(infuse_static ALL DEPENDS ${static_library})

add_executable(infuse $<TARGET_OBJECTS:nf_schedule> $<TARGET_OBJECTS:nf_server> $<TARGET_OBJECTS:nf_cli> $<TARGET_OBJECTS:nf_cli_eval> $<TARGET_OBJECTS:nf_report>
               $<TARGET_OBJECTS:nf_cli_load>)
target_link_libraries(infuse PRIVATE infuse_all microhttpd PkgConfig::libedit)
set_target_properties(infuse PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
nf_register_test(cli.version infuse TIMEOUT 60 LABELS cli smoke COMMAND infuse --version)
set_tests_properties(cli.version PROPERTIES PASS_REGULAR_EXPRESSION "infuse ${PROJECT_VERSION}")

include(install)
