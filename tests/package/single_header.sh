#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The single header: a program compiles with only this header, and prints the same as with the separate
# headers.
#
# single_header.sh PYTHON SOURCE CXX XXHASH_INCLUDE_DIR
set -euo pipefail
python=$1 source=$2 compiler=$3 xxhash=$4

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
compile() { "$compiler" -std=c++20 -O1 -pthread -Wall -Wextra -Werror "$@"; }

mkdir "$folder/alone"
"$python" "$source/scripts/amalgamate.py" --xxhash "$xxhash/xxhash.h" --output "$folder/alone/ibid_single.h"
! grep -nE '^#include ("ibid|<xxhash)' "$folder/alone/ibid_single.h" || failed "it includes a header of ours"
program=$source/tests/package/single_header.cpp

compile -DSINGLE_HEADER -isystem "$folder/alone" "$program" -o "$folder/single" || failed "build with the single header"
compile -I"$source/include" -I"$xxhash" "$program" -o "$folder/separate" || failed "build with the separate headers"
"$folder/single" >"$folder/single.out" || failed "the program with the single header"
"$folder/separate" >"$folder/separate.out" || failed "the program with the separate headers"
diff "$folder/single.out" "$folder/separate.out" || failed "the two print different things"
grep -q 'hits' "$folder/single.out" || failed "it prints nothing"
