# SPDX-License-Identifier: Apache-2.0
# Joins PTX files into one module: the header and each external declaration once; and the bounds of a kernel's launches,
# which C has no attribute for and lane/gpu.h leaves as a comment in its body, behind its parameters. With
# -v target=ARCH, which takes all that the files were compiled for.
function flush_entry() {
  if (bounds != "") {
    split(bounds, n, " ")
    print ".maxntid " n[1]
    print ".minnctapersm " n[2]
  }
  printf "%s", body
  body = bounds = ""
  inside = 0
}
/^\.target/ { $2 = target }
/^\.(version|target|address_size)/ && seen[$1]++ { next }
/^\.extern/ && seen[$0]++ { next }
/^\.visible \.entry|^\.entry/ { entry = 1 }
entry && /^\{/ { entry = 0; inside = 1; body = "{\n"; next }
inside {
  if ($1 == "//" && $2 == "@bounds") bounds = $3 " " $4
  else body = body $0 "\n"
  if (/^\}/) flush_entry()
  next
}
/^[ \t]*\/\// { next }
{ print }
