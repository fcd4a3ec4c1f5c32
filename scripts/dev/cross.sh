# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev cross: the code is in scripts/cross.

cross() {
    local cross_options=("$@")
    [[ " $* " == *" --help "* ]] || ensure cross
    exec "$python" -m scripts.cross "$@"
}
