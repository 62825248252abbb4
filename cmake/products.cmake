# SPDX-License-Identifier: Apache-2.0
# What the rooms become: libinfuse_all.a (internal; tests and clients), libinfuse.so (exports infuse_* only), infuse.
get_property(rooms GLOBAL PROPERTY nf_rooms)
get_property(libraries GLOBAL PROPERTY nf_libraries)
set(objects ${rooms})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")

if(rooms)
  add_library(infuse_all STATIC ${objects})
  target_link_libraries(infuse_all PUBLIC nf_dependencies ${libraries})

  add_library(infuse_shared SHARED ${objects})
  set_target_properties(infuse_shared PROPERTIES OUTPUT_NAME infuse VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                                                 LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/infuse.map)
  target_link_libraries(infuse_shared PRIVATE nf_dependencies ${libraries})
  target_link_options(infuse_shared PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/infuse.map)
  if(NOT nf_sanitize) # a sanitizer's runtime comes with the executable
    target_link_options(infuse_shared PRIVATE -Wl,--no-undefined)
  endif()
  configure_file(cmake/infuse.pc.in infuse.pc @ONLY)
  install(TARGETS infuse_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${CMAKE_BINARY_DIR}/infuse.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

if(TARGET nf_cli)
  add_executable(infuse $<TARGET_OBJECTS:nf_cli>)
  target_link_libraries(infuse PRIVATE infuse_all)
  set_target_properties(infuse PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  nf_register_test(cli.version infuse TIMEOUT 60 LABELS cli smoke COMMAND infuse --version)
  set_tests_properties(cli.version PROPERTIES PASS_REGULAR_EXPRESSION "infuse ${PROJECT_VERSION}")
  install(TARGETS infuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

if(EXISTS ${CMAKE_SOURCE_DIR}/include/infuse)
  install(DIRECTORY include/infuse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
endif()
