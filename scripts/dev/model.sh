# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev model: the models in models/, and spin.

model() {
    if [[ ${1-} == --help ]]; then
        echo "Usage: ./dev model: checks the models in models/ exhaustively, and that spin refuses their broken variants."
        return
    fi
    [[ $# -eq 0 ]] || usage_error "unknown option '$1'" model
    ensure model
    models/run
}
