#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev package: makes Debian packages, a tarball of binaries, a wheel and RPM packages, in build/package.
#
# Law: the same commit gives the same bytes. The time in the packages is the changelog's, and in the tarball
# the commit's; paths of this machine and the order of its folders leave no trace.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
readonly place=$root/build/package
readonly python=/usr/bin/python3
readonly all_targets=(x86_64-linux-gnu x86_64-linux-musl aarch64-linux-gnu aarch64-linux-musl)

usage() {
    cat <<'TEXT'
Usage: ./dev package [--in SUITE] [--twice] [--test] [--tarball] [--wheel] [--oci] [--for TARGET] [--rpm]

Builds Debian packages (ibid, libibid-dev, libibid-doc) of the last commit for this distribution, and lintian reads them.
The result is in build/package/NAME, for example build/package/bookworm.
  --in SUITE   in a clean chroot of this release (bookworm, trixie; Ubuntu: noble, resolute), which debootstrap makes once: needs root
  --twice      build a second time in another folder, and compare byte by byte
  --test       install, use, upgrade, remove and purge the packages in a chroot: needs root
  --tarball    a tarball of binaries: build/package/ibid-VERSION-TARGET.tar.gz
  --wheel      a wheel: 'pip install build/package/ibid-*.whl', then 'ibid run python app.py'
  --oci        an image for init containers, which puts ibid into a volume: 'docker load < build/package/ibid-VERSION-oci.tar'
  --for TARGET the last three for x86_64-linux-gnu, x86_64-linux-musl, aarch64-linux-gnu or aarch64-linux-musl instead of this
               system; may be repeated; 'all' for the four
  --rpm        RPM packages, from packaging/rpm/ibid.spec, with this system's rpmbuild

With --tarball, --wheel, --oci or --rpm no Debian packages are built; --twice and --test are for these, too. Beside them lie
CycloneDX lists of what is in them (ibid-VERSION-TARGET.cdx.json) and SHA256SUMS. The image has the binaries of all targets that were
built. The compiler for musl comes from PyPI; that for the other processor's glibc is g++-aarch64-linux-gnu or g++-x86-64-linux-gnu.

IBID_DEBIAN_MIRROR names another mirror than https://deb.debian.org/debian, IBID_UBUNTU_MIRROR than http://archive.ubuntu.com/ubuntu, and
IBID_UBUNTU_KEYRING the file ubuntu-archive-keyring.gpg where its package is not installed.
TEXT
}

say() { printf '\n== %s\n' "$*" >&2; }

fail() {
    printf '\ndev: %s\n' "$1" >&2
    [[ $# -lt 2 ]] || printf 'dev: %s\n' "$2" >&2
    exit 1
}

# packaging/debian/control has the only list of what the build needs.
control_packages() {
    sed -n '/^Build-Depends:/,/^[^ ]/ s/^ \([a-z0-9.+-]*\).*/\1/p' packaging/debian/control | sed 's/^debhelper-compat$/debhelper/'
}
mapfile -t build_packages < <(echo build-essential; control_packages; echo lintian)
readonly build_packages

# One tree serves several releases, so lintian's messages about an old standards version, about tags that only
# other lintians know, and about overrides that only others need, are ignored.
readonly lintian_options=(--profile debian --allow-root --fail-on 'error,warning' --display-info
    --suppress-tags 'alien-tag,out-of-date-standards-version,spelling-error-in-binary')
readonly lintian_noise='/ unused-override /d; /^N: /d'

# The mirror that apt uses here, if it is one of Debian's; a local one is nearer than the default.
mirror() {
    local found=${IBID_DEBIAN_MIRROR-}
    if [[ -z $found ]] && grep -q '^ID=debian' /etc/os-release; then
        # shellcheck disable=SC2016 # apt-get expands it
        found=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep '/debian/*$' | head -n 1 || true)
    fi
    echo "${found:-https://deb.debian.org/debian}"
}

# chroot_of SUITE: the folder of a clean system, made once. It is never changed: see chroot.sh.
chroot_of() {
    local suite=$1 folder=$place/chroots/$1
    if [[ ! -e $folder.complete ]]; then
        [[ $EUID -eq 0 ]] || fail "a chroot needs root" "sudo ./dev package --in $suite"
        command -v debootstrap >/dev/null || fail "there is no debootstrap" "apt-get install debootstrap"
        say "a clean system: $folder"
        rm -rf "$folder"
        mkdir -p "${folder%/*}"
        case $suite in
        noble | resolute) # gutsy: debootstrap's script for all suites of Ubuntu, also for those that this debootstrap does not know
            debootstrap --variant=minbase --components=main,universe --keyring="${IBID_UBUNTU_KEYRING:-/usr/share/keyrings/ubuntu-archive-keyring.gpg}" \
                "$suite" "$folder" "${IBID_UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}" /usr/share/debootstrap/scripts/gutsy >&2
            ;;
        *) debootstrap --variant=minbase "$suite" "$folder" "$(mirror)" >&2 ;;
        esac
        touch "$folder.complete"
    fi
    echo "$folder"
}

