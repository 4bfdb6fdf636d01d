#!/bin/sh
# Fuzzes every target, SECONDS in all (default 60). Needs stable Rust and a C++ compiler, no cargo-fuzz.
#   tests/fuzz/run.sh [SECONDS]
# What it finds is left in the folder `found` beside the build. A crash fails the run.
set -eu

seconds=${1:-60}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${CARGO_TARGET_DIR:-$here/target}
case $out in /*) ;; *) out=$PWD/$out ;; esac
host=$(rustc -vV | sed -n 's/^host: //p')
targets='framing diagnostic graph times stated_reason'

# Stable Rust has LLVM's coverage pass but no flag of its own for it. One codegen unit, since the
# linker would drop the counters of others. With --target the flags leave build scripts alone.
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Ccodegen-units=1'
flags="$flags -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table"
export "CARGO_TARGET_$(echo "$host" | tr 'a-z-' 'A-Z_')_RUSTFLAGS=$flags"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS 2>/dev/null || true
CARGO_TARGET_DIR=$out/fuzz cargo build --release --locked --target "$host" \
    --manifest-path "$here/Cargo.toml"

count=$(echo "$targets" | wc -w)
each=$((seconds / count))
[ "$each" -gt 0 ] || each=1
mkdir -p "$out/fuzz/found"
for target in $targets; do
    echo "== $target, $each s"
    # New inputs are kept with the build; the ones committed are only read.
    mkdir -p "$out/fuzz/grown/$target"
    "$out/fuzz/$host/release/$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=1024 \
        -max_len=4096 -print_final_stats=0 -verbosity=0 -dict="$here/words.dict" \
        -artifact_prefix="$out/fuzz/found/$target-" \
        "$out/fuzz/grown/$target" "$here/corpus/$target"
done
echo "no crash in $count targets"
