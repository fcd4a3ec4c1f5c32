#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the build, moves the tree, and uses it from there: the command, a consumer with CMake, one with
# pkg-config, and consumers that include ibid with add_subdirectory and with FetchContent.
#
# installed_package.sh CMAKE BUILD SOURCE CXX LIBDIR GENERATOR
set -euo pipefail
cmake=$1 build=$2 source=$3 compiler=$4 libdir=$5 generator=$6

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

failed() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

"$cmake" --install "$build" --prefix "$folder/first" >"$folder/install.log" || failed "cmake --install: $(cat "$folder/install.log")"
mv "$folder/first" "$folder/prefix" # no file may contain the path of the installation
prefix=$folder/prefix

openssl=no
[[ ! -e $prefix/$libdir/pkgconfig/ibid-openssl.pc ]] || openssl=yes

echo "-- find_package"
"$cmake" -S "$source/tests/package/consumer" -B "$folder/consumer" -G "$generator" -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$prefix" -DWITH_OPENSSL=$openssl >"$folder/configure.log" 2>&1 || failed "find_package: $(cat "$folder/configure.log")"
"$cmake" --build "$folder/consumer" >"$folder/build.log" 2>&1 || failed "build with find_package: $(cat "$folder/build.log")"
"$folder/consumer/core" || failed "the consumer that CMake built"
[[ ! -e $prefix/$libdir/libibid_compiled.a ]] || "$folder/consumer/compiled" || failed "the consumer of ibid::compiled that CMake built"
[[ $openssl == no ]] || "$folder/consumer/openssl" || failed "the consumer of ibid::openssl that CMake built"

echo "-- pkg-config"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed: './dev setup build'"; exit 77; }
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs ibid)"
"$compiler" -std=c++20 "$source/tests/package/consumer/core.cpp" -o "$folder/core" "${flags[@]}" || failed "build with pkg-config ibid"
"$folder/core" || failed "the consumer that pkg-config built"
if pkg-config --exists ibid-compiled; then
    read -ra flags <<<"$(pkg-config --cflags --libs ibid-compiled)"
    "$compiler" -std=c++20 "$source/tests/package/consumer/core.cpp" -o "$folder/compiled" "${flags[@]}" ||
        failed "build with pkg-config ibid-compiled"
    "$folder/compiled" || failed "the consumer of ibid-compiled that pkg-config built"
fi
if pkg-config --exists 'bdw-gc >= 8.0'; then
    read -ra flags <<<"$(pkg-config --cflags --libs ibid-gc)"
    "$compiler" -std=c++20 "$source/tests/package/consumer/gc.cpp" -o "$folder/gc" "${flags[@]}" ||
        failed "build with pkg-config ibid-gc"
    "$folder/gc" || failed "the consumer of ibid-gc that pkg-config built"
fi
if [[ $openssl == yes ]]; then
    read -ra flags <<<"$(pkg-config --cflags --libs ibid-openssl)"
    "$compiler" -std=c++20 "$source/tests/package/consumer/openssl.cpp" -o "$folder/openssl" "${flags[@]}" ||
        failed "build with pkg-config ibid-openssl"
    "$folder/openssl" || failed "the consumer of ibid-openssl that pkg-config built"
fi

if [[ $openssl == yes ]]; then
    echo "-- the examples, as a separate project"
    "$cmake" -S "$source/examples/openssl" -B "$folder/examples" -G "$generator" -DCMAKE_CXX_COMPILER="$compiler" \
        -DCMAKE_PREFIX_PATH="$prefix" >"$folder/configure.log" 2>&1 || failed "find_package by the examples: $(cat "$folder/configure.log")"
    "$cmake" --build "$folder/examples" >"$folder/build.log" 2>&1 || failed "build of the examples: $(cat "$folder/build.log")"
    if [[ -x $folder/examples/example_openssl_asio_server && -x $folder/examples/example_openssl_curl_client ]]; then
        # The examples that call ibid also work with a statically linked OpenSSL.
        "$cmake" -S "$source/examples/openssl" -B "$folder/static" -G "$generator" -DCMAKE_CXX_COMPILER="$compiler" \
            -DCMAKE_PREFIX_PATH="$prefix" -DOPENSSL_USE_STATIC_LIBS=ON >"$folder/configure.log" 2>&1 ||
            failed "find_package with a static OpenSSL: $(cat "$folder/configure.log")"
        "$cmake" --build "$folder/static" --target example_openssl_client example_openssl_attach >"$folder/build.log" 2>&1 ||
            failed "build of the examples with a static OpenSSL: $(cat "$folder/build.log")"
        bash "$source/examples/openssl/run.sh" "$folder/examples" "$prefix/bin/ibid" "$folder/static" || failed "the examples"
    else
        echo "without Boost and libcurl: './dev setup test' installs them"
    fi
    read -ra flags <<<"$(pkg-config --cflags --libs ibid-openssl-interpose)"
    cc "$source/tests/package/consumer/interposed.c" -o "$folder/interposed" "${flags[@]}" ||
        failed "build with pkg-config ibid-openssl-interpose"
    LD_LIBRARY_PATH=$prefix/$libdir "$folder/interposed" || failed "the program with ibid in front of OpenSSL that pkg-config built"
fi

echo "-- add_subdirectory"
"$cmake" -S "$source/tests/package/consumer" -B "$folder/subdirectory" -G "$generator" -DCMAKE_CXX_COMPILER="$compiler" \
    -DWITH_SOURCE="$source" -DWITH_OPENSSL=no >"$folder/configure.log" 2>&1 || failed "add_subdirectory: $(cat "$folder/configure.log")"
"$cmake" --build "$folder/subdirectory" --target core >"$folder/build.log" 2>&1 || failed "build with add_subdirectory: $(cat "$folder/build.log")"
"$folder/subdirectory/core" || failed "the consumer that took ibid in"

echo "-- FetchContent, of an archive with only the core"
(cd "$source" && "$cmake" -E tar czf "$folder/ibid.tar.gz" CMakeLists.txt cmake include packaging LICENSE)
"$cmake" -S "$source/tests/package/consumer" -B "$folder/fetched" -G "$generator" -DCMAKE_CXX_COMPILER="$compiler" \
    -DWITH_ARCHIVE="file://$folder/ibid.tar.gz" >"$folder/configure.log" 2>&1 || failed "FetchContent: $(cat "$folder/configure.log")"
"$cmake" --build "$folder/fetched" --target core >"$folder/build.log" 2>&1 || failed "build with FetchContent: $(cat "$folder/build.log")"
"$folder/fetched/core" || failed "the consumer that fetched ibid"

if [[ -x $prefix/bin/ibid ]]; then
    echo "-- the command"
    [[ $("$prefix/bin/ibid" run -- printenv LD_PRELOAD) == "$prefix/$libdir/ibid/before-libasan.so/\$LIB/libibid_preload.so" ]] ||
        failed "the installed command does not find the installed preload"
    "$prefix/bin/ibid" doctor || failed "ibid doctor"
fi
echo "-- passed"
