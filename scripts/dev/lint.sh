# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev lint: see lint_help.

lint_help() {
    cat <<'TEXT'
Usage: ./dev lint [--fix] [--quick | --all]

clang-format (check only), the column limit of comments, shellcheck, pyflakes, the order of includes (scripts/include_order.py), that one
place of the command prints (scripts/one_place_prints.py); headers by themselves, Clang's thread safety analysis
(include/ibid/detail/base/mutex.h), and clang-tidy on src and the headers that it includes.
  --fix      let clang-format change the files, and wrap comments
  --quick    without the compiler: neither clang-tidy nor headers by themselves
  --all      tests, benchmarks and examples, too: an hour
TEXT
}

# tracked PATTERN ...: files of the repository, also those not yet committed.
tracked() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [[ ! -f $f ]] || echo "$f"; done; }

lint() {
    local fix=no quick=no parts='^(include|src)/' options=() problems=0
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help) lint_help; return ;;
        --fix) fix=yes ;;
        --quick) quick=yes ;;
        --all)
            parts='^(include|src|testbed|tests/(unit|stress|support)|bench|fuzz|examples)/'
            options=(-DIBID_BUILD_BENCHMARKS=ON)
            ensure bench
            ;;
        *) usage_error "unknown option '$1'" lint ;;
        esac
        shift
    done
    ensure build lint
    local sources scripts modules
    mapfile -t sources < <(tracked '*.h' '*.hpp' '*.c' '*.cpp')
    mapfile -t modules < <(tracked '*.py')
    # The files of scripts/dev are checked through dev, which sources them: one alone would lack names that
    # the others define.
    mapfile -t scripts < <(tracked dev .ci/run '*.sh' ':!scripts/dev')

    say "clang-format: ${#sources[@]} files"
    if [[ $fix == yes ]]; then
        "clang-format-$clang_version" -i "${sources[@]}"
    elif ! "clang-format-$clang_version" --dry-run -Werror "${sources[@]}"; then
        problems=$((problems + 1))
        say "'./dev lint --fix' formats them"
    fi

    local commented
    mapfile -t commented < <(tracked '*.h' '*.c' '*.cpp' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' dev)
    say "comments: ${#commented[@]} files"
    local wrap=()
    [[ $fix == no ]] || wrap=(--fix)
    "$python" scripts/comment_columns.py "${wrap[@]}" "${commented[@]}" || problems=$((problems + 1))

    say "shellcheck: ${#scripts[@]} files"
    shellcheck --external-sources --check-sourced "${scripts[@]}" || problems=$((problems + 1))

    say "pyflakes: ${#modules[@]} files"
    [[ ${#modules[@]} -eq 0 ]] || "$python" -m pyflakes "${modules[@]}" || problems=$((problems + 1))

    say "includes run one way"
    "$python" scripts/include_order.py || problems=$((problems + 1))

    say "one place of the command prints"
    "$python" scripts/one_place_prints.py || problems=$((problems + 1))

    if [[ $quick == no ]]; then
        read_headers_alone "$parts" || problems=$((problems + 1))
        tidy "$parts" "${options[@]}" || problems=$((problems + 1))
    fi
    [[ $problems -eq 0 ]] || fail "$problems of the linters found something" "their messages are above"
    say "lint: nothing found"
}

# read_headers_alone PARTS: each C++ header compiles with nothing included before it, and Clang's thread
# safety analysis finds no fault in it.
read_headers_alone() {
    local headers
    # Left out: a header in C, and headers that compile only on one kind of system.
    mapfile -t headers < <(tracked '*.h' ':!testbed/tls/common.h' ':!include/ibid/detail/port/signpost_*.h' ':!include/ibid/detail/port/windows.h' | grep -E "$1")
    say "headers by themselves: ${#headers[@]} files"
    printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I '{}' "clang++-$clang_version" -x c++ -std=c++20 -fsyntax-only \
        -Wno-everything -Wthread-safety -Werror -DGC_THREADS -DOPENSSL_SUPPRESS_DEPRECATED \
        -Iinclude -Isrc -Itests -Ibench -I. '{}'
}

# tidy PARTS [CMAKE OPTION ...]
tidy() {
    local units parts=$1
    configure debug "${@:2}"
    # The files that the build compiles. The core is templates; every_member.cpp instantiates all of them.
    mapfile -t units < <("$python" - "$parts|^tests/unit/core/every_member.cpp" <<'PYTHON'
import json, os, re, sys
files = {os.path.relpath(entry["file"]) for entry in json.load(open("build/debug/compile_commands.json"))}
print("\n".join(sorted(f for f in files if re.match(sys.argv[1], f))))
PYTHON
    )
    say "clang-tidy: ${#units[@]} files"
    printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 "clang-tidy-$clang_version" -p build/debug --quiet \
        --extra-arg=-Wthread-safety \
        2> >(grep -vE '^[0-9]+ warnings? generated|^Suppressed|^Use -header-filter' >&2)
}
