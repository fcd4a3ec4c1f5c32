# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev build and clean: configures and compiles one preset in build/PRESET. The other commands use
# `configure` and `compile`.

# Files that 'sudo ./dev ...' made belong to root; each tool would fail on them with a message of its own.
require_own_build() {
    local foreign
    [[ -e build ]] || return 0
    foreign=$(find build -maxdepth 2 \( -type d -o -name CMakeCache.txt -o -name '.ninja_*' \) ! -writable -print -quit || true)
    [[ -z $foreign ]] ||
        fail "$foreign is not writable: another user made it, perhaps with sudo" "sudo rm -rf build"
}

# configure PRESET [CMAKE OPTION ...]
configure() {
    local preset=$1 log
    shift
    require_own_build
    # A build folder that came with a copy of the tree points elsewhere, and CMake refuses it.
    if [[ -f build/$preset/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "build/$preset/CMakeCache.txt"; then
        rm -rf "build/$preset"
    fi
    mkdir -p build
    log=build/configure-$preset.log
    if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        fail "CMake could not configure build/$preset" "'./dev setup build' installs what it needs; './dev clean' removes build/"
    fi
}

# compile PRESET [TARGET ...]
compile() {
    local preset=$1
    shift
    say "building $preset${*:+: $*}"
    local options=()
    [[ $# -eq 0 ]] || options=(--target "$@")
    cmake --build "build/$preset" "${options[@]}" >&2 ||
        fail "build/$preset did not build" "fix the first error above"
}

build_help() {
    cat <<'TEXT'
Usage: ./dev build [--all] [PRESET]

Builds build/release/bin/ibid and build/release/lib/libibid_preload.so.
  --all      tests and examples too
  PRESET     release (default), debug, asan, tsan: the result is in build/PRESET
TEXT
}

build() {
    local preset=release targets=(ibid_product)
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help) build_help; return ;;
        --all) targets=() ;;
        release | debug | asan | tsan) preset=$1 ;;
        *) usage_error "unknown preset or option '$1'" build ;;
        esac
        shift
    done
    ensure build
    configure "$preset"
    compile "$preset" "${targets[@]}"
    ls -1 "build/$preset/bin/ibid" "build/$preset/lib/libibid_preload.so"
}

clean() {
    case ${1-} in
    '') require_own_build; rm -rf build ;;
    --help) printf 'Usage: ./dev clean\n\nRemoves build/.\n' ;;
    *) usage_error "unknown option '$1'" clean ;;
    esac
}
