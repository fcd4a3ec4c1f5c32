#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# chroot.sh LOWER LAYER COMMAND [ARG...]: runs a command in a system whose files are those of LOWER (folders
# with colons between them, the uppermost first) with the changes of LAYER on top. What the command changes is
# in LAYER/upper, and LOWER stays as it is. Needs root.
#
# Mounts and processes are in namespaces of their own: none of either is left.
set -euo pipefail

lower=$1 layer=$2
shift 2
mkdir -p "$layer/upper" "$layer/work" "$layer/root"
# shellcheck disable=SC2016 # it is expanded there
exec unshare --mount --pid --fork --kill-child bash -euc '
    lower=$1 layer=$2
    shift 2
    mount -t overlay overlay -o "lowerdir=$lower,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
    mount -t proc proc "$layer/root/proc"
    mount -t tmpfs tmpfs "$layer/root/dev/shm"
    export DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8
    exec chroot "$layer/root" "$@"
' bash "$lower" "$layer" "$@"
