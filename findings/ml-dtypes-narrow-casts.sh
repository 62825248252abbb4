#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FP8 quantisers saturate: what lies beyond 448 becomes 448, and so one guesses that a cast to float8_e4m3fn does.
# ml_dtypes 0.6.0 rounds what is nearest to 448 to it and makes NaN of the rest, infinity too; float4_e2m1fn has no NaN and
# makes minus zero of it; float8_e8m0fnu makes NaN (255) of zero and negatives, but the smallest power (0) of 1e-45.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install ml_dtypes==0.6.0 numpy==2.3.5
"$dir/venv/bin/python" - >"$dir/seen" <<'EOF'
import ml_dtypes, numpy as np

def cast(values, dtype):
    return np.array(values, dtype=np.float32).astype(dtype)

print("e4m3fn of 448 464 464.01 500 inf:", cast([448, 464, 464.01, 500, np.inf], ml_dtypes.float8_e4m3fn).tolist())
print("e2m1fn of nan 7 inf -0.25:", cast([np.nan, 7, np.inf, -0.25], ml_dtypes.float4_e2m1fn).tolist())
print("e8m0 codes of 0 3 -1 1e-45:", cast([0, 3, -1, 1e-45], ml_dtypes.float8_e8m0fnu).view(np.uint8).tolist())
EOF
cat "$dir/seen"
diff - "$dir/seen" <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
e4m3fn of 448 464 464.01 500 inf: [448.0, 448.0, nan, nan, nan]
e2m1fn of nan 7 inf -0.25: [-0.0, 6.0, 6.0, -0.0]
e8m0 codes of 0 3 -1 1e-45: [255, 129, 255, 0]
EOF
