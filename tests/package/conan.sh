#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Conan recipe: `conan create` makes the package, and builds and runs a consumer
# (packaging/conan/test_package). If ConanCenter cannot be reached, this script makes a package of the
# system's xxhash header.
#
# conan.sh SOURCE    in the environment: IBID_CONAN, the command, if its name is not conan; with
#                    IBID_TEST_LONG=1 PyPI's is installed if there is none
set -euo pipefail
source=$1
readonly version=2.34.0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
conan=${IBID_CONAN:-$(command -v conan || true)}
if [[ -z $conan && ${IBID_TEST_LONG-} == 1 ]]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet "conan==$version"
    conan=$folder/venv/bin/conan
fi
[[ -n $conan ]] || { echo "conan is not installed: with IBID_TEST_LONG=1 it is installed from PyPI"; exit 77; }

export CONAN_HOME=$folder/home
"$conan" profile detect >"$folder/log" 2>&1
# A copy: Conan writes below test_package.
mkdir -p "$folder/source/packaging" "$folder/source/tests/package"
cp -r "$source/include" "$source/CMakeLists.txt" "$source/LICENSE" "$folder/source"
cp -r "$source/packaging/conan" "$folder/source/packaging"
cp -r "$source/tests/package/consumer" "$folder/source/tests/package"

options=(-s compiler.cppstd=20)
if "$conan" graph info --requires='xxhash/[>=0.8.1 <0.9]' "${options[@]}" >"$folder/log" 2>&1; then
    options+=(--build=missing)
    echo "-- with ConanCenter's xxhash"
else
    options+=(--no-remote)
    mkdir "$folder/xxhash"
    cat >"$folder/xxhash/conanfile.py" <<'RECIPE'
import os
from conan import ConanFile
from conan.tools.files import copy


class Xxhash(ConanFile):
    name = "xxhash"
    version = "0.8.1"

    def package(self):
        copy(self, "xxhash.h", "/usr/include", os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.libdirs = []
RECIPE
    "$conan" create "$folder/xxhash" "${options[@]}" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
    echo "-- with the system's xxhash: ConanCenter cannot be reached"
fi
"$conan" create "$folder/source/packaging/conan" "${options[@]}" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
grep -q 'ibid/.*(test package): Running test()' "$folder/log" || { cat "$folder/log"; exit 1; }
echo "-- the consumer ran"
