# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev setup: Debian packages by purpose, and their installation. Every command calls `ensure` with its
# purposes.
#
# The names are the same from Debian 12 and Ubuntu 22.04 on, with two exceptions: tcmalloc has another name
# from Debian 13 and Ubuntu 24.04 on (64-bit time_t), and only Ubuntu has jitterentropy.

# of_this_system NAME: an entry of /etc/os-release; empty if there is none (Debian testing has no VERSION_ID).
of_this_system() { sed -nE "s/^$1=\"?([^\"]*)\"?\$/\1/p" /etc/os-release 2>/dev/null || true; }

distribution=Debian tcmalloc=libtcmalloc-minimal4t64
[[ $(of_this_system ID) != ubuntu ]] || distribution=Ubuntu
case $(of_this_system VERSION_ID) in
11 | 12 | 22.04) tcmalloc=libtcmalloc-minimal4 ;;
esac
# Ubuntu's static libcrypto needs it from 26.04 on, but its package does not depend on it.
jitterentropy=''
[[ $distribution != Ubuntu || $(of_this_system VERSION_ID) =~ ^(22|24) ]] || jitterentropy=libjitterentropy3-dev

packages_for() {
    case $1 in
    build) echo g++ cmake ninja-build pkgconf libssl-dev libxxhash-dev libcli11-dev libfmt-dev nlohmann-json3-dev \
        libncurses-dev systemtap-sdt-dev libgtest-dev libgmock-dev libgc-dev python3 ;;
    test) echo python3 python3-pytest python3-cryptography python3-jsonschema python3-pyte openssl ca-certificates curl nginx haproxy \
        kamailio kamailio-tls-modules apache2 socat libjemalloc2 "$tcmalloc" libboost-dev libcurl4-openssl-dev wget \
        man-db zsh fish shellcheck $jitterentropy ;;
    long) echo systemd prometheus ;; # tests that need them are otherwise skipped
    package) echo debhelper lintian debootstrap ;;
    package-test) echo python3 python3-pytest python3-venv ;;
    targets) if [[ $(uname -m) == x86_64 ]]; then echo python3-venv g++-aarch64-linux-gnu; else echo python3-venv g++-x86-64-linux-gnu; fi ;;
    targets-test) echo busybox-static qemu-user-static skopeo ;;
    rpm) echo rpm ;;
    demo) echo python3 python3-cryptography python3-matplotlib openssl ca-certificates curl nginx ;;
    docs) echo python3 python3-venv curl nginx ;; # the pictures are of real programs
    browser) echo chromium ;;
    bench) echo python3 python3-cryptography python3-matplotlib openssl ca-certificates nginx libbenchmark-dev libtbb-dev \
        libabsl-dev libboost-dev valgrind ;;
    openssl) echo gcc make perl dpkg-dev
        command -v cargo >/dev/null || echo cargo ;;
    fuzz) echo "clang-$clang_version" "libclang-rt-$clang_version-dev" python3 python3-cryptography openssl ;;
    model) echo spin gcc libc6-dev ;;
    suites) "$python" -m scripts.suites --packages "${suites_options[@]}" ;; # depends on which
    cross) "$python" -m scripts.cross --packages "${cross_options[@]}" ;;
    programs) echo python3 python3-cryptography openssl
        [[ " ${programs_options[*]} " != *" --install "* ]] || "$python" -m scripts.programs --packages ;;
    lint) echo "clang-$clang_version" "clang-tidy-$clang_version" "clang-format-$clang_version" shellcheck pyflakes3 git ;;
    *) fail "no packages are known for '$1'" ;;
    esac
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]]
}

# As root, or through sudo.
as_root() {
    if [[ $EUID -eq 0 ]]; then "$@"; else sudo -- "$@"; fi
}

# The commands that need root, as one script; its arguments are packages. Standard output: apt-get's
# machine-readable status. Standard error: all messages. Servers are needed only as programs, so the script
# neither starts nor enables their services, which would take this machine's ports. 'apt-get update' may fail
# (a broken third-party repository); then the installation fails only if the packages are not available. The
# first boot of a new machine holds dpkg's lock for minutes.
# shellcheck disable=SC2016 # the inner shell expands it
readonly install_script='
    policy=/usr/sbin/policy-rc.d
    trap "exit 130" INT
    trap "exit 143" TERM
    if [[ ! -e $policy ]]; then
        trap "rm -f $policy" EXIT
        printf "#!/bin/sh\nexit 101\n" >$policy
        chmod 755 $policy
    fi
    exec 3>&1 1>&2 </dev/null
    before=" $(echo /etc/init.d/*) "
    export DEBIAN_FRONTEND=noninteractive
    options=(-o APT::Status-Fd=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o APT::Color=0)
    apt-get -q update
    apt-get -q -y --no-install-recommends "${options[@]}" install "$@" || exit
    for script in /etc/init.d/*; do
        [[ "$before" == *" $script "* ]] || update-rc.d "${script##*/}" disable || true
    done
'

# Shows apt-get's status lines (KIND:PACKAGE:PERCENT:WORDS) as one line that changes. Shows nothing if
# standard error is not a terminal.
show_status() {
    local kind package percent words
    while IFS=: read -r kind package percent words; do
        if [[ -t 2 && $kind == [dp][lm]status ]]; then
            printf '\r   %3d %%  %-70.70s' "${percent%.*}" "$words" >&2
        fi
    done
    [[ ! -t 2 ]] || printf '\r%80s\r' '' >&2
}

# Installs what is missing for these purposes. If nothing is missing, it needs neither network nor root.
ensure() {
    if ! command -v dpkg-query >/dev/null; then
        return # not Debian: the build reports what it does not find
    fi
    local purpose package missing=() words
    for purpose in "$@"; do
        words=$(packages_for "$purpose")
        for package in $words; do
            is_installed "$package" || [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
        done
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0

    say "installing with apt-get: ${missing[*]}"
    if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
        fail "this needs root, and there is no sudo" "as root: apt-get install ${missing[*]}"
    fi
    if ! as_root true; then
        fail "this needs root, and sudo failed" "as root: apt-get install ${missing[*]}"
    fi
    local log
    log=$(mktemp -t ibid-setup.XXXXXX)
    if ! as_root bash -c "$install_script" install "${missing[@]}" 2>"$log" | show_status; then
        tail -n 10 "$log" >&2
        fail "apt-get could not install: ${missing[*]}" \
            "its messages are above, all of them in $log; is the network there, and is this Debian 12 or Ubuntu 22.04, or newer?"
    fi
    rm -f "$log"
}

setup_help() {
    cat <<'TEXT'
Usage: ./dev setup [build|test|model|openssl|demo|bench|fuzz|lint ...]

Installs with apt-get what is missing, as root or through sudo, and says what. Without a purpose: for all of them.
When nothing is missing it installs nothing and needs no network. Servers that it installs are not started.
TEXT
}

setup() {
    [[ ${1-} != --help ]] || { setup_help; return; }
    if ! command -v apt-get >/dev/null; then
        fail "setup supports only apt-get (Debian, Ubuntu)" \
            "install these, or what your system calls them: $(packages_for build) $(packages_for test)"
    fi
    local purpose purposes=("$@")
    [[ $# -gt 0 ]] || purposes=(build test model openssl demo bench fuzz lint)
    for purpose in "${purposes[@]}"; do
        [[ $purpose =~ ^(build|test|model|openssl|demo|bench|fuzz|lint)$ ]] || usage_error "unknown purpose '$purpose'" setup
    done
    ensure "${purposes[@]}"
    say "everything is installed for: ${purposes[*]}"
}
