# SPDX-License-Identifier: Apache-2.0
# What `make install` puts below a prefix that is known only then: the program, its page and its service, both libraries,
# headers, and what pkg-config and CMake's find_package read. Components are Debian packages (package.cmake); what these have
# otherwise, or besides, is not installed by `make install`.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/infuse)

set_target_properties(infuse_shared PROPERTIES EXPORT_NAME infuse)
target_include_directories(infuse_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS infuse_shared EXPORT infuse-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                             COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS infuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/infuse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN "*.h")
install(FILES docs/infuse.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT page)

configure_package_config_file(cmake/infuse-config.cmake.in infuse-config.cmake INSTALL_DESTINATION ${package_dir}
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(infuse-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT infuse-targets NAMESPACE infuse:: DESTINATION ${package_dir} COMPONENT development)
install(FILES ${CMAKE_BINARY_DIR}/infuse-config.cmake ${CMAKE_BINARY_DIR}/infuse-config-version.cmake
        DESTINATION ${package_dir} COMPONENT development)

# nf_install_configured(<component> <name.in> <folder below the prefix>): the prefix is that of the installation, not of the
# build.
function(nf_install_configured component file folder)
  cmake_path(GET file STEM LAST_ONLY name)
  foreach(variable PROJECT_VERSION PROJECT_DESCRIPTION CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
    install(CODE "set(${variable} \"${${variable}}\")" COMPONENT ${component})
  endforeach()
  install(CODE "configure_file(\"${CMAKE_SOURCE_DIR}/${file}\" \"${CMAKE_BINARY_DIR}/${name}\" @ONLY)
file(INSTALL \"${CMAKE_BINARY_DIR}/${name}\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${folder}\")" COMPONENT ${component})
endfunction()
nf_install_configured(development cmake/infuse.pc.in ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
nf_install_configured(program packaging/infuse.service.in lib/systemd/system)

include(package)
