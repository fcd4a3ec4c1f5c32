#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# chroot.sh LOWER LAYER COMMAND [ARG...]: runs a command in a system that is an overlay: LOWER (folders with
# colons between them, the uppermost first) and, above them, LAYER/upper, which gets all changes. LOWER does
# not change. Needs root.
#
# Mounts and processes are in namespaces of their own, so that none is left afterwards. The environment is a
# new one, too: a compiler launcher, flags or a file of certificates that are set here are of this system.
# Only proxies and DEB_BUILD_OPTIONS are kept.
set -euo pipefail

lower=$1 layer=$2
shift 2
mkdir -p "$layer/upper" "$layer/work" "$layer/root"
# shellcheck disable=SC2016 # the inner shell expands it
exec unshare --mount --pid --fork --kill-child bash -euc '
    lower=$1 layer=$2
    shift 2
    mount -t overlay overlay -o "lowerdir=$lower,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
    mount -t proc proc "$layer/root/proc"
    mount -t tmpfs tmpfs "$layer/root/dev/shm"
    kept=()
    for name in http_proxy https_proxy no_proxy DEB_BUILD_OPTIONS; do
        [[ ! -v $name ]] || kept+=("$name=${!name}")
    done
    exec env -i DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        TERM=dumb "${kept[@]}" chroot "$layer/root" "$@"
' bash "$lower" "$layer" "$@"
