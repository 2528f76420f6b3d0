#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Everything that needs a GPU, by one command, in less than 8 minutes with carried binaries: the GPU's tests with skipping
# forbidden, compute-sanitizer, the benchmarks beside this host's PyTorch, Nsight Compute where its counters can be read.
# Leaves one JSON file; its table goes to stdout. The host needs the CUDA toolkit, cuDNN, CMake, a C++ compiler, Python
# with PyTorch, and the folder of bench/pack_deps.sh, unless it has those libraries itself.
#
#   bench/gpu_suite.sh [--deps FOLDER] [--out FILE] [--minutes 8] [--build FOLDER]
#   bench/gpu_suite.sh --rehearse [--out FILE] --build FOLDER    the same steps on the CPU with tiny sizes: no measurement
#
# Exit status: 0 all steps done, 1 a step failed or something is missing, 2 usage.
set -uo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '9,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
deps= out= minutes=8 rehearse= build=
while [ $# -gt 0 ]; do
  case "$1" in
    --deps) deps=$(realpath -m "${2:?}"); shift 2 ;;
    --out) out=${2:?}; shift 2 ;;
    --minutes) minutes=${2:?}; shift 2 ;;
    --build) build=${2:?}; shift 2 ;;
    --rehearse) rehearse=yes; shift ;;
    *) usage ;;
  esac
done
[ -z "$rehearse" ] || [ -n "$build" ] || usage

started=$SECONDS
left() { echo $((minutes * 60 - (SECONDS - started))); }
say() { echo "gpu_suite: $*" >&2; }

# What is missing, all of it, a line each.
missing=0
need() { say "missing: $*"; missing=1; }
python=
for candidate in "${TWINPATCH_PYTHON:-}" python3 /usr/bin/python3; do # the first one that has PyTorch
  [ -n "$candidate" ] && "$candidate" -c 'import torch' 2>/dev/null && { python=$candidate; break; }
done
[ -n "$python" ] || need "PyTorch: no Python found that imports torch (or set TWINPATCH_PYTHON)"
carried=
[ -n "$deps" ] && [ -x "$deps/bin/bench_engine" ] && carried=yes
if [ -z "$rehearse" ]; then
  nvidia-smi -L >/dev/null 2>&1 || need "an NVIDIA GPU with its driver (nvidia-smi does not answer)"
  [ -z "$deps" ] || [ -d "$deps/usr" ] || need "$deps/usr: make the folder with bench/pack_deps.sh"
  if [ -z "$carried" ] && [ -z "$build" ]; then
    command -v cmake >/dev/null || need "CMake"
    command -v nvcc >/dev/null || [ -x /usr/local/cuda/bin/nvcc ] || [ -n "${CUDACXX:-}" ] || need "the CUDA toolkit (nvcc)"
  fi
fi
[ "$missing" = 0 ] || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
steps=$work/steps.jsonl
failed=0
export PATH="$PATH:/usr/local/cuda/bin"
[ -z "$deps" ] || export LD_LIBRARY_PATH="$deps/usr/lib/$(uname -m)-linux-gnu:$deps/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

record() { # record STEP STATUS SECONDS REASON
  "$python" -c 'import json,sys; print(json.dumps(dict(zip(("step","status","seconds","reason"),
    (sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])))))' "$@" >> "$steps"
}
# step NAME LIMIT COMMAND…: runs it within LIMIT seconds and within what is left of all; its words go to NAME.log.
step() {
  local name=$1 limit=$2 begin=$SECONDS status reason=
  shift 2
  [ "$limit" -le "$(left)" ] || limit=$(left)
  if [ "$limit" -lt 5 ]; then
    say "$name: skipped, the time is spent"
    record "$name" skipped 0 "the time is spent"
    failed=1
    return 1
  fi
  timeout "$limit" "$@" > "$work/$name.log" 2>&1
  status=$?
  if [ "$status" = 0 ]; then
    record "$name" done $((SECONDS - begin)) ""
    say "$name: done in $((SECONDS - begin)) s"
    return 0
  fi
  [ "$status" != 124 ] || reason="not done within $limit s; "
  reason+=$(grep -v '^ *$' "$work/$name.log" | tail -n 1 | cut -c1-300)
  record "$name" failed $((SECONDS - begin)) "$reason"
  say "$name: failed: $reason"
  failed=1
  return 1
}
skip() { say "$1: skipped, $2"; record "$1" skipped 0 "$2"; }

# The programs: carried, given, or built here.
if [ -n "$carried" ]; then
  bin=$deps/bin
elif [ -n "$build" ]; then
  bin=$build/bin
else
  build=build/gpu-suite
  native=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
  [ "$native" != 90 ] || native=90a
  step configure 120 cmake --preset core -B "$build" -G "$(command -v ninja >/dev/null && echo Ninja || echo 'Unix Makefiles')" \
    -DTWINPATCH_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$native-real" ${deps:+-DCMAKE_PREFIX_PATH="$deps/usr"} || exit 1
  minutes=$((minutes + 30)) # compiling is not part of the 8 minutes
  step build 1800 cmake --build "$build" --parallel "$(nproc)" || exit 1
  minutes=$((minutes - 30 + (SECONDS - started) / 60 + 1))
  bin=$build/bin
