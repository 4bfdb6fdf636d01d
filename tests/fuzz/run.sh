#!/bin/sh
# Fuzzes every target, SECONDS in all (default 60). Needs stable Rust and a C++ compiler, no cargo-fuzz.
#   tests/fuzz/run.sh [SECONDS]
# What it finds is left in the folder `found` beside the build. A crash fails the run.
set -eu

seconds=${1:-60}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${CARGO_TARGET_DIR:-$here/target}
case $out in /*) ;; *) out=$PWD/$out ;; esac
targets='framing dialects csv containers diagnostic graph json times stated_reason'

# Stable Rust has LLVM's coverage pass but no flag of its own for it. Only the targets themselves get
# it, so what they depend on is built as usual. One codegen unit, since the linker would drop the
# counters of others.
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Ccodegen-units=1'
flags="$flags -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table"
for target in $targets; do
    # shellcheck disable=SC2086 # the flags are several words
    CARGO_TARGET_DIR=$out/fuzz cargo rustc --release --locked --bin "$target" \
        --manifest-path "$here/Cargo.toml" -- $flags
done

count=$(echo "$targets" | wc -w)
each=$((seconds / count))
[ "$each" -gt 0 ] || each=1
mkdir -p "$out/fuzz/found"
for target in $targets; do
    echo "== $target, $each s"
    # New inputs are kept with the build; the ones committed are only read.
    mkdir -p "$out/fuzz/grown/$target"
    "$out/fuzz/release/$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=1024 \
        -max_len=4096 -print_funcs=0 -verbosity=0 -dict="$here/words.dict" \
        -artifact_prefix="$out/fuzz/found/$target-" \
        "$out/fuzz/grown/$target" "$here/corpus/$target"
done
echo "no crash in $count targets"
