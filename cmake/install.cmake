# SPDX-License-Identifier: Apache-2.0
# What `make install` puts below a prefix that is known only then: the program and its page, both libraries, headers, and
# what pkg-config and CMake's find_package read.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/infuse)

set_target_properties(infuse_shared PROPERTIES EXPORT_NAME infuse)
target_include_directories(infuse_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS infuse_shared EXPORT infuse-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS infuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/infuse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES docs/infuse.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

configure_package_config_file(cmake/infuse-config.cmake.in infuse-config.cmake INSTALL_DESTINATION ${package_dir}
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(infuse-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT infuse-targets NAMESPACE infuse:: DESTINATION ${package_dir})
install(FILES ${CMAKE_BINARY_DIR}/infuse-config.cmake ${CMAKE_BINARY_DIR}/infuse-config-version.cmake
        DESTINATION ${package_dir})

# The prefix is that of the installation, not of the build.
foreach(name PROJECT_VERSION PROJECT_DESCRIPTION CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
  install(CODE "set(${name} \"${${name}}\")")
endforeach()
install(CODE "configure_file(\"${CMAKE_SOURCE_DIR}/cmake/infuse.pc.in\" \"${CMAKE_BINARY_DIR}/infuse.pc\" @ONLY)
file(INSTALL \"${CMAKE_BINARY_DIR}/infuse.pc\"
     DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig\")")
