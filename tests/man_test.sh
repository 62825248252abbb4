#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The man page has every command with exactly the options that its -h prints, and says what each option does.
#   usage: man_test.sh <infuse>
set -eu
infuse=$1 page=docs/infuse.1
. tests/support/shell.sh

"$infuse" -h | awk '/^  [a-z]/ { print $1 }' >"$work/commands"
while read -r command; do
  "$infuse" "$command" -h | awk -v c="$command" '
    /^  -/ { sub(/^  /, ""); sub(/  .*/, ""); print c, $0 }'
done <"$work/commands" | LC_ALL=C sort >"$work/help"
[ "$(wc -l <"$work/help")" -gt 50 ] || fail "-h prints next to no options"

# "command -o VALUE" for each Fl of the synopsis, and "-o VALUE" for each item behind OPTIONS.
awk -v synopsis="$work/synopsis" -v items="$work/items" '
  function spell(s) { gsub(/ Ar /, " ", s); gsub(/ , Fl Fl /, ", --", s); sub(/^Fl Fl /, "--", s); sub(/^Fl /, "-", s); return s }
  /^\.Sh/ { section = $2 }
  section == "SYNOPSIS" && /^\.Cm/ { command = $2 }
  section == "SYNOPSIS" && /^\.(Op )?Fl/ { sub(/^\.(Op )?/, ""); print command, spell($0) >synopsis }
  section == "OPTIONS" && /^\.It Fl/ { sub(/^\.It /, ""); print spell($0) >items }' $page
sed 's/, --[a-z-]*//' "$work/help" | LC_ALL=C sort >"$work/short"
LC_ALL=C sort "$work/synopsis" | diff "$work/short" - || fail "-h (<) and the synopsis of $page (>) differ"
cut -d ' ' -f 2- "$work/help" | LC_ALL=C sort -u >"$work/options"
LC_ALL=C sort "$work/items" | diff "$work/options" - || fail "-h (<) and the options of $page (>) differ"
