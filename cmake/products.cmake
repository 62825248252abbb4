# SPDX-License-Identifier: Apache-2.0
# What the rooms become: libinfuse_all.a (internal; tests and clients), libinfuse.so (exports infuse_* only), infuse.
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

add_executable(infuse $<TARGET_OBJECTS:nf_cli>)
target_link_libraries(infuse PRIVATE infuse_all)
set_target_properties(infuse PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
nf_register_test(cli.version infuse TIMEOUT 60 LABELS cli smoke COMMAND infuse --version)
set_tests_properties(cli.version PROPERTIES PASS_REGULAR_EXPRESSION "infuse ${PROJECT_VERSION}")

configure_file(cmake/infuse.pc.in infuse.pc @ONLY)
install(TARGETS infuse_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS infuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${CMAKE_BINARY_DIR}/infuse.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY include/infuse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES docs/infuse.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
