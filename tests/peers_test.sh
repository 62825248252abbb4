#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# peers_test.sh INFUSE: bench/peers reads outputs of each engine's form, gives medians and ratios, runs engines in turns,
# and says in a line what is missing. The peers here are stand-ins that print tests/data/peers/.
set -eu
infuse=$1 peers=bench/peers data=$PWD/tests/data/peers
. tests/support/shell.sh

# ---- figures ----

same "llama.cpp-1 qwen3_0.6B_BF16 457.142857 35.700000 <=1192" \
  "$($peers/figures llama llama.cpp-1 "$data/prefill.csv" "$data/decode.csv")"
same "vllm bf16-activations 256 20 -" "$($peers/figures vllm 512 64 "$data/vllm.1.json" "$data/vllm.64.json")"
echo '{"prefill_throughput":100.5,"decode_throughput":2e1,"weight_types":["bf16","mxfp4"],"weight_mb_per_step":12.5}' \
  >"$work/infuse.json"
same "infuse bf16+mxfp4 100.5 2e1 12.5" "$($peers/figures infuse "$work/infuse.json")"
head -n 1 "$data/prefill.csv" >"$work/headless"
ends 3 "no one row with n_gen" $peers/figures llama x "$work/headless" "$data/decode.csv"
tail -n 1 "$data/prefill.csv" | cut -d , -f 1-9 | cat "$work/headless" - >"$work/short"
ends 3 "no one row with n_gen" $peers/figures llama x "$work/short" "$data/decode.csv"
ends 3 "are not of a prompt and an answer" $peers/figures llama x "$data/decode.csv" "$data/prefill.csv"
ends 3 "has no number avg_latency" $peers/figures vllm 512 64 "$work/infuse.json" "$data/vllm.64.json"
ends 3 "took no longer than" $peers/figures vllm 512 64 "$data/vllm.64.json" "$data/vllm.1.json"
ends 3 "has no weight_types" $peers/figures infuse "$data/vllm.1.json"

cat >"$work/figures" <<END
infuse bf16 300 30 1190.4
llama.cpp-1 qwen3_0.6B_BF16 100 10 <=1192
infuse bf16 100 50 1190.4
llama.cpp-1 qwen3_0.6B_BF16 50 40 <=1192
infuse bf16 200 40 1190.4
llama.cpp-1 qwen3_0.6B_BF16 75 20 <=1192
END
$peers/figures table "$work/figures" | awk '{ $1 = $1 } 1' >"$work/table"
has "$work/table" "infuse bf16 1190 200.00 40.00"
has "$work/table" "llama.cpp-1 qwen3_0.6B_BF16 <=1192 75.00 20.00 2.67 2.00"
echo "infuse bf16 1" >"$work/figures"
ends 3 "line 1 has not 5 figures" $peers/figures table "$work/figures"

# ---- a model for llama.cpp: its head, and its size from the shapes ----

if command -v python3 >/dev/null; then
  $peers/make_gguf.py configs/qwen3-0.6b/config.json "$work/one.gguf" --layers 1
  grep -qaF general.file_type "$work/one.gguf" || fail "a guess of its class is up to the reader"
  same "GGUF 0003" "$(head -c 4 "$work/one.gguf") $(od -An -t x1 -j 4 -N 2 "$work/one.gguf" | awk '{ print $2 $1 }')"
  layer=$((2 * 1024 * (2048 + 2 * 1024 + 2048 + 3 * 3072) + 4 * (2 * 1024 + 2 * 128)))
  least=$((2 * 151936 * 1024 + 4 * 1024 + layer)) size=$(wc -c <"$work/one.gguf")
  [ "$size" -gt "$least" ] && [ "$size" -lt $((least + 4096)) ] || fail "a model of $size bytes, not of $least and its head"
  ends 1 "not one of qwen3 gpt_oss" $peers/make_gguf.py configs/qwen3-next-80b-a3b-fp8/config.json "$work/no.gguf"
  ends 1 "--layers 99 is not from 1 to 28" $peers/make_gguf.py configs/qwen3-0.6b/config.json "$work/no.gguf" --layers 99
  rm "$work/one.gguf"
else
  echo "no python3: make_gguf.py is not tested"
fi

# ---- the course ----

cat >"$work/llama-bench" <<END
#!/bin/sh
echo llama "\$*" >>"$work/calls"
case "\$*" in *" -n 0"*) cat "$data/prefill.csv" ;; *) cat "$data/decode.csv" ;; esac
END
cat >"$work/vllm" <<END
#!/bin/sh
echo vllm "\$* \$VLLM_CPU_OMP_THREADS_BIND \$OMP_NUM_THREADS" >>"$work/calls"
while [ "\$1" != --output-len ]; do shift; done
n=\$2
while [ "\$1" != --output-json ]; do shift; done
[ \$n = 1 ] || n=64
cp "$data/vllm.\$n.json" "\$2"
END
chmod +x "$work/llama-bench" "$work/vllm"
: >"$work/model.gguf"
run() {
  $peers/run -m checkpoints/gpt-oss-small --infuse "$infuse" --input-len 8 --output-len 4 --rounds 2 --threads 1 "$@"
}
run --gguf "$work/model.gguf" --llama-bench "$work/llama-bench" --llama-bench "$work/llama-bench" --vllm "$work/vllm" \
  -- --layers 2 >"$work/out" 2>"$work/err"
[ ! -s "$work/err" ] || fail "says: $(cat "$work/err")"
for engine in 'infuse  ' 'llama.cpp-1  ' 'llama.cpp-2  ' 'vllm  '; do has "$work/out" "$engine"; done
has "$work/out" "prompt of 8 tokens, answer of 4, batch 1, 1 threads, medians of 2 runs in turns"
same "llama llama llama llama vllm vllm llama llama llama llama vllm vllm" "$(cut -d ' ' -f 1 "$work/calls" | tr '\n' ' ' | sed 's/ $//')"
has "$work/calls" "-n 4 -d 8"
has "$work/calls" "--max-model-len 12 --input-len 8 --output-len 4"
has "$work/calls" " nobind 1"

run --llama-bench no-such-program --vllm no-such-vllm >"$work/out" 2>"$work/err"
has "$work/err" "peers: vLLM: no program no-such-vllm (--vllm PROGRAM); left out"
has "$work/err" "peers: llama.cpp: no program no-such-program (--llama-bench PROGRAM); left out"
same 2 "$(wc -l <"$work/err")"
has "$work/out" 'infuse  '
run --llama-bench "$work/llama-bench" --vllm no-such-vllm >"$work/out" 2>"$work/err"
has "$work/err" "llama.cpp: no model for $work/llama-bench (--gguf FILE)"
printf '#!/bin/sh\necho cannot load >&2\nexit 1\n' >"$work/llama-bench"
ends 4 "$work/llama-bench failed: cannot load" run --gguf "$work/model.gguf" --llama-bench "$work/llama-bench" --vllm none
ends 2 "-m DIR is missing" $peers/run --rounds 2
ends 2 "--rounds: '0' is not a number of at least 1" $peers/run -m x --rounds 0
ends 2 "there is no option --round" $peers/run -m x --round 2
ends 3 "no/such" $peers/run -m no/such --infuse "$infuse" --vllm none
