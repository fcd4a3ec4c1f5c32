# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev openssl: builds OpenSSL as upstream does by default (-Bsymbolic), in the oldest and the newest
# supported versions, and runs tests on it. The sources come from package registries; the results are in
# build/openssl/VERSION: bin, include, lib.

readonly openssl_versions=(3.0 newest 4)

# openssl_sources VERSION[-tsan] FOLDER: puts the released sources into FOLDER.
openssl_sources() {
    local fetched=$root/build/openssl/fetched/$1
    rm -rf "$fetched" "$2"
    mkdir -p "$fetched" "$2"
    case ${1%-tsan} in
    3.0) # the release that Debian's package begins with, without Debian's patches
        mkdir -p "$fetched/lists/partial"
        # shellcheck disable=SC2016 # apt-get fills them in
        apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
            "Origin: $distribution" | sort -u >"$fetched/sources.list"
        local apt=(apt-get -qq -o Dir::Etc::SourceList="$fetched/sources.list" -o Dir::Etc::SourceParts=/dev/null
            -o Dir::State::Lists="$fetched/lists" -o Dir::Cache="$fetched" -o APT::Sandbox::User="$(id -un)")
        # apt-get checks the archive's signature.
        { "${apt[@]}" update && cd "$fetched" && "${apt[@]}" source --download-only --tar-only openssl && cd "$root"; } >&2 ||
            fail "apt-get could not fetch OpenSSL's source package" "see its message above; is the network there?"
        tar -xf "$fetched"/openssl_*.orig.tar.gz -C "$2" --strip-components=1
        ;;
    newest | 4) # the Rust package openssl-src has them
        local major=300
        [[ ${1%-tsan} != 4 ]] || major=400
        mkdir "$fetched/src"
        : >"$fetched/src/lib.rs"
        printf '[package]\nname = "sources"\nversion = "0.0.0"\n[dependencies]\nopenssl-src = "%s"\n' "$major" >"$fetched/Cargo.toml"
        (cd "$fetched" && cargo vendor --quiet vendor >/dev/null) ||
            fail "cargo could not fetch openssl-src" "see its message above; is the network there?"
        cp -r "$fetched/vendor/openssl-src/openssl/." "$2"
        # The package is for static libraries. It lacks the script that makes version scripts from the lists
        # of symbols.
        cat >"$2/util/mkdef.pl" <<'PERL'
my ($file) = "@ARGV" =~ /--ordinals (\S+)/;
open my $in, '<', $file or die "$file: $!";
my %names;
while (<$in>) {
    push @{ $names{ $2 =~ tr/_/./r } }, $1 if /^(\w+)\s+\S+\s+([\d_]+)\s+EXIST:(?:UNIX|!VMS)?:/;
}
my $before = '';
for my $version (sort { $a cmp $b } keys %names) {
    print "OPENSSL_$version {\n    global:\n", map({ "        $_;\n" } @{ $names{$version} }),
        $before eq '' ? "    local: *;\n" : '', "}$before;\n";
    $before = " OPENSSL_$version";
}
PERL
        ;;
    esac
}

