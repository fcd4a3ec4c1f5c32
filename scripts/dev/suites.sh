# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev suites: test suites of other projects. The code is in scripts/suites.

suites() {
    suites_options=("$@")
    ensure build
    if [[ " $* " != *" --help "* && " $* " != *" --list "* ]]; then
        ensure suites
        configure release
        compile release ibid_preload
    fi
    exec "$python" -m scripts.suites "$@"
}
