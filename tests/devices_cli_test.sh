#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# devices_cli_test.sh INFUSE DRIVERS: GPUs as a user sees them, on the drivers of tests/drivers: what is listed, why there
# is none, and that only who asks for one is refused.
set -eu
infuse=$1
export LD_LIBRARY_PATH=$2 INFUSE_CACHE_DIR=
. tests/support/shell.sh

says() { # says <code> <FAKE_GPU> <line of what is printed> <arguments>...
  wanted=$1 settings=$2 line=$3 code=0
  shift 3
  FAKE_GPU=$settings "$infuse" "$@" >"$work/out" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || fail "infuse $*: exit $code, not $wanted: $(cat "$work/out")"
  grep -q -e "$line" "$work/out" || fail "infuse $*: says no '$line': $(cat "$work/out")"
}

says 0 devices=2 '^cuda: NVIDIA Fake H200, 132 multiprocessors, .* sm_90 sm_90a cublaslt$' devices
[ "$(grep -c '^cuda: ' "$work/out")" = 2 ] || fail "two GPUs are not two"
grep -q '^hip: AMD Fake MI300X, 304 multiprocessors, .* gfx942 hipblaslt$' "$work/out"
hasnt "$work/out" "not available"
says 0 devices=1 '^cuda measured: reads [0-9.]* GB/s, copies [0-9.]* GB/s$' devices --device cuda
says 0 devices=1 '^cuda: ' devices --figures stated
hasnt "$work/out" measured
says 0 'devices=1 fail=alloc:2:2' 'NVIDIA Fake H200 is not measured: .* cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY' devices

says 0 devices=0 '^cuda: not available: cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)$' devices
says 4 devices=0 '^infuse: device cuda: cuInit: CUDA_ERROR_NO_DEVICE' devices --device cuda
for command in 'generate --tokens 1,2,3' 'logits --tokens 1,2,3' verify explain tune 'bench latency' 'bench kernels' \
  eval; do
  # shellcheck disable=SC2086
  says 4 devices=0 '^infuse: device cuda: cuInit: CUDA_ERROR_NO_DEVICE' $command -m checkpoints/gpt-oss-tiny --device cuda
  [ "$(wc -l <"$work/out")" = 1 ] || fail "infuse $command: more than one line: $(cat "$work/out")"
done
says 4 'version=11040' 'device cuda: the driver is of CUDA 11.4; infuse needs 12.0 or later$' devices --device cuda
says 4 'architecture=gfx1100' 'device hip: GPU 0 is a gfx1100; infuse has code for gfx942 and gfx950$' devices --device hip
says 4 'fail=stream_sync:5:700' 'cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS .* any more$' check --device cuda add
says 4 'fail=alloc:5:2' 'cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)$' check --device cuda add
says 4 'capability=100 fail=module_load:1:218' 'device cuda does not take our kernels: cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX' \
  devices --device cuda
