#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The C++20 module: it compiles, and in a program of two files, one with `import ibid;` and one with headers,
# both files share values. (docs/decisions/0027-reference-and-module.md says which compilers can.)
#
# If no installed Clang is new enough: with IBID_TEST_LONG=1, Debian's newest is unpacked into ~/.cache/ibid,
# without installing it; otherwise the test is skipped (77).
#
# module.sh SOURCE XXHASH_INCLUDE_DIR
set -euo pipefail
source=$1 xxhash=$2
readonly oldest=16 newest=26

failed() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
skipped() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

compiler=''
for ((version = newest; version >= oldest; --version)); do
    if command -v "clang++-$version" >/dev/null; then
        compiler=clang++-$version
        break
    fi
done
if [[ -z $compiler ]]; then
    [[ ${IBID_TEST_LONG-} == 1 ]] || skipped "no Clang from $oldest on"
    command -v apt-get >/dev/null || skipped "no Clang from $oldest on, and no apt-get"
    for ((version = newest; version >= oldest; --version)); do
        # The simulation fails if a package is not available.
        packages=("clang-$version" "libclang-cpp$version" "libllvm$version" "libclang-common-$version-dev")
        apt-get install --simulate --no-install-recommends "${packages[@]}" >/dev/null 2>&1 || continue
        folder=${XDG_CACHE_HOME:-$HOME/.cache}/ibid/clang-$version
        if [[ ! -e $folder/complete ]]; then
            mkdir -p "$folder"
            (cd "$folder" && apt-get download -q "${packages[@]}" && for file in *.deb; do dpkg -x "$file" .; rm "$file"; done) ||
                skipped "clang-$version cannot be downloaded"
            touch "$folder/complete"
        fi
        LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu):$folder/usr/lib/llvm-$version/lib
        export LD_LIBRARY_PATH
        compiler=$folder/usr/lib/llvm-$version/bin/clang++
        break
    done
    [[ -n $compiler ]] || skipped "no Clang from $oldest on is available"
fi
"$compiler" --version | head -n 1

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
compile() { "$compiler" -std=c++20 -O1 -pthread -Wall -Wextra -Werror "$@"; }
compile -I"$source/include" -I"$xxhash" --precompile -x c++-module "$source/include/ibid/ibid.cppm" -o "$made/ibid.pcm" ||
    failed "build of the module"
compile -c "$made/ibid.pcm" -o "$made/ibid.o" || failed "build of the module's object"
compile -fmodule-file=ibid="$made/ibid.pcm" -c "$source/tests/package/module/with_import.cpp" -o "$made/with_import.o" ||
    failed "build of a file with the import"
compile -I"$source/include" -I"$xxhash" -c "$source/tests/package/module/with_headers.cpp" -o "$made/with_headers.o" ||
    failed "build of a file with the headers"
"$compiler" -pthread "$made"/*.o -o "$made/program" || failed "linking"
"$made/program" || failed "the program"
# The import gives access only to public names.
echo 'import ibid; ibid::detail::hash_secret* hidden;' >"$made/hidden.cpp"
! compile -fmodule-file=ibid="$made/ibid.pcm" -fsyntax-only "$made/hidden.cpp" 2>/dev/null || failed "ibid::detail is exported"
