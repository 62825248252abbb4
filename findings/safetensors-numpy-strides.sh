#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# safetensors.numpy.save takes any array; one would guess that it writes the array's values or refuses views.
# safetensors 0.8.0 writes the memory behind the view in order and the view's shape: a transpose, a Fortran-order array and a
# strided slice come back as other values, without an error. bfloat16 (ml_dtypes) is written, but load raises KeyError.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.3.5 ml_dtypes==0.6.0
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
import ml_dtypes, numpy as np
from safetensors.numpy import load, save

def back(a):
    return load(save({"t": a}))["t"].tolist()

a = np.arange(6, dtype=np.float32).reshape(2, 3)
for name, view in (("transpose", a.T), ("Fortran order", np.asfortranarray(a)), ("slice", a[:, ::2])):
    print(name, view.tolist(), "->", back(view))
print("contiguous copy", back(np.ascontiguousarray(a.T)))
try:
    print(back(np.ones(2, dtype=ml_dtypes.bfloat16)))
except KeyError as e:
    print("bfloat16: KeyError", e)
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
transpose [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]] -> [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
Fortran order [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] -> [[0.0, 3.0, 1.0], [4.0, 2.0, 5.0]]
slice [[0.0, 2.0], [3.0, 5.0]] -> [[0.0, 1.0], [2.0, 3.0]]
contiguous copy [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
bfloat16: KeyError 'BF16'
EOF
