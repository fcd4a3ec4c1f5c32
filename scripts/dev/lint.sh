# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev lint: see lint_help.

lint_help() {
    cat <<'TEXT'
Usage: ./dev lint [--fix] [--quick]

clang-format (check only), clang-tidy on src and the headers that it includes, shellcheck, pyflakes, and the order of includes (scripts/include_order.py).
  --fix      let clang-format change the files
  --quick    without clang-tidy
TEXT
}

# tracked PATTERN ...: files of the repository, also those not yet committed.
tracked() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [[ ! -f $f ]] || echo "$f"; done; }

lint() {
    local fix=no quick=no problems=0
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help) lint_help; return ;;
        --fix) fix=yes ;;
        --quick) quick=yes ;;
        *) usage_error "unknown option '$1'" lint ;;
        esac
        shift
    done
    ensure build lint
    local sources scripts modules
    mapfile -t sources < <(tracked '*.h' '*.hpp' '*.c' '*.cpp')
    mapfile -t modules < <(tracked '*.py')
    # Those of scripts/dev are checked where dev sources them: one by itself would lack the others' names.
    mapfile -t scripts < <(tracked dev .ci/run '*.sh' ':!scripts/dev')

    say "clang-format: ${#sources[@]} files"
    if [[ $fix == yes ]]; then
        "clang-format-$clang_version" -i "${sources[@]}"
    elif ! "clang-format-$clang_version" --dry-run -Werror "${sources[@]}"; then
        problems=$((problems + 1))
        say "'./dev lint --fix' formats them"
    fi

    say "shellcheck: ${#scripts[@]} files"
    shellcheck --external-sources --check-sourced "${scripts[@]}" || problems=$((problems + 1))

    say "pyflakes: ${#modules[@]} files"
    [[ ${#modules[@]} -eq 0 ]] || "$python" -m pyflakes "${modules[@]}" || problems=$((problems + 1))

    say "includes run one way"
    "$python" scripts/include_order.py || problems=$((problems + 1))

    if [[ $quick == no ]]; then
        configure debug
        local units
        # What the build knows how to compile, in the components that are linted.
        mapfile -t units < <("$python" - <<'PYTHON'
import json, os
files = {entry["file"] for entry in json.load(open("build/debug/compile_commands.json"))}
for file in sorted(os.path.relpath(f) for f in files):
    if file.startswith("src/"):
        print(file)
PYTHON
        )
        say "clang-tidy: ${#units[@]} files"
        printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 "clang-tidy-$clang_version" -p build/debug --quiet \
            2> >(grep -vE '^[0-9]+ warnings? generated|^Suppressed|^Use -header-filter' >&2) || problems=$((problems + 1))
    fi
    [[ $problems -eq 0 ]] || fail "$problems of the linters found something" "their messages are above"
    say "lint: nothing found"
}
