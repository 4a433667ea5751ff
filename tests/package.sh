#!/bin/bash
# What is in the Debian package, and what it does to a machine: tests/package.sh FILE.deb
# The second half needs root; it installs, upgrades, removes and purges in a copy-on-write view
# of this machine, which itself is not changed.
set -eu
deb=$(realpath "$1")
fail() { echo "package: $*" >&2; exit 1; }

expected='-rw------- ./etc/doumibook/doumibook.env
-rw-r--r-- ./usr/lib/systemd/system/doumibook.service
-rw-r--r-- ./usr/lib/systemd/system/doumibook.socket
-rw-r--r-- ./usr/share/doc/doumibook/README.md
-rw-r--r-- ./usr/share/doc/doumibook/README.zh-CN.md
-rw-r--r-- ./usr/share/doc/doumibook/copyright
-rw-r--r-- ./usr/share/doc/doumibook/examples/doumibook.env.example
-rw-r--r-- ./usr/share/doc/doumibook/examples/nginx.conf.example
-rwxr-xr-x ./usr/bin/doumibook'
found=$(dpkg-deb -c "$deb" | awk '!/^d/ {print $1, $6}' | LC_ALL=C sort)
[ "$found" = "$expected" ] || fail "holds other files: $(diff <(echo "$expected") <(echo "$found"))"
[ "$(dpkg-deb -I "$deb" conffiles)" = /etc/doumibook/doumibook.env ] || fail "other conffiles"
[ "$(dpkg-deb -f "$deb" Package)" = doumibook ] || fail "another name"
dpkg-deb -f "$deb" Depends | grep -q libc6 || fail "depends on no libc6"
for script in postinst prerm postrm; do
    dpkg-deb -I "$deb" "$script" | sh -n || fail "$script is no shell script"
done

view=$(mktemp -d)
trap 'rmdir "$view"' EXIT
if ! unshare -m mount -t tmpfs none "$view" 2>/dev/null; then
    [ -z "${CI:-}" ] || fail "CI must run this as root"
    echo "SKIPPED install, upgrade, remove and purge of the package: not root"
    exit
fi
unshare -m bash -eu -s "$view" "$deb" <<'INSIDE'
view=$1 deb=$2
mount -t tmpfs none "$view"
mkdir "$view"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$view/upper,workdir=$view/work" "$view/root"
mount -t proc proc "$view/root/proc" 2>/dev/null || mount --rbind /proc "$view/root/proc"
mount --rbind /dev "$view/root/dev"
# No /run: a system without a running systemd, and none of this machine's sockets.
mount -t tmpfs none "$view/root/run"
cp "$deb" "$view/root/doumibook.deb"
chroot "$view/root" bash -eu <<'CHROOT'
fail() { echo "package: $*" >&2; exit 1; }
settings=/etc/doumibook/doumibook.env
! command -v doumibook >/dev/null || dpkg --purge doumibook >/dev/null
dpkg -i /doumibook.deb >/dev/null
doumibook --version | grep -q '^doumibook ' || fail "the installed program does not run"
[ "$(stat -c %a:%U "$settings")" = 600:root ] || fail "the settings can be read by others"
[ ! -e /etc/systemd/system/sockets.target.wants/doumibook.socket ] || fail "enabled by itself"
systemctl enable doumibook.socket doumibook.service 2>/dev/null
echo DOUMIBOOK_TOKEN=mine >>"$settings"
dpkg -i /doumibook.deb >/dev/null
grep -q mine "$settings" || fail "an upgrade lost the settings"
[ -e /etc/systemd/system/sockets.target.wants/doumibook.socket ] || fail "an upgrade disabled it"
dpkg --remove doumibook >/dev/null 2>&1
grep -q mine "$settings" || fail "a removal lost the settings"
[ ! -e /etc/systemd/system/sockets.target.wants/doumibook.socket ] || fail "removed, yet enabled"
dpkg -i /doumibook.deb >/dev/null
mkdir -p /var/lib/private/doumibook
ln -s private/doumibook /var/lib/doumibook
dpkg --purge doumibook >/dev/null 2>&1
for left in /etc/doumibook /var/lib/private/doumibook /var/lib/doumibook /usr/bin/doumibook; do
    [ ! -e "$left" ] && [ ! -L "$left" ] || fail "a purge leaves $left"
done
CHROOT
INSIDE
echo "package: contents, installation, upgrade, removal and purge are right"
