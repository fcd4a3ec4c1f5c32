#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the examples against each other, with certificates made by this script.
#
# run.sh FOLDER_OF_THE_PROGRAMS [IBID_COMMAND [FOLDER_OF_SOME_WITH_A_STATIC_OPENSSL]]
set -euo pipefail
programs=$1 ibid=${2:-$1/ibid} static=${3-}
folder=$(mktemp -d)
server=
finish() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

failed() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# certificate NAME EXTENSIONS [ISSUER]
certificate() {
    openssl req -quiet -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$folder/$1.key" -subj "/CN=$1" \
        -out "$folder/$1.csr" 2>/dev/null ||
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$folder/$1.key" -subj "/CN=$1" \
            -out "$folder/$1.csr" 2>/dev/null
    local issuer=(-signkey "$folder/$1.key")
    [[ -z ${3-} ]] || issuer=(-CA "$folder/$3.pem" -CAkey "$folder/$3.key" -CAcreateserial)
    openssl x509 -req -in "$folder/$1.csr" "${issuer[@]}" -days 2 -extfile <(printf '%s\n' "$2") -out "$folder/$1.pem" 2>/dev/null
}
certificate root 'basicConstraints=critical,CA:TRUE'
certificate localhost 'subjectAltName=DNS:localhost' root
certificate client 'basicConstraints=CA:FALSE' root
ca=$folder/root.pem client=("$folder/client.pem" "$folder/client.key")

"$programs/example_openssl_asio_server" 0 "$folder/localhost.pem" "$folder/localhost.key" "$ca" >"$folder/port" &
server=$!
for _ in $(seq 100); do
    [[ ! -s $folder/port ]] || break
    sleep 0.1
done
port=$(sed -n 's/^port //p' "$folder/port")
[[ -n $port ]] || failed "the server did not start"

# says EXPECTED PROGRAM ARGUMENT ...
says() {
    local expected=$1 output
    shift
    output=$("$@") || failed "$*: $output"
    printf '%s\n' "$output"
    grep -qF -- "$expected" <<<"$output" || failed "$1 did not print: $expected"
}
says 'hello /CN=client' "$programs/example_openssl_curl_client" "https://localhost:$port/" "$ca" "${client[@]}" 1
says 'trust stores: 9 hits, 1 misses' "$programs/example_openssl_curl_client" "https://localhost:$port/" "$ca" "${client[@]}" 10
says '20 connections, one certificate' "$programs/example_openssl_client" "$port" "$ca" "${client[@]}" 20
says 'one certificate; 1 verification by the program' "$programs/example_openssl_attach" "$ca" "$folder/localhost.pem" \
    "$folder/localhost.key"
if [[ -n $static ]]; then
    ! readelf -d "$static/example_openssl_client" | grep -q 'NEEDED.*libssl' || failed "this is not linked statically with OpenSSL"
    says '20 connections, one certificate' "$static/example_openssl_client" "$port" "$ca" "${client[@]}" 20
    says 'one certificate; 1 verification by the program' "$static/example_openssl_attach" "$ca" "$folder/localhost.pem" \
        "$folder/localhost.key"
fi
# The server had 31 or 51 handshakes with one client. It shares only because of the way it is linked. Besides
# the certificates that are sent, libssl decodes those in the sessions of its tickets.
if [[ -n $static ]]; then least=50; else least=30; fi
output=$("$ibid" stat "$server" --json) || failed "ibid stat: $output"
hits=$(sed -n 's/.*"hits": \([0-9]*\).*/\1/p' <<<"$output" | head -n 1)
[[ ${hits:-0} -ge $least ]] || failed "the server has shared ${hits:-no} certificates: $output"
kill "$server"
wait "$server" || failed "the server ended with $?"
server=