# builder_of SUITE: a layer on top of that system, with the packages that the build needs.
builder_of() {
    local suite=$1 layer=$place/chroots/$1-builder
    if [[ ! -e $layer.complete ]]; then
        say "what the build needs: $layer"
        rm -rf "$layer"
        scripts/chroot.sh "$place/chroots/$suite" "$layer" sh -c 'apt-get -q update && apt-get -q -y --no-install-recommends install "$@"' \
            install "${build_packages[@]}" >&2
        touch "$layer.complete"
    fi
    echo "$layer"
}

# source_package FOLDER: ibid_VERSION.orig.tar.gz, and the tree with debian/ in it. Its path is printed.
source_package() {
    local folder=$1 tree
    tree=$folder/ibid-$version
    rm -rf "$folder"
    mkdir -p "$folder"
    git archive --format=tar --prefix="ibid-$version/" "$commit" | gzip -9n >"$folder/ibid_$version.orig.tar.gz"
    tar -C "$folder" -xf "$folder/ibid_$version.orig.tar.gz"
    cp -R "$tree/packaging/debian" "$tree/debian"
    echo "$tree"
}

# build_in SUITE FOLDER: builds the packages into FOLDER. Without a suite: on this system.
build_in() {
    local suite=$1 folder=$2 tree words layer
    tree=$(source_package "$folder")
    words="cd ${tree#"$folder"/} && dpkg-buildpackage -us -uc"
    if [[ -z $suite ]]; then
        (cd "$folder" && eval "$words") >"$folder/log" 2>&1 || build_failed "$folder"
        return
    fi
    layer=$(mktemp -d "$place/layer.XXXXXX")
    mkdir -p "$layer/upper"
    cp -R "$folder" "$layer/upper/build"
    scripts/chroot.sh "$place/chroots/$suite-builder/upper:$place/chroots/$suite" "$layer" \
        sh -c "cd /build && $words && cd .. && lintian ${lintian_options[*]} ./*.changes >lintian 2>&1 && sed -i '$lintian_noise' lintian" >"$folder/log" 2>&1 || {
        find "$layer/upper/build" -maxdepth 1 -type f -exec cp {} "$folder/" \;
        rm -rf "$layer"
        [[ ! -s $folder/lintian ]] || lintian_found "$folder"
        build_failed "$folder"
    }
    find "$layer/upper/build" -maxdepth 1 -type f -exec cp {} "$folder/" \;
    rm -rf "$layer"
}

lintian_found() {
    cat "$1/lintian" >&2
    fail "lintian found something in the packages" "they are in $1"
}

build_failed() {
    tail -n 20 "$1/log" >&2
    fail "the package did not build" "all of its messages: $1/log"
}

# compare FIRST SECOND FILE...: the files in both folders are the same.
compare() {
    local first=$1 second=$2 file
    shift 2
    for file in "$@"; do
        cmp "$first/$file" "$second/$file" || fail "a second build of $file differs" "diffoscope shows the differences"
    done
    say "built twice: the same bytes"
}

# names FOLDER PATTERN...: names of the files in it, sorted.
names() {
    local folder=$1 pattern
    shift
    for pattern in "$@"; do
        find "$folder" -maxdepth 1 -type f -name "$pattern" -printf '%f\n'
    done | sort
}

# toolchain TARGET [cc]: words, one a line.
toolchain() { "$python" -m scripts.targets.toolchain "$place/toolchains" "$@"; }

# build_binaries FOLDER TREE CMAKE-OPTION... LIBDIR: beside bin/, wherever it is unpacked.
build_binaries() {
    local folder=$1 tree=$2 flags="-O2 -ffile-prefix-map=$1=."
    shift 2
    if [[ $twice == yes ]]; then # as of ccache
        export ZIG_GLOBAL_CACHE_DIR=$folder/cache
    fi
    CXXFLAGS=$flags CFLAGS=$flags cmake -S "$folder/source" -B "$folder/source/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DIBID_BUILD_TESTS=OFF \
        -DIBID_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX=/usr/local -DCMAKE_INSTALL_LIBDIR=lib "$@" &&
        cmake --build "$folder/source/build" --target ibid_product &&
        cmake --install "$folder/source/build" --strip --prefix "$tree"
}

