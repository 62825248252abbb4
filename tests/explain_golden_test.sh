#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is decided for every folder of configs/, against the files in tests/golden/explain/: a fusion that is lost or a
# kernel that changes shows there in review. With --accept the files are written instead (tools/accept_goldens).
#   usage: explain_golden_test.sh <infuse> [--accept]
set -eu
infuse=$1 accept=${2-}
golden=tests/golden/explain
. tests/support/shell.sh

# A line each: the end of the file's name, then options. Targets only, so that no file depends on this machine.
cases='gfx950 --target gfx950
gfx950.world2 --target gfx950 --world 2
gfx950.world2.ordered --target gfx950 --world 2 --fuse ordered --fuse-order all_reduce_rms_norm,add_rms_norm_pad
sm_90 --target sm_90
zen5 --target zen5'

for config in configs/*/; do
  config=$(basename "$config")
  echo "$cases" | while read -r name options; do
    # shellcheck disable=SC2086 # options are words
    "$infuse" explain -m "configs/$config" --device null --brief $options >"$work/$config.$name.txt"
  done
done

if [ "$accept" = --accept ]; then
  mkdir -p "$golden"
  rm -f "$golden"/*.txt
  cp "$work"/*.txt "$golden"
  exit
fi
if ! diff -ru "$golden" "$work"; then
  echo "What is decided (+) is not what was accepted (-). If that is meant: tools/accept_goldens, and commit the files."
  exit 1
fi
