# SPDX-License-Identifier: Apache-2.0
# What we stand on, all from Debian. tools/setup names the packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8>=10.42)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc>=2.5)
pkg_check_modules(microhttpd REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75) # of the server alone
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka>=1.1.5)

add_library(nf_dependencies INTERFACE)
target_link_libraries(nf_dependencies INTERFACE PkgConfig::jansson PkgConfig::pcre2 PkgConfig::utf8proc PkgConfig::hwloc
                                                Threads::Threads ${CMAKE_DL_LIBS} m)
