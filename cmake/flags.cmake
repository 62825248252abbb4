# SPDX-License-Identifier: Apache-2.0
# Flags of every C file. Rooms add what one folder needs (an instruction set) through nf_room(... OPTIONS ...).
set(CMAKE_C_STANDARD 23) # gnu2x for gcc 12 and clang 14
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g") # assertions stay
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# -Wno-psabi: vectors are passed between inline functions only. Results must not depend on what a compiler likes to contract into an fma: kernels ask for it by name.
# Absent operands and attributes are left out of initialisers on purpose.
add_compile_options(-Wall -Wextra -Werror -Wno-psabi -Wno-missing-field-initializers -fno-math-errno -ffp-contract=off)
add_compile_definitions(_GNU_SOURCE INFUSE_VERSION="${PROJECT_VERSION}")
include_directories(${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)

# What a program calls of others is looked up as it begins, and can't be written over from then on.
add_link_options(-Wl,-z,relro,-z,now)

set(nf_sanitize ${INFUSE_SANITIZE})
if(INFUSE_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "INFUSE_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
  endif()
  if(nf_sanitize)
    message(FATAL_ERROR "INFUSE_FUZZ brings its own sanitizers: leave INFUSE_SANITIZE empty")
  endif()
  set(nf_sanitize fuzzer-no-link,address,undefined)
endif()
if(nf_sanitize)
  add_compile_options(-fsanitize=${nf_sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${nf_sanitize})
endif()

# Of what computes: compilers take minutes to watch every sum of a pointer and every load of unrolled tiles, and programs
# most of their time. Where a pointer that wrapped leads to is watched as everywhere.
set(nf_sanitize_kernels)
if(nf_sanitize MATCHES undefined)
  list(APPEND nf_sanitize_kernels -fno-sanitize=pointer-overflow)
endif()
if(nf_sanitize AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
  list(APPEND nf_sanitize_kernels -Wno-pass-failed -mllvm -pragma-unroll-threshold=64)
endif()
