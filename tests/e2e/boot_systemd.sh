#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# boot_systemd.sh FOLDER BUILD: starts this system's systemd as the first process in namespaces of its own, on
# a private overlay of this system's files. It starts FOLDER/trial.sh, and ends when that ends. Inside, FOLDER
# is /srv/trial; only its files remain afterwards. FOLDER/units are additional units. Needs root.
set -euo pipefail
folder=$1 build=$2

if [[ ${3-} != inside ]]; then
    exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child "$0" "$folder" "$build" inside
fi
hostname trial
# On a tmpfs, because the upper layer must not be inside the lower one.
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
