#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The dynamic symbols of libibid_preload.so. The functions of ibid_openssl.h have the version IBID_0, and
# IBID_0.symbols lists them: each new function adds a line, and no line is ever removed. The library exports
# no other names, above all none of OpenSSL, and needs only the C library.
#
# stable_interface.sh LIBRARY HEADER LIST
set -euo pipefail
library=$1 header=$2 list=$3
status=0

# same WHAT EXPECTED FOUND
same() {
    local difference
    if ! difference=$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3")); then
        printf 'FAILED: %s (<: expected, >: found)\n%s\n' "$1" "$difference" >&2
        status=1
    fi
}

names=$(readelf -W --dyn-syms "$library" | awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $7 != "ABS" { print $8 }' | sort)
same 'functions of version IBID_0' "$(sort "$list")" "$(sed -n 's/@@IBID_0$//p' <<<"$names")"
same 'functions that ibid_openssl.h declares' "$(sort "$list")" \
    "$(grep -v '^static' "$header" | grep -oE '^[A-Za-z].*\bibid_openssl_\w+\(' | grep -oE 'ibid_openssl_\w+' | sort)"
same 'other names' '' "$(grep -vE '@@IBID_0$' <<<"$names" || true)"
same 'libraries that are needed, beside the C library' '' \
    "$(readelf -dW "$library" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | grep -vE '^(libc|libm|libgcc_s|ld-linux.*)\.so' || true)"
exit $status
