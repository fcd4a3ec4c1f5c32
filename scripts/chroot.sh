#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# chroot.sh LOWER LAYER COMMAND [ARG...]: runs a command in a system that is an overlay: LOWER (folders with
# colons between them, the uppermost first) and, above them, LAYER/upper, which gets all changes. LOWER does
# not change. Needs root.
#
# Mounts and processes are in namespaces of their own, so that none is left afterwards.
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
    export DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8
    exec chroot "$layer/root" "$@"
' bash "$lower" "$layer" "$@"
