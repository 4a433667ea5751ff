#!/bin/bash
# What is in the Debian package, and what it does to a machine: tests/package.sh FILE.deb
# The second half needs root; it installs, upgrades, removes and purges in a copy-on-write view
# of this machine, which itself is not changed.
set -eu
deb=$(realpath "$1")
fail() { echo "package: $*" >&2; exit 1; }

expected='-rw-r--r-- ./usr/lib/systemd/system/doumibook-check.service
-rw-r--r-- ./usr/lib/systemd/system/doumibook-shelf.path
-rw-r--r-- ./usr/lib/systemd/system/doumibook-shelf.service
-rw-r--r-- ./usr/lib/systemd/system/doumibook.service
-rw-r--r-- ./usr/lib/systemd/system/doumibook.socket
-rw-r--r-- ./usr/share/doc/doumibook/NOTICE.md
-rw-r--r-- ./usr/share/doc/doumibook/README.md
-rw-r--r-- ./usr/share/doc/doumibook/README.zh-CN.md
-rw-r--r-- ./usr/share/doc/doumibook/copyright
-rw-r--r-- ./usr/share/doc/doumibook/examples/nginx.conf.example
-rw-r--r-- ./usr/share/doumibook/doumibook.env.example
-rwxr-xr-x ./usr/bin/doumibook'
found=$(dpkg-deb -c "$deb" | awk '!/^d/ {print $1, $6}' | LC_ALL=C sort)
[ "$found" = "$expected" ] || fail "holds other files: $(diff <(echo "$expected") <(echo "$found"))"
! dpkg-deb -I "$deb" conffiles >/dev/null 2>&1 || fail "a conffile: an edited one stops upgrades"
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
# The next version, with another word in the example.
dpkg-deb -R "$deb" "$view/root/next"
sed -i 's/^Version: .*/Version: 999/' "$view/root/next/DEBIAN/control"
echo '# another word' >>"$view/root/next/usr/share/doumibook/doumibook.env.example"
dpkg-deb -b "$view/root/next" "$view/root/next.deb" >/dev/null
chroot "$view/root" bash -eu <<'CHROOT'
fail() { echo "package: $*" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
settings=/etc/doumibook/doumibook.env
enabled=/etc/systemd/system/sockets.target.wants/doumibook.socket
quietly() { "$@" >/said 2>&1 </dev/null || { cat /said >&2; fail "$*"; }; }
is() { [ "$(dpkg-query -Wf '${db:Status-Status} ${Version}' doumibook)" = "$1" ] || fail "not $1"; }
! command -v doumibook >/dev/null || quietly dpkg --purge doumibook
quietly dpkg -i /doumibook.deb
first=$(dpkg-query -Wf '${Version}' doumibook)
doumibook --version | grep -q '^doumibook ' || fail "the installed program does not run"
[ "$(stat -c %a:%U "$settings")" = 600:root ] || fail "the settings can be read by others"
[ "$(stat -c %a /etc/doumibook)" = 755 ] || fail "the service cannot reach a file of books"
cmp -s "$settings" /usr/share/doumibook/doumibook.env.example || fail "other settings"
[ ! -e "$enabled" ] || fail "enabled by itself"
quietly systemctl enable doumibook.socket doumibook.service
echo DOUMIBOOK_TOKEN=mine >>"$settings"
quietly dpkg -i /next.deb
is 'installed 999'
grep -q mine "$settings" || fail "an upgrade lost the settings"
! grep -q 'another word' "$settings" || fail "an upgrade changed the settings"
[ -e "$enabled" ] || fail "an upgrade disabled it"
# A running systemd in which nothing works: the package is whole all the same, and says so.
mkdir -p /run/systemd/system /usr/local/sbin
printf '#!/bin/sh\nexit 1\n' >/usr/local/sbin/systemctl
chmod 755 /usr/local/sbin/systemctl
quietly dpkg -i /doumibook.deb
is "installed $first"
grep -q 'journalctl -u doumibook -p err' /said || fail "a failed restart is not told"
quietly dpkg --remove doumibook
grep -q 'doumibook may still run' /said || fail "a failed stop is not told"
rm -r /run/systemd /usr/local/sbin/systemctl
quietly dpkg -i /doumibook.deb
quietly dpkg --remove doumibook
grep -q mine "$settings" || fail "a removal lost the settings"
[ ! -e "$enabled" ] || fail "removed, yet enabled"
quietly dpkg -i /doumibook.deb
mkdir -p /var/lib/private/doumibook
ln -s private/doumibook /var/lib/doumibook
quietly dpkg --purge doumibook
for left in /etc/doumibook /var/lib/private/doumibook /var/lib/doumibook /usr/bin/doumibook; do
    [ ! -e "$left" ] && [ ! -L "$left" ] || fail "a purge leaves $left"
done
CHROOT
INSIDE
echo "package: contents, installation, upgrade, removal and purge are right"
