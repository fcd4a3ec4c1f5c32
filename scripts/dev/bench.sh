# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev bench: builds the components' benchmarks and runs, for each component, its run.py if it has one,
# otherwise its program bench_COMPONENT.

bench_components() {
    local file
    for file in bench/*/CMakeLists.txt bench/*/run.py; do
        [[ ! -f $file ]] || basename "$(dirname "$file")"
    done | sort -u
}

bench_help() {
    cat <<TEXT
Usage: ./dev bench COMPONENT ... [OPTIONS]

Builds and runs the benchmarks of these components: $(bench_components | paste -sd ' ').
'./dev bench COMPONENT --help' lists the options of a component; options after several components go to each of them.
TEXT
}

bench() {
    local component components=() targets=()
    while [[ $# -gt 0 && $1 != -* ]]; do
        bench_components | grep -x -- "$1" >/dev/null || usage_error "unknown component '$1'" bench
        components+=("$1")
        [[ ! -f bench/$1/CMakeLists.txt ]] || targets+=("bench/$1/all")
        [[ $1 != core ]] || targets+=(bench/pool/all bench/gc/all) # its table has their rows, too
        shift
    done
    if [[ ${#components[@]} -eq 0 ]]; then
        bench_help
        [[ ${1-} == --help ]] && return || exit 2
    fi
    ensure build bench
    configure release -DIBID_BUILD_BENCHMARKS=ON
    [[ ${#targets[@]} -eq 0 ]] || compile release "${targets[@]}" ibid_product
    local status=0
    for component in "${components[@]}"; do
        if [[ -f bench/$component/run.py ]]; then
            "$python" "bench/$component/run.py" "$@" || status=$?
        elif [[ -x build/release/bin/bench_$component ]]; then
            "build/release/bin/bench_$component" "$@" || status=$?
        else
            fail "bench/$component has neither run.py nor a program bench_$component"
        fi
    done
    return "$status"
}
