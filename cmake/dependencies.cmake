# SPDX-License-Identifier: Apache-2.0
# What we stand on, all from Debian. tools/setup names the packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8>=10.42)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc>=2.5)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka>=1.1.5)

add_library(nf_dependencies INTERFACE)
target_link_libraries(nf_dependencies INTERFACE PkgConfig::jansson PkgConfig::pcre2 PkgConfig::utf8proc PkgConfig::hwloc
                                                Threads::Threads ${CMAKE_DL_LIBS} m)

# Of the program alone: what a user types is edited by it.
pkg_check_modules(libedit REQUIRED IMPORTED_TARGET libedit)

# Of the server alone. Its .pc file would ask for those of all that its TLS stands on.
find_path(INFUSE_MICROHTTPD_INCLUDE microhttpd.h REQUIRED)
find_library(INFUSE_MICROHTTPD microhttpd REQUIRED)
add_library(microhttpd UNKNOWN IMPORTED)
set_target_properties(microhttpd PROPERTIES IMPORTED_LOCATION ${INFUSE_MICROHTTPD}
                                            INTERFACE_INCLUDE_DIRECTORIES ${INFUSE_MICROHTTPD_INCLUDE})

# Of the load generator alone, which opens the library when it is used.
pkg_check_modules(curl REQUIRED libcurl>=7.85)
add_library(curl_headers INTERFACE)
target_include_directories(curl_headers INTERFACE ${curl_INCLUDE_DIRS})
