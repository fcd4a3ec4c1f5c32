#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The vcpkg port, and a consumer of it. With a vcpkg checkout that has the vcpkg program: `vcpkg install`.
# With a checkout that has only the scripts: scripts/ports.cmake builds the port as the program would, with
# the system's xxhash.
#
# vcpkg.sh CMAKE SOURCE CXX    in the environment: VCPKG_ROOT, a checkout of vcpkg; without it nothing is
#                              tested
set -euo pipefail
cmake=$1 source=$2 compiler=$3
[[ -n ${VCPKG_ROOT-} ]] || { echo "VCPKG_ROOT is not set to a checkout of vcpkg"; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
triplet=x64-linux
[[ $(uname -m) != aarch64 ]] || triplet=arm64-linux
ports=$source/packaging/vcpkg

if [[ -x $VCPKG_ROOT/vcpkg ]]; then
    echo "-- vcpkg install"
    "$VCPKG_ROOT/vcpkg" install ibid --triplet "$triplet" --overlay-ports="$ports" --x-install-root="$folder/installed" ||
        failed "vcpkg install"
    found=$folder/installed/$triplet
    options=(-DCMAKE_TOOLCHAIN_FILE="$VCPKG_ROOT/scripts/buildsystems/vcpkg.cmake" -DVCPKG_TARGET_TRIPLET="$triplet"
        -DVCPKG_INSTALLED_DIR="$folder/installed" -DVCPKG_MANIFEST_MODE=OFF)
else
    echo "-- vcpkg's scripts, without its tool"
    helpers=()
    for helper in vcpkg-cmake vcpkg-cmake-config; do
        mkdir -p "$folder/installed/$triplet/share/$helper"
        cp "$VCPKG_ROOT/ports/$helper"/*.cmake "$folder/installed/$triplet/share/$helper"
        helpers+=("$folder/installed/$triplet/share/$helper/vcpkg-port-config.cmake")
    done
    "$cmake" -DCMD=BUILD -DPORT=ibid -DVERSION=0 -DTARGET_TRIPLET="$triplet" -D_HOST_TRIPLET="$triplet" -DVCPKG_BASE_VERSION=2026-01-01 \
        -DTARGET_TRIPLET_FILE="$VCPKG_ROOT/triplets/$triplet.cmake" -DCURRENT_PORT_DIR="$ports/ibid" -DVCPKG_CONCURRENCY=1 \
        -DVCPKG_ROOT_DIR="$VCPKG_ROOT" -D_VCPKG_INSTALLED_DIR="$folder/installed" -DDOWNLOADS="$folder/downloads" \
        -DBUILDTREES_DIR="$folder/buildtrees" -DPACKAGES_DIR="$folder/packages" -DCURRENT_BUILDTREES_DIR="$folder/buildtrees/ibid" \
        -DCURRENT_PACKAGES_DIR="$folder/packages/ibid" "-DVCPKG_PORT_CONFIGS=$(IFS=';'; printf %s "${helpers[*]}")" -DNINJA="$(command -v ninja)" \
        -DGIT=git -DVCPKG_FIXUP_ELF_RPATH=OFF -DFEATURES=core -DALL_FEATURES=core -P "$VCPKG_ROOT/scripts/ports.cmake" >"$folder/port.log" 2>&1 ||
        failed "the portfile: $(tail -n 40 "$folder/port.log")"
    found=$folder/packages/ibid
    options=(-DCMAKE_PREFIX_PATH="$found")
fi
for file in include/ibid/cache.h share/ibid/ibidConfig.cmake share/ibid/copyright share/ibid/usage; do
    [[ -e $found/$file ]] || failed "the port installs no $file"
done
! grep -rqF "$folder" "$found/share/ibid" --include='*.cmake' || failed "the port's files contain the build folder"

echo "-- a consumer"
"$cmake" -S "$source/tests/package/consumer" -B "$folder/consumer" -DCMAKE_CXX_COMPILER="$compiler" "${options[@]}" >"$folder/log" 2>&1 ||
    failed "find_package: $(cat "$folder/log")"
"$cmake" --build "$folder/consumer" >"$folder/log" 2>&1 || failed "build: $(cat "$folder/log")"
"$folder/consumer/core" || failed "the consumer"
