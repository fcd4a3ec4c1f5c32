# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev demo: builds what demo/demo.py runs.

demo() {
    if [[ " $* " == *" --help "* ]] && ! is_ready_for_python demo; then
        echo "Usage: ./dev demo [OPTIONS]: './dev setup demo', then './dev demo --help' lists them."
        return
    fi
    ensure build demo
    if [[ " $* " != *" --help "* ]]; then
        configure release
        compile release ibid_product ibid_testbed
    fi
    exec "$python" demo/demo.py "$@"
}

# Whether the packages of a purpose are installed, so that a Python program can print its own help.
is_ready_for_python() {
    local package words
    words=$(packages_for "$1")
    for package in $words; do
        is_installed "$package" || return 1
    done
}
