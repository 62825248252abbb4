#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install_test.sh BUILD CC: installs below two prefixes that the build did not know, one of them under DESTDIR; compiles
# programs against it as users would, with pkg-config and CMake, shared and static, C and C++; and removes all of it again.
set -eu
build=$1 cc=$2 model=checkpoints/gpt-oss-small
. tests/support/shell.sh
run() { "$@" $model Hello 4 >"$work/out" 2>&1 || fail "fails: $*: $(cat "$work/out")"; }

cmake --install "$build" --prefix "$work/first" >/dev/null
DESTDIR=$work/stage cmake --install "$build" --prefix /opt/second >/dev/null

# Only infuse.pc is there: our own dependencies are nobody's business.
export PKG_CONFIG_LIBDIR="$work/first/lib/pkgconfig"
[ -e "$PKG_CONFIG_LIBDIR/infuse.pc" ] || PKG_CONFIG_LIBDIR=$(dirname "$(find "$work/first" -name infuse.pc)")
lib=$(pkg-config --variable=libdir infuse)
[ "$(pkg-config --variable=prefix infuse)" = "$work/first" ]
grep -qx 'prefix=/opt/second' "$(find "$work/stage" -name infuse.pc)"
[ "$("$work/first/bin/infuse" --version)" = "infuse $(pkg-config --modversion infuse)" ]
[ -s "$(find "$work/first" -name infuse.1)" ]

# shellcheck disable=SC2046
"$cc" examples/embed.c $(pkg-config --cflags --libs infuse) -o "$work/shared"
LD_LIBRARY_PATH=$lib run "$work/shared"
# shellcheck disable=SC2046
"$cc" examples/embed.c $(pkg-config --static --cflags --libs infuse | sed 's/-linfuse/-l:libinfuse.a/') -o "$work/static"
run "$work/static"
if nm -g --defined-only "$lib/libinfuse.a" | awk 'NF == 3 { print $3 }' | grep -v '^infuse_'; then
  fail "libinfuse.a shows names that are not infuse_*"
fi

mkdir "$work/user"
cp examples/embed.c "$work/user"
cat >"$work/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(infuse 0.1 REQUIRED)
add_executable(shared embed.c)
target_link_libraries(shared PRIVATE infuse::infuse)
add_executable(static embed.c)
target_link_libraries(static PRIVATE infuse::infuse_static)
END
cmake -S "$work/user" -B "$work/user/build" "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$work/first" >/dev/null
cmake --build "$work/user/build" >/dev/null
run "$work/user/build/shared"
run "$work/user/build/static"

if command -v c++ >/dev/null; then
  printf '#include <infuse/inspect.h>\nint main() { return infuse_version() == nullptr; }\n' >"$work/user.cc"
  # shellcheck disable=SC2046
  c++ -Wall -Wextra -Werror "$work/user.cc" $(pkg-config --cflags --libs infuse) -o "$work/cxx"
  LD_LIBRARY_PATH=$lib "$work/cxx"
fi

tools/uninstall "$build" --prefix "$work/first"
DESTDIR=$work/stage tools/uninstall "$build" --prefix /opt/second
left=$(find "$work/first" "$work/stage" -mindepth 1 2>/dev/null || true)
[ -z "$left" ] || fail "uninstall leaves $left"
