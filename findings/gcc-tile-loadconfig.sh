#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# _tile_loadconfig loads the 64 bytes of an AMX tile configuration, and one would guess that stores just before it are what it
# loads. The header of Debian 12's gcc 12.2 names 8 of the bytes to the compiler, which drops the stores to the others: the
# tiles' rows and columns are never written, and the program faults, or multiplies tiles of another shape. It shows in the
# machine code, so no processor with AMX is needed. An asm that names the whole configuration keeps the stores.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download cpp-12=12.2.0-14+deb12u1 libgcc-12-dev=12.2.0-14+deb12u1 libisl23=0.25-1.1 libmpc3=1.3.1-1 \
  libmpfr6=4.2.0-1 libgmp10=2:6.2.1+dfsg1-1.1 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH=$dir/usr/lib/x86_64-linux-gnu
gcc=usr/lib/gcc/x86_64-linux-gnu/12

cat >tiles.c <<'EOF'
#include <immintrin.h>

struct tiles {
  unsigned char palette, start_row, reserved[14];
  unsigned short colsb[16];
  unsigned char rows[16];
};

void configure(unsigned short colsb, unsigned char rows) {
  struct tiles c = {.palette = 1};
  c.colsb[0] = colsb;
  c.rows[0] = rows;
#ifdef NAMED
  __asm__ volatile("" : : "m"(c));
#endif
  _tile_loadconfig(&c);
}
EOF
look() { # OPTIONS...: what becomes of the arguments, which come in %di and %sil; the C library's headers are not needed
  "$gcc/cc1" -quiet -O2 -mamx-tile -nostdinc -isystem "$gcc/include" -D_MM_MALLOC_H_INCLUDED "$@" tiles.c -o tiles.s
  for argument in colsb=di rows=sil; do
    grep -qE "%${argument#*=}\b" tiles.s && echo "${argument%=*} stored" || echo "${argument%=*} dropped"
  done
}
{ echo "as it is:" && look && echo "with an asm that names it:" && look -DNAMED; } >seen
cat seen
diff - seen <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
as it is:
colsb dropped
rows dropped
with an asm that names it:
colsb stored
rows stored
EOF
