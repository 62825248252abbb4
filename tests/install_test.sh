#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install_test.sh BUILD CC: installs below two prefixes that the build did not know, one of them under DESTDIR; compiles
# programs against it as users would, with pkg-config and CMake, shared and static, C and C++; and removes all of it again.
set -eu
build=$1 cc=$2 model=checkpoints/gpt-oss-small
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
run() { "$@" $model Hello 4 >"$root/out" 2>&1 || { cat "$root/out" && echo "fails: $*" && exit 1; }; }

cmake --install "$build" --prefix "$root/first" >/dev/null
DESTDIR=$root/stage cmake --install "$build" --prefix /opt/second >/dev/null

# Only infuse.pc is there: our own dependencies are nobody's business.
export PKG_CONFIG_LIBDIR="$root/first/lib/pkgconfig"
[ -e "$PKG_CONFIG_LIBDIR/infuse.pc" ] || PKG_CONFIG_LIBDIR=$(dirname "$(find "$root/first" -name infuse.pc)")
lib=$(pkg-config --variable=libdir infuse)
[ "$(pkg-config --variable=prefix infuse)" = "$root/first" ]
grep -qx 'prefix=/opt/second' "$(find "$root/stage" -name infuse.pc)"
[ "$("$root/first/bin/infuse" --version)" = "infuse $(pkg-config --modversion infuse)" ]
[ -s "$(find "$root/first" -name infuse.1)" ]

# shellcheck disable=SC2046
"$cc" examples/embed.c $(pkg-config --cflags --libs infuse) -o "$root/shared"
LD_LIBRARY_PATH=$lib run "$root/shared"
# shellcheck disable=SC2046
"$cc" examples/embed.c $(pkg-config --static --cflags --libs infuse | sed 's/-linfuse/-l:libinfuse.a/') -o "$root/static"
run "$root/static"
if nm -g --defined-only "$lib/libinfuse.a" | awk 'NF == 3 { print $3 }' | grep -v '^infuse_'; then
  echo "libinfuse.a shows names that are not infuse_*" && exit 1
fi

mkdir "$root/user"
cp examples/embed.c "$root/user"
cat >"$root/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(infuse 0.1 REQUIRED)
add_executable(shared embed.c)
target_link_libraries(shared PRIVATE infuse::infuse)
add_executable(static embed.c)
target_link_libraries(static PRIVATE infuse::infuse_static)
END
cmake -S "$root/user" -B "$root/user/build" "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$root/first" >/dev/null
cmake --build "$root/user/build" >/dev/null
run "$root/user/build/shared"
run "$root/user/build/static"

if command -v c++ >/dev/null; then
  printf '#include <infuse/inspect.h>\nint main() { return infuse_version() == nullptr; }\n' >"$root/user.cc"
  # shellcheck disable=SC2046
  c++ -Wall -Wextra -Werror "$root/user.cc" $(pkg-config --cflags --libs infuse) -o "$root/cxx"
  LD_LIBRARY_PATH=$lib "$root/cxx"
fi

tools/uninstall "$build" --prefix "$root/first"
DESTDIR=$root/stage tools/uninstall "$build" --prefix /opt/second
left=$(find "$root/first" "$root/stage" -mindepth 1 2>/dev/null || true)
[ -z "$left" ] || { echo "uninstall leaves $left" && exit 1; }