# build_openssl VERSION[-tsan]: with upstream's defaults. Only what programs use is built: shared libraries,
# the command, providers. With -tsan: with the thread sanitizer, and without -Bsymbolic, so that ibid
# intercepts the same calls as in a distribution's build.
build_openssl() {
    local version=$1 prefix=$root/build/openssl/$1
    [[ ! -e $prefix/lib/libssl.so ]] || return 0
    local source=$root/build/openssl/source/$version work=$root/build/openssl/work/$version options providers
    case $version in
    3.0) options=(no-tests enable-fips) providers=(providers/fips.so providers/legacy.so) ;;
    newest | 4) options=(no-tests no-docs no-demos no-module) providers=() ;; # the package leaves out what modules need
    3.0-tsan) options=(no-tests no-module -fsanitize=thread -g) providers=() ;;
    newest-tsan | 4-tsan) options=(no-tests no-docs no-demos no-module -fsanitize=thread -g) providers=() ;;
    esac
    say "OpenSSL $version: sources"
    openssl_sources "$version" "$source"
    if [[ $version == *-tsan ]]; then
        sed -i 's/ *-Wl,-Bsymbolic//g' "$source/Configurations/shared-info.pl"
        # A fence orders the last decrement of a reference count after the others. The thread sanitizer does
        # not support fences.
        sed -i '/fetch_sub_explicit/s/memory_order_[a-z]*/memory_order_acq_rel/' "$source/include/internal/refcount.h"
    fi
    say "OpenSSL $version: building, some minutes"
    rm -rf "$work"
    mkdir -p "$work"
    # The system's openssl.cnf and certificates, as for the system's OpenSSL.
    (cd "$work" && "$source/Configure" --prefix="$prefix" --libdir=lib --openssldir="$(openssl version -d | cut -d'"' -f2)" "${options[@]}" &&
        make -j "$(nproc)" build_generated &&
        make -j "$(nproc)" libcrypto.so libssl.so apps/openssl "${providers[@]}") >"$work.log" 2>&1 ||
        { tail -n 20 "$work.log" >&2; fail "OpenSSL $version did not build" "all of it: ${work#"$root/"}.log"; }
    rm -rf "$prefix"
    mkdir -p "$prefix"/{bin,include,lib/ossl-modules}
    cp "$work/apps/openssl" "$prefix/bin"
    cp -r "$source/include/openssl" "$work/include/openssl" "$prefix/include"
    [[ ${#providers[@]} -eq 0 ]] || cp "${providers[@]/#/$work/}" "$prefix/lib/ossl-modules"
    cp -P "$work"/libcrypto.so* "$work"/libssl.so* "$prefix/lib"
}

openssl_help() {
    cat <<TEXT
Usage: ./dev openssl [--build] [--tsan] [${openssl_versions[*]} ...] [-- PYTEST OPTION ...]

Builds OpenSSL as upstream does (-Bsymbolic) into build/openssl/VERSION, unless it is there, and runs the unit tests of
the OpenSSL layer, the end-to-end and the safety tests on it.
  3.0       the release in the source package of Debian or Ubuntu, without their patches, and its FIPS provider
  newest    the newest 3.x that the Rust package openssl-src carries
  4         the newest 4.x of the same, for which the tests are compiled anew; no program of the system runs on it
  --build   do not run the tests
  --tsan    with the thread sanitizer, as is all else, and without -Bsymbolic, into build/openssl/VERSION-tsan (3.0 unless a
            version is named); runs the unit and stress tests of the OpenSSL layer, with IBID_TEST_LONG=1 the long soak
Run something on it: LD_LIBRARY_PATH=build/openssl/3.0/lib PROGRAM
TEXT
}

openssl_() {
    local versions=() only_build=no tsan=no pytest_options=() version
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help) openssl_help; return ;;
        --build) only_build=yes ;;
        --tsan) tsan=yes ;;
        --) shift; pytest_options=("$@"); break ;;
        *) [[ " ${openssl_versions[*]} " == *" $1 "* ]] || usage_error "unknown version or option '$1'" openssl
            versions+=("$1") ;;
        esac
        shift
    done
    if [[ $tsan == yes ]]; then
        [[ ${#versions[@]} -gt 0 ]] || versions=(3.0)
        versions=("${versions[@]/%/-tsan}")
    fi
    [[ ${#versions[@]} -gt 0 ]] || versions=("${openssl_versions[@]}")
    ensure build test openssl
    for version in "${versions[@]}"; do
        build_openssl "$version"
        LD_LIBRARY_PATH=build/openssl/$version/lib "build/openssl/$version/bin/openssl" version
    done
    [[ $only_build == no ]] || return 0
    if [[ $tsan == yes ]]; then
        test_under_tsan "${versions[@]}"
    else
        configure release -DIBID_BUILD_TESTS=ON
        compile release
        test_on_openssl "${versions[@]}"
    fi
    closing_line
}

# test_under_tsan VERSION-tsan ...: the tests with threads. They are linked with that library and need no
# LD_LIBRARY_PATH, with which programs without the sanitizer would try to load it.
test_under_tsan() {
    local version prefix
    for version in "$@"; do
        prefix=$root/build/openssl/$version
        configure tsan-openssl -DIBID_COMPONENTS='src/(statistics|openssl|preload);tests/(unit|stress)/openssl;tests/support' \
            -DOPENSSL_INCLUDE_DIR="$prefix/include" -DOPENSSL_CRYPTO_LIBRARY="$prefix/lib/libcrypto.so" \
            -DOPENSSL_SSL_LIBRARY="$prefix/lib/libssl.so"
        compile tsan-openssl
        IBID_OPENSSL=$prefix run_ctest tsan-openssl 'unit|stress'
    done
}

# test_compiled_for VERSION: the unit tests of the OpenSSL layer, compiled with its headers and linked with
# it.
test_compiled_for() {
    local prefix=$root/build/openssl/$1
    configure release-openssl -DIBID_COMPONENTS='src/(statistics|openssl|preload);tests/unit/openssl;tests/support' \
        -DOPENSSL_INCLUDE_DIR="$prefix/include" -DOPENSSL_CRYPTO_LIBRARY="$prefix/lib/libcrypto.so" \
        -DOPENSSL_SSL_LIBRARY="$prefix/lib/libssl.so"
    compile release-openssl
    LD_LIBRARY_PATH=$prefix/lib run_ctest release-openssl unit
}

# test_on_openssl VERSION ...: the tests that depend on OpenSSL, with this version instead of the system's.
test_on_openssl() {
    local version
    for version in "$@"; do
        export IBID_OPENSSL=$root/build/openssl/$version
        if [[ $version == 4 ]]; then
            test_compiled_for "$version"
            # A system with this version builds ibid with its headers.
            IBID_PRELOAD=$root/build/release-openssl/lib/libibid_preload.so run_pytest tests/safety "${pytest_options[@]}"
        else
            LD_LIBRARY_PATH=$IBID_OPENSSL/lib run_ctest release unit '^(test_certificate_cache|test_interposed|openssl_.*)$'
            run_pytest tests/e2e "${pytest_options[@]}"
        fi
        run_pytest tests/safety "${pytest_options[@]}"
        unset IBID_OPENSSL
    done
}
