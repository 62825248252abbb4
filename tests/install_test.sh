#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install_test.sh BUILD CC: installs into a folder of its own, compiles the example against it as a user would, runs it.
set -eu
build=$1 cc=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cmake --install "$build" --prefix "$root" >/dev/null
pc=$(dirname "$(find "$root" -name infuse.pc)")
flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-variable=prefix="$root" --cflags --libs infuse)
# shellcheck disable=SC2086
"$cc" examples/embed.c $flags -o "$root/embed"
LD_LIBRARY_PATH=$(dirname "$pc") "$root/embed" models/gpt-oss-small "Hello" 4 >/dev/null
[ "$("$root/bin/infuse" --version)" = "infuse $(PKG_CONFIG_PATH=$pc pkg-config --modversion infuse)" ]
[ -s "$(find "$root" -name infuse.1)" ]
