# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The messages of ./dev: steps and errors, all on standard error. A usage error ends with status 2, any other
# failure with 1.

say() { printf '\n== %s\n' "$*" >&2; }

# fail WHAT [WHAT TO DO]
fail() {
    printf '\ndev: %s\n' "$1" >&2
    [[ $# -lt 2 ]] || printf 'dev: %s\n' "$2" >&2
    exit 1
}

# usage_error WHAT COMMAND
usage_error() {
    printf 'dev: %s\n' "$1" >&2
    printf "dev: './dev %s--help' explains it\n" "${2:+$2 }" >&2
    exit 2
}
