#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# packages.sh DEBS [CORE]: installs, upgrades, removes and purges the packages of folder DEBS (build-aux/packages.sh) on a
# copy of dom0's image, in a chroot: no hypervisor runs.  Then again beside Debian's own Xen, which stays as it was.
# The core in them loads what CORE does; nothing stays behind.  As root.  Ends with "N passed, N failed".
set -euo pipefail
. "$(dirname "$0")/../build-aux/lib.sh"
[ $# -ge 1 ] || die "usage: packages.sh DEBS [CORE]"
debs=$1 core=${2:-}
need_packages e2fsprogs dpkg-dev binutils
image=$("$top/tests/system/images.sh" dom0)
xen=$("$top/tests/system/images.sh" xen-packages)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root passed=0 failed=0
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
mkdir -p "$root"
debugfs -R "rdump / $root" "$image/root.ext4" 2>/dev/null
mkdir "$root/new" "$root/newer" "$root/xen"
cp "$debs"/*.deb "$root/new/"
cp "$xen"/*.deb "$root/xen/"
# A profile to find what the driver's package adds to it.
mkdir -p "$root/etc/apparmor.d/local"
: >"$root/etc/apparmor.d/local/usr.sbin.libvirtd"

files() { (cd "$root" && find boot etc usr ! -type d ! -name '*.cache' -printf '%p %s %m %l\n' | LC_ALL=C sort); }
ok() {
	local what=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED%s: %s\n' "$beside" "$what"
		tail -n 20 "$work/said"
	fi
}
inside() { chroot "$root" sh -c "$*"; }
names=$(for deb in "$debs"/*.deb; do dpkg-deb -f "$deb" Package; done | tr '\n' ' ')
all_are() { [ "$(inside "dpkg-query -W -f '\${db:Status-Abbrev}\${Version}\n' $names" | sort -u)" = "$1" ]; }
works() {
	inside "dxl --help" && [ -s "$root/boot/diptych-core" ] && ls "$root"/boot/diptych-vmlinux-* &&
		! inside "ldd /usr/lib/*/diptych/connection-driver/libvirt_driver_libxl.so" | grep 'not found' &&
		inside "test -r /usr/lib/*/diptych/connection-driver/libvirt_driver_network.so" &&
		grep -q '^/usr/libexec/diptych/' "$root/etc/apparmor.d/local/usr.sbin.libvirtd"
}
version=$(dpkg-deb -f "$(echo "$debs"/diptych-core_*.deb)" Version)
for deb in "$root"/new/*.deb; do
	rm -rf "$work/deb"
	dpkg-deb -R "$deb" "$work/deb"
	sed -i -E "s/^Version: .*/Version: $version+1/; s/\(= $version\)/(= $version+1)/g" "$work/deb/DEBIAN/control"
	dpkg-deb -Znone -b "$work/deb" "$root/newer/" >/dev/null
done

same_core() { cmp <(objcopy -O binary "$core" "$work/1" && cat "$work/1") <(objcopy -O binary "$root/boot/diptych-core" "$work/2" && cat "$work/2"); }
come_and_go() {
	files >"$work/before"
	ok "they install" inside "dpkg -i /new/*.deb"
	ok "all are there" all_are "ii $version"
	ok "what was installed works" works
	[ -z "$core" ] || ok "the core is the one that was built and proved" same_core
	ok "they are upgraded" inside "dpkg -i /newer/*.deb"
	ok "all are newer" all_are "ii $version+1"
	ok "what was upgraded works" works
	ok "they are removed" inside "dpkg -r $names"
	ok "dom0's unpacked kernels are gone" test -z "$(ls "$root"/boot/diptych-* 2>/dev/null)"
	ok "they are purged" inside "dpkg -P $names"
	files >"$work/after"
	ok "nothing is left behind, nothing else is gone" diff "$work/before" "$work/after"
	ok "libvirtd's profile is as before" test ! -s "$root/etc/apparmor.d/local/usr.sbin.libvirtd"
	ok "stock libvirtd's modules are there still" test -s "$root/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_network.so"
}

beside=
come_and_go
beside=" (beside Xen)"
ok "Debian's Xen installs" inside "dpkg -i /xen/*.deb"
come_and_go
# The image leaves documents out; verify says what differs and ends well.
ok "Debian's Xen is whole" inside "! dpkg --verify xen-hypervisor-4.17-amd64 xen-hypervisor-common libvirt-daemon-driver-xen |
	grep -v ' /usr/share/'"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
