# SPDX-License-Identifier: Apache-2.0
# Debian packages, by `cpack` in the build folder: infuse (the program and its service), libinfuse0, libinfuse-dev. Scripts and
# texts of theirs: packaging/.
set(INFUSE_MAINTAINER "The infuse authors <infuse@example.org>" CACHE STRING "Who answers for Debian packages built here")
set(release ${PROJECT_VERSION}-1)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR infuse)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "LLM inference engine around a small graph compiler")
set(CPACK_SET_DESTDIR ON) # what is installed knows its prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${INFUSE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME infuse)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libinfuse${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libinfuse-dev)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "Runs checkpoints in Hugging Face form (GPT-OSS, Qwen3, Qwen3-Next) on CPUs
and GPUs, serves them over HTTP as OpenAI's API does, and says of every node
of a model's graph what it runs and why. infuse.service serves the model that
/etc/infuse/serve.env names.")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "What programs that embed infuse are run with: the shared library, which loads
checkpoints in Hugging Face form, computes them on CPUs and GPUs, and needs
neither Python nor a GPU maker's kit.")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "What programs that embed infuse are compiled with: headers, the static
library, and what pkg-config and CMake read.")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "libcurl3-gnutls | libcurl4") # opened by bench serve
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS libzmq5) # opened for page events
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${CPACK_DEBIAN_LIBRARY_PACKAGE_NAME} (= ${release})")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "libjansson-dev, libpcre2-dev, libutf8proc-dev, libhwloc-dev") # -static

set(packaging ${CMAKE_SOURCE_DIR}/packaging)
file(WRITE ${CMAKE_BINARY_DIR}/conffiles "/etc/infuse/serve.env\n")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm
                                               ${CMAKE_BINARY_DIR}/conffiles)
set(name ${CPACK_DEBIAN_LIBRARY_PACKAGE_NAME})
file(WRITE ${CMAKE_BINARY_DIR}/shlibs "libinfuse ${PROJECT_VERSION_MAJOR} ${name} (>= ${PROJECT_VERSION})\n")
file(WRITE ${CMAKE_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/shlibs ${CMAKE_BINARY_DIR}/triggers)
install(FILES ${packaging}/serve.env DESTINATION /etc/infuse PERMISSIONS OWNER_READ OWNER_WRITE COMPONENT program
        EXCLUDE_FROM_ALL)
install(FILES ${packaging}/debian/lintian-overrides DESTINATION share/lintian/overrides RENAME infuse
        COMPONENT program EXCLUDE_FROM_ALL)

# nf_package_compressed(<component> <file> <folder below the prefix> <name>)
function(nf_package_compressed component file folder name)
  install(CODE "set(to \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")
file(MAKE_DIRECTORY \"\${to}\")
execute_process(COMMAND gzip -9nc \"${file}\" OUTPUT_FILE \"\${to}/${name}.gz\" COMMAND_ERROR_IS_FATAL ANY)"
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()
nf_package_compressed(program ${CMAKE_SOURCE_DIR}/docs/infuse.1 share/man/man1 infuse.1)
configure_file(${packaging}/debian/changelog.in changelog @ONLY)
foreach(component program library development)
  string(TOUPPER ${component} upper)
  set(docs share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  nf_package_compressed(${component} ${CMAKE_BINARY_DIR}/changelog ${docs} changelog.Debian)
  install(FILES ${packaging}/debian/copyright DESTINATION ${docs} COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()

include(CPack)
