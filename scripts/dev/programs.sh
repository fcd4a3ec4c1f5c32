# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev programs: the code is in scripts/programs.

programs() {
    programs_options=("$@")
    if [[ " $* " != *" --help "* && " $* " != *" --list "* ]]; then
        ensure build programs
        configure release
        compile release ibid_product
    fi
    exec "$python" -m scripts.programs "$@"
}