# binaries FOLDER TARGET: puts the contents of a tarball into FOLDER/NAME: neither files that need a compiler
# (they are in libibid-dev and in the source) nor a unit, because a unit contains a fixed path. Beside it the
# image's entry point, which needs no more than a C compiler and a static C library.
binaries() {
    local folder=$1 target=$2 tree words
    local -a options=() compiler
    tree=$folder/ibid-$version-$target
    words=$(toolchain "$target") || exit
    [[ -z $words ]] || mapfile -t options <<<"$words"
    mapfile -t compiler < <(toolchain "$target" cc)
    rm -rf "$folder"
    mkdir -p "$folder/source"
    git archive "$commit" | tar -C "$folder/source" -xf -
    build_binaries "$folder" "$tree" "${options[@]}" >"$folder/log" 2>&1 || build_failed "$folder"
    rm -rf "$tree/lib/systemd" "$tree/include" "$tree/lib/cmake" "$tree/lib/pkgconfig" "$tree"/lib/*.a
    scripts/release/sbom.py "$tree" "$version" "$target" "$commit_time" >"$folder/ibid.cdx.json"
    cp "$folder/ibid.cdx.json" "$tree/share/doc/ibid/"
    [[ $with_oci == no ]] || "${compiler[@]}" -O2 -static -s -ffile-prefix-map="$folder"=. -o "$folder/put" "$folder/source/packaging/oci/put.c"
}

# tarball FOLDER TARGET: makes a tarball of FOLDER/TARGET/NAME in FOLDER.
tarball() {
    local name=ibid-$version-$2
    tar -C "$1/$2" --sort=name --mtime="@$commit_time" --owner=0 --group=0 --numeric-owner --format=ustar \
        --mode='u+rwX,go+rX,go-w' -cf - "$name" | gzip -9n >"$1/$name.tar.gz"
}

wheel() {
    scripts/release/wheel.py "$1/$2/ibid-$version-$2" "$version" "$2" "$commit_time" README.md "$1/$2/ibid.cdx.json" "$1" >/dev/null
}

# release FOLDER: builds all targets in it, and puts the files that are released into it.
release() {
    local target
    mkdir -p "$1"
    find "$1" -maxdepth 1 -type f -delete
    for target in "${targets[@]}"; do
        say "binaries of $version for $target: $1/$target/log"
        binaries "$1/$target" "$target"
        cp "$1/$target/ibid.cdx.json" "$1/ibid-$version-$target.cdx.json"
        [[ $with_tarball == no ]] || tarball "$1" "$target"
        [[ $with_wheel == no ]] || wheel "$1" "$target"
    done
    [[ $with_oci == no ]] || scripts/release/oci.py "$1" "$version" "$commit_time" "${targets[@]}"
}

# rpm_package FOLDER: builds RPMs in FOLDER from a source tarball, as a distribution does. (--nodeps, because
# Debian's rpmbuild does not see installed packages.) A second build is in the same folder, as in mock:
# the source package's header contains its path, and the other packages have a checksum of it.
rpm_package() {
    local folder=$1 top=$place/rpm-build
    rm -rf "$top" "$folder"
    mkdir -p "$folder"
    mkdir -p "$top/SOURCES" "$top/SPECS"
    git show "$commit:packaging/rpm/ibid.spec" >"$top/SPECS/ibid.spec"
    touch -d "@$commit_time" "$top"/S*/*
    git archive --format=tar --prefix="ibid-$version/" "$commit" | gzip -9n >"$top/SOURCES/ibid-$version.tar.gz"
    SOURCE_DATE_EPOCH=$commit_time rpmbuild -ba --nodeps --define "_topdir $top" --define "ibid_version $version" \
        --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" --define "_buildhost localhost" \
        "$top/SPECS/ibid.spec" >"$top/log" 2>&1 || build_failed "$top"
    find "$top"/*RPMS -name '*.rpm' -exec cp {} "$folder/" \;
}

targets=() suite='' twice=no test=no with_tarball=no with_wheel=no with_rpm=no with_oci=no
while [[ $# -gt 0 ]]; do
    case $1 in
    --help | -h) usage; exit ;;
    --in) suite=${2-}; [[ -n $suite ]] || fail "--in needs the name of a release"; shift ;;
    --twice) twice=yes ;;
    --test) test=yes ;;
    --tarball) with_tarball=yes ;;
    --wheel) with_wheel=yes ;;
    --rpm) with_rpm=yes ;;
    --oci) with_oci=yes ;;
    --for)
        case ${2-} in
        all) targets+=("${all_targets[@]}") ;;
        *) [[ " ${all_targets[*]} " == *" ${2:-none} "* ]] || fail "--for needs a target" "one of ${all_targets[*]}, or all"; targets+=("$2") ;;
        esac
        shift
        ;;
    *) printf "dev: unknown option '%s'\ndev: './dev package --help' explains it\n" "$1" >&2; exit 2 ;;
    esac
    shift
done

commit=$(git rev-parse HEAD) # fixed here, so that a commit in the meantime changes nothing
version=$(sed -nE 's/^project\(ibid VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
commit_time=$(git log -1 --format=%ct "$commit")
[[ ${#targets[@]} -eq 0 || $with_tarball$with_wheel$with_oci == *yes* ]] || fail "--for is for --tarball, --wheel and --oci"
[[ ${#targets[@]} -gt 0 ]] || targets=("$(uname -m)-linux-gnu")
mapfile -t targets < <(printf '%s\n' "${targets[@]}" | sort -u)
[[ $(head -n 1 packaging/debian/changelog) == "ibid ($version-"* ]] ||
    fail "packaging/debian/changelog does not begin with version $version" "add an entry for it"
[[ $twice == no ]] || export CCACHE_DISABLE=1 # a second build that only reads a cache shows nothing
[[ -z $(git status --porcelain --untracked-files=no) ]] || say "the package does not contain uncommitted changes"

if [[ $with_tarball$with_wheel$with_rpm$with_oci == *yes* ]]; then
    [[ -z $suite ]] || fail "--in is only for Debian packages"
    made=()
    if [[ $with_tarball$with_wheel$with_oci == *yes* ]]; then
        release "$place/binaries"
        mapfile -t made < <(names "$place/binaries" '*.tar.gz' '*.whl' '*-oci.tar' '*.cdx.json')
        if [[ $twice == yes ]]; then
            release "$place/binaries-again-elsewhere"
            compare "$place/binaries" "$place/binaries-again-elsewhere" "${made[@]}"
        fi
        (cd "$place/binaries" && cp "${made[@]}" "$place/")
    fi
    if [[ $with_rpm == yes ]]; then
        say "RPM packages of $version"
        command -v rpmbuild >/dev/null || fail "there is no rpmbuild" "apt-get install rpm"
        rpm_package "$place/rpm"
        mapfile -t rpms < <(names "$place/rpm" '*.rpm')
        if [[ $twice == yes ]]; then
            rpm_package "$place/rpm-again-elsewhere"
            compare "$place/rpm" "$place/rpm-again-elsewhere" "${rpms[@]}"
        fi
        (cd "$place/rpm" && cp "${rpms[@]}" "$place/")
        made+=("${rpms[@]}")
    fi
    (cd "$place" && sha256sum "${made[@]}" | tee SHA256SUMS)
    [[ $test == no ]] || IBID_RELEASE=$place "$python" -m pytest tests/packages/test_release.py tests/packages/test_rpm.py -q -p no:cacheprovider -rs
    exit
fi

name=${suite:-$(sed -nE 's/^VERSION_CODENAME=//p' /etc/os-release)}
if [[ -n $suite ]]; then
    chroot_of "$suite" >/dev/null
    builder_of "$suite" >/dev/null
else
    missing=()
    for package in "${build_packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
    done
    [[ ${#missing[@]} -eq 0 ]] || fail "not installed: ${missing[*]}" "apt-get install ${missing[*]}"
fi

say "packages of $version for $name: some ten minutes on two cores"
build_in "$suite" "$place/$name"
if [[ -z $suite ]]; then
    lintian "${lintian_options[@]}" "$place/$name"/*.changes >"$place/$name/lintian" 2>&1 || lintian_found "$place/$name"
    sed -i "$lintian_noise" "$place/$name/lintian"
fi
[[ ! -s $place/$name/lintian ]] || lintian_found "$place/$name"
say "lintian: nothing found"

if [[ $twice == yes ]]; then
    build_in "$suite" "$place/$name-again-elsewhere"
    mapfile -t made < <(names "$place/$name" '*.deb' '*.dsc' '*.tar.*')
    compare "$place/$name" "$place/$name-again-elsewhere" "${made[@]}"
fi
if [[ $test == yes ]]; then
    [[ $EUID -eq 0 ]] || fail "a chroot needs root" "sudo ./dev package --test"
    IBID_PACKAGES=$place/$name IBID_CHROOT=$(chroot_of "$name") IBID_BUILDER=$(builder_of "$name") "$python" -m pytest tests/packages/test_debian.py -q -p no:cacheprovider
fi
ls -1 "$place/$name"/*.deb
