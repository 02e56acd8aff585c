#!/bin/sh
# Tests and benchmarks LoomOS on the GPU of this machine: x86-64 Linux, glibc >= 2.34, nothing else installed.
#   ./run.sh [OUT] [SECONDS]   results as JSON in OUT (default ./out), each step ended after SECONDS (default 140)
# Steps: tests; bench with a page's toggles; bench with a headless worker's; sweep of tiles.
# LOOMOS_BUNDLE_DRIVER=swiftshader|cpu runs on SwiftShader or on the CPU backend instead.
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/out}
limit=${2:-140}
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
export HOME="${HOME:-/tmp}" REQUIRE_GPU=1 LOOMOS_DRIVER=system LOOMOS_TEST_JSON="$out/tests.json"
node="$here/node"

case "$LOOMOS_BUNDLE_DRIVER" in
  cpu) export LOOMOS_DRIVER=cpu REQUIRE_GPU=0 ;;
  swiftshader) export LD_LIBRARY_PATH="$here/lib" VK_DRIVER_FILES="$here/lib/vk_swiftshader_icd.json" VK_ICD_FILENAMES="$here/lib/vk_swiftshader_icd.json" ;;
  *)
    # The system's Vulkan loader where it has one, else ours.
    /sbin/ldconfig -p 2>/dev/null | grep -q libvulkan.so.1 || export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    # A driver that no manifest in the usual places names.
    if [ -z "$VK_DRIVER_FILES" ] && ! ls /usr/share/vulkan/icd.d/nvidia* /etc/vulkan/icd.d/nvidia* >/dev/null 2>&1; then
      for manifest in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
        [ -e "$manifest" ] && export VK_DRIVER_FILES="$manifest" VK_ICD_FILENAMES="$manifest"
      done
    fi ;;
esac

step() { # NAME COMMAND…
  name=$1
  shift
  echo "== $name"
  timeout -k 5 "$limit" "$@" 2>&1 | tee "$out/$name.log"
}

cd "$here" || exit 2
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,memory.total --format=csv | tee "$out/nvidia-smi.csv"
step tests "$node" tests.mjs
step bench "$node" bench.mjs --quick --peers "$here/peers" --json "$out/bench.json"
step bench-headless "$node" bench.mjs --quick --peers "$here/peers" --json "$out/bench-headless.json" \
  --toggles allow_unsafe_apis,vulkan_enable_f16_on_nvidia,skip_validation,disable_robustness
step sweep "$node" bench.mjs --quick --sweep --json "$out/sweep.json"
ls -l "$out"
