# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev fuzz: libFuzzer targets with their corpora.

fuzz_targets() {
    local file
    for file in fuzz/*/CMakeLists.txt; do
        [[ ! -f $file ]] || sed -nE 's/^ *ibid_add_fuzzer\((fuzz_[a-z0-9_]+).*/\1/p' "$file"
    done
}

fuzz_help() {
    cat <<TEXT
Usage: ./dev fuzz [TARGET] [--time SECONDS | --runs N] [--fast]

Builds the libFuzzer targets with the sanitizers and runs one, or each in turn for 60 seconds (--time, --runs).
Targets: $(fuzz_targets | paste -sd ' ')
  --fast   without the sanitizers: about twice as many runs in the same time, for what a target compares
What is found is kept in build/fuzz/corpus/TARGET; the seeds of fuzz_COMPONENT are in fuzz/COMPONENT/corpus.
TEXT
}

fuzz() {
    local limit=-max_total_time=60 chosen=() target preset=fuzz
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help) fuzz_help; return ;;
        --fast) preset=fuzz-fast ;;
        --time) [[ ${2-} =~ ^[0-9]+$ ]] || usage_error "--time needs a number of seconds" fuzz; limit=-max_total_time=$2; shift ;;
        --runs) [[ ${2-} =~ ^[0-9]+$ ]] || usage_error "--runs needs a number" fuzz; limit=-runs=$2; shift ;;
        -*) usage_error "unknown option '$1'" fuzz ;;
        *) fuzz_targets | grep -x -- "$1" >/dev/null || usage_error "unknown target '$1'" fuzz; chosen+=("$1") ;;
        esac
        shift
    done
    if [[ ${#chosen[@]} -eq 0 ]]; then
        mapfile -t chosen < <(fuzz_targets)
    fi
    [[ ${#chosen[@]} -gt 0 ]] || fail "there are no fuzz targets in this tree"
    ensure build fuzz
    configure "$preset"
    compile "$preset" "${chosen[@]}"
    for target in "${chosen[@]}"; do
        local corpus=build/fuzz/corpus/$target seeds=()
        mkdir -p "$corpus"
        [[ ! -d fuzz/${target#fuzz_}/corpus ]] || seeds=("fuzz/${target#fuzz_}/corpus")
        say "fuzzing $target"
        "build/$preset/bin/$target" "$limit" -print_final_stats=1 -artifact_prefix="build/fuzz/" "$corpus" "${seeds[@]}" ||
            fail "$target found something" "the input is in build/fuzz/: build/$preset/bin/$target FILE shows it again"
    done
}
