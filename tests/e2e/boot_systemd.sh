#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# boot_systemd.sh FOLDER BUILD: this system's systemd as the first process of namespaces of its own, on a copy
# of this system's files that nobody else sees. It starts FOLDER/trial.sh, and ends when that ends. FOLDER is
# /srv/trial inside, and all that outlasts it. FOLDER/units are units beside the system's. Needs root.
set -euo pipefail
folder=$1 build=$2

if [[ ${3-} != inside ]]; then
    exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child "$0" "$folder" "$build" inside
fi
hostname trial
# On a tmpfs: a layer may not be below what it lies on.
room=/run
mount -t tmpfs tmpfs "$room"
mkdir -p "$room/upper" "$room/work" "$room/root"
root=$room/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
for place in run tmp; do
    mount -t tmpfs tmpfs "$root/$place"
done
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mkdir -p "$root/srv/trial" "$root$build" "$root/etc/systemd/system"
mount --bind "$folder" "$root/srv/trial"
mount --bind "$build" "$root$build"
cp "$folder"/units/* "$root/etc/systemd/system/"
cat >"$root/etc/systemd/system/trial.service" <<'UNIT'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=60
StandardOutput=file:/srv/trial/log
StandardError=inherit
ExecStart=-/bin/bash /srv/trial/trial.sh
ExecStopPost=/bin/systemctl exit --force 77
UNIT
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$root" /lib/systemd/systemd --unit=trial.service --log-target=null --show-status=0 </dev/null