fi
[ -x "$bin/bench_engine" ] || { say "missing: $bin/bench_engine"; exit 1; }

if [ -n "$rehearse" ]; then
  engine=(--device cpu --precisions fp32 --tiny)
  peers=(--device cpu --precisions fp32 --tiny --budget 60)
  echo '{"gpu": "none: a rehearsal on the CPU, no measurement"}' > "$work/host.json"
else
  engine=(--device cuda:0 --precisions fp16,fp32,tf32,bf16) # those with goals first
  peers=()
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.max.sm,power.limit,memory.total --format=csv,noheader -i 0 |
    "$python" -c 'import json,sys; names=("gpu","driver","clock","clock_max","power_limit","memory")
print(json.dumps(dict(zip(names, (word.strip() for word in sys.stdin.read().split(","))))))' > "$work/host.json"
fi

# A host where nothing can be measured says so in seconds, not after minutes: the libraries open, and a case runs.
if [ -z "$rehearse" ]; then
  step preflight 90 "$bin/bench_engine" --device cuda:0 --precisions fp32,fp16 --cases tower,l2_grid --tiny || exit 1
fi

# Tests that need a GPU: a skipped one is a failed one.
all_tests() {
  local program
  for program in "$@"; do
    echo "== $program"
    TWINPATCH_REQUIRE_GPU=1 "$program" > "$work/test.out" 2>&1 || { tail -n 40 "$work/test.out"; echo "$program failed"; return 1; }
    if grep -m 1 'skipped: ' "$work/test.out"; then echo "$program skipped a test"; return 1; fi
    tail -n 2 "$work/test.out"
  done
}
export -f all_tests
export work
shopt -s nullglob
tests=()
for program in "$bin"/test_cuda "$bin"/test_cuda_library; do # the label gpu; test_cuda_simt needs none, and minutes
  [ ! -x "$program" ] || tests+=("$program")
done
if [ -n "$rehearse" ]; then
  skip tests "a rehearsal"
elif [ ${#tests[@]} = 0 ]; then
  skip tests "no test programs in $bin"
  failed=1
else
  step tests 100 bash -c 'all_tests "$@"' bash "${tests[@]}"
fi

step bench_engine 150 "$bin/bench_engine" "${engine[@]}" --json "$work/engine.json"
# Rates of our fused kernels beside the library's, for cuda/plan/measured_kernels.cpp.
if [ -n "$rehearse" ]; then
  skip fused "a rehearsal on the CPU"
else
  step fused 60 "$bin/bench_engine" --device cuda:0 --kernels fused --precisions fp16,bf16 \
    --cases l2_grid,head_grid,tower,list,two_channel_grid --json "$work/fused.json"
fi
step pytorch 170 "$python" bench/peers/torch_gpu.py ${peers[@]+"${peers[@]}"} --budget 140 --json "$work/pytorch.json"

if [ -n "$rehearse" ]; then
  skip sanitizer "a rehearsal"
  skip ncu "a rehearsal"
else
  if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck initcheck; do
      sanitize() { # the library's tests spend their time in kernels of others
        local program
        for program in "${@:2}"; do
          case "$program" in *test_cuda_library) continue ;; esac
          compute-sanitizer --tool "$1" --error-exitcode 9 --kernel-name-exclude kernel_substring=cudnn "$program" || return 1
        done
      }
      export -f sanitize
      step "$tool" 60 bash -c 'sanitize "$@"' bash "$tool" "${tests[@]}"
    done
  else
    skip sanitizer "compute-sanitizer is not on this host"
  fi
  if ! command -v ncu >/dev/null; then
    skip ncu "ncu is not on this host"
  elif ncu --csv -c 1 --metrics gpu__time_duration.sum "$bin/bench_engine" --device cuda:0 --tiny --cases head_grid \
      --precisions fp32 2>&1 | grep -q ERR_NVGPUCTRPERM; then
    skip ncu "this host does not let its counters be read (ERR_NVGPUCTRPERM)"
  else
    step ncu 60 bash -c 'ncu --csv --page raw -c 60 --metrics "$1" "$2" --device cuda:0 --seconds 0 --precisions fp32,fp16 \
      --cases tower,head_grid,l2_grid > "$3"' bash \
      gpu__time_duration.sum,sm__throughput.avg.pct_of_peak_sustained_elapsed,dram__throughput.avg.pct_of_peak_sustained_elapsed,launch__registers_per_thread \
      "$bin/bench_engine" "$work/ncu.csv"
  fi
fi

commit=$(git rev-parse HEAD 2>/dev/null || sed -n 's/^commit //p' "${deps:-.}/manifest.txt" 2>/dev/null || true)
if [ -z "$out" ] && [ -n "$rehearse" ]; then
  out=$build/rehearsal.json
elif [ -z "$out" ]; then
  card=$("$python" -c 'import json,re,sys; print(re.sub("[^a-z0-9]+", "-", json.load(open(sys.argv[1]))["gpu"].lower()))' "$work/host.json")
  out=bench/results/gpu-$card.json
fi
"$python" bench/suite/report.py --folder "$work" --seconds $((SECONDS - started)) --commit "$commit" --out "$out" \
  ${rehearse:+--rehearsal} || exit 1
say "$out; $((SECONDS - started)) s in all"
exit "$failed"
