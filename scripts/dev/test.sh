# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev test: unit, stress and package tests by CTest, end-to-end and safety tests by pytest, and one closing
# line with their sums.

passed=0 failed=0 skipped=0

# Adds "N WORD" of a closing line to a sum.
number_before() { sed -nE "s/.*[^0-9]([0-9]+) $1.*/\1/p" <<<" $2" | tail -n 1; }

# run_ctest PRESET LABELS [NAMES]
run_ctest() {
    local preset=$1 labels=$2 names=${3-.} log=build/$1/ctest.log wrapper=()
    # The thread sanitizer needs a memory layout that address randomization on some kernels makes impossible.
    if [[ $preset == tsan* ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
        wrapper=(setarch "$(uname -m)" -R)
    fi
    say "tests of $preset: $labels${IBID_OPENSSL:+ on ${IBID_OPENSSL#"$root/"}}"
    local status=0
    "${wrapper[@]}" ctest --test-dir "build/$preset" -L "^($labels)\$" -R "$names" --output-on-failure --no-tests=error -j "$(nproc)" \
        2>&1 | tee "$log" || status=$?
    local all bad left_out
    # "98% tests passed, 1 tests failed out of 50"; "The following tests did not run:" lists skipped ones.
    bad=$(sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+)$/\1/p' "$log")
    all=$(sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+)$/\2/p' "$log")
    left_out=$(grep -cE '\*\*\*Skipped' "$log" || true)
    if [[ -z $all ]]; then
        failed=$((failed + 1)) # ctest itself did not run
        return
    fi
    failed=$((failed + bad)) passed=$((passed + all - bad - left_out)) skipped=$((skipped + left_out))
    if [[ $status -ne 0 && $bad -eq 0 ]]; then
        failed=$((failed + 1))
    fi
    if [[ $bad -ne 0 ]]; then
        say "again, alone: ctest --test-dir build/$preset --rerun-failed --output-on-failure"
    fi
}

# run_pytest FOLDER [OPTION ...]
run_pytest() {
    local folder=$1 log=build/release/pytest.log status=0 closing
    shift
    say "$folder${IBID_OPENSSL:+ on ${IBID_OPENSSL#"$root/"}}"
    "$python" -m pytest "$folder" -q -p no:cacheprovider "$@" 2>&1 | tee "$log" || status=$?
    closing=$(grep -E '(passed|failed|skipped|error)' "$log" | tail -n 1)
    local bad errors good left_out
    bad=$(number_before failed "$closing") errors=$(number_before 'error' "$closing")
    good=$(number_before passed "$closing") left_out=$(number_before skipped "$closing")
    failed=$((failed + ${bad:-0} + ${errors:-0})) passed=$((passed + ${good:-0})) skipped=$((skipped + ${left_out:-0}))
    if [[ $status -ne 0 ]]; then
        [[ $((${bad:-0} + ${errors:-0})) -ne 0 ]] || failed=$((failed + 1))
        say "again, alone: $python -m pytest $folder -k NAME"
    fi
}

test_help() {
    cat <<'TEXT'
Usage: ./dev test [--unit] [--stress] [--package] [--e2e] [--safety] [--sanitizers] [--long] [-- PYTEST OPTION ...]

Builds what is needed and runs the tests, all kinds unless some are named, and ends with one line: N passed, N failed.
  --unit         one concept at a time
  --stress       races made to happen
  --package      install, find_package and pkg-config, as a user of the library would
  --e2e          real programs, stock and under ibid (pytest); options after -- go to pytest
  --safety       programs that are hostile or strange, stock and under ibid (pytest; tests/safety/README.md)
  --sanitizers   unit and stress tests with address, leak and undefined behaviour sanitizers, then those that have
                 threads with the thread sanitizer; with --long also the command's
  --long         the longer versions of tests that have one (they see IBID_TEST_LONG=1); what uses OpenSSL also on the builds
                 of './dev openssl', RPM packages built, installed and used, the unit tests also on the targets of
                 './dev cross', the foreign suites of './dev suites' and the programs of './dev programs' run: some five hours
TEXT
}

test_() {
    local kinds=() sanitizers=no pytest_options=() labels version
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help) test_help; return ;;
        --unit | --stress | --package | --e2e | --safety) kinds+=("${1#--}") ;;
        --sanitizers) sanitizers=yes ;;
        --long) export IBID_TEST_LONG=1 ;;
        --) shift; pytest_options=("$@"); break ;;
        *) usage_error "unknown option '$1'" test ;;
        esac
        shift
    done
    if [[ ${#kinds[@]} -eq 0 && $sanitizers == no ]]; then
        kinds=(unit stress package e2e safety)
    fi
    ensure build test
    [[ ${IBID_TEST_LONG-} != 1 ]] || ensure long
    if [[ ${#kinds[@]} -gt 0 ]]; then
        configure release -DIBID_BUILD_TESTS=ON
        labels=$(printf '%s\n' "${kinds[@]}" | { grep -vE 'e2e|safety' || true; } | paste -sd '|')
        if [[ -n $labels ]]; then
            compile release
            run_ctest release "$labels"
        else
            compile release ibid_product ibid_testbed
        fi
        if [[ " ${kinds[*]} " == *" e2e "* ]]; then
            run_pytest tests/e2e "${pytest_options[@]}"
        fi
        if [[ " ${kinds[*]} " == *" safety "* ]]; then
            [[ ${IBID_TEST_LONG-} != 1 ]] || pytest_options+=(--long)
            run_pytest tests/safety "${pytest_options[@]}"
        fi
        if [[ ${IBID_TEST_LONG-} == 1 && " ${kinds[*]} " == *" e2e "* ]]; then
            ensure openssl
            for version in "${openssl_versions[@]}"; do
                build_openssl "$version"
            done
            test_on_openssl "${openssl_versions[@]}"
            "$root/dev" programs --install || failed=$((failed + 1))
        fi
        if [[ ${IBID_TEST_LONG-} == 1 && " ${kinds[*]} " == *" package "* ]]; then
            ensure rpm
            "$root/dev" package --rpm --test || failed=$((failed + 1))
        fi
        if [[ ${IBID_TEST_LONG-} == 1 && " ${kinds[*]} " == *" unit "* ]]; then
            "$root/dev" cross || failed=$((failed + 1))
        fi
        if [[ ${IBID_TEST_LONG-} == 1 && " ${kinds[*]} " == *" safety "* ]]; then
            "$root/dev" suites || failed=$((failed + 1))
        fi
    fi
    if [[ $sanitizers == yes ]]; then
        local preset
        for preset in asan tsan; do
            configure "$preset" -DIBID_BUILD_EXAMPLES=OFF "-DIBID_COMPONENTS=$(sanitized_components "$preset")"
            compile "$preset"
            run_ctest "$preset" "unit|stress"
        done
    fi
    closing_line
}

# What is built with a sanitizer. With --long: everything. Otherwise without the command, and for tsan also
# without the core's unit tests, because the core's stress tests have the threads.
sanitized_components() {
    if [[ ${IBID_TEST_LONG-} != 1 ]]; then
        echo "src/(statistics|openssl|preload);testbed/.*;tests/support.*;tests/stress/.*;tests/unit/(gc|openssl.*|pool|statistics)$(
            [[ $1 == tsan ]] || echo ';tests/unit/(core|retention)')"
    fi
}

closing_line() {
    printf '\n%d passed, %d failed' "$passed" "$failed"
    [[ $skipped -eq 0 ]] || printf ', %d skipped' "$skipped"
    printf '\n'
    [[ $failed -eq 0 ]]
}
