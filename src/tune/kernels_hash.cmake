# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a header that defines NF_KERNELS_HASH: a hash of all files in FOLDER and of their names.
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(all "")
foreach(name ${files})
  file(SHA256 ${FOLDER}/${name} hash)
  string(APPEND all "${name} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING ${hash} 0 16 hash)
file(WRITE ${OUT} "// SPDX-License-Identifier: Apache-2.0\n// Made from src/kernels.\n#define NF_KERNELS_HASH \"${hash}\"\n")
