#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# images.sh NAME: builds the image unless the cache has it, and prints the folder that holds it.
#   dom0   Debian 12 with Xen's tools and libvirt: root.ext4, vmlinux, vmlinuz, initramfs, id, pvh-initramfs
#   guest  disk.img: GRUB, Debian's kernel, a login on the serial line
#   xen    xen: stock Xen 4.17's hypervisor, the peer on which the harness itself is tried; xen.efi, with sections
#   disk   disk.img: dom0's system on a partitioned disk, for the boot loader to be installed on
#   headers VERSION  what modules for that kernel are built with: `make -C FOLDER/headers M=...`
set -euo pipefail
. "$(dirname "$0")/../../build-aux/lib.sh"
. "$top/tests/system/images/debian.sh"
. "$top/tests/system/images/dom0.sh"
. "$top/tests/system/images/guest.sh"
. "$top/tests/system/images/disk.sh"

build_xen() {
	(cd "$out" && apt-get -q download xen-hypervisor-4.17-amd64 && dpkg -x ./*.deb unpacked)
	gzip -dc "$out"/unpacked/boot/xen-4.17-amd64.gz >"$out/xen"
	mv "$out/unpacked/boot/xen-4.17-amd64.efi" "$out/xen.efi"
	rm -rf "$out/unpacked" "$out"/*.deb
}

# Debian's header packages name each other by absolute paths below /usr.
build_headers() {
	local version=$1 minor
	minor=$(cut -d. -f1,2 <<<"$version")
	(cd "$out" && apt-get -q download "linux-headers-$version" "linux-kbuild-$minor" \
		"linux-headers-${version%-*}-common" && for x in *.deb; do dpkg -x "$x" .; done && rm ./*.deb)
	mv "$out/usr/src/linux-headers-$version" "$out/usr/src/headers"
	# Through its links, so that the folder may move when it is done.
	sed -i "s,/usr/src/,\$(dir \$(abspath \$(lastword \$(MAKEFILE_LIST))))../," "$out/usr/src/headers/Makefile"
	ln -s usr/src/headers "$out/headers"
}

need_packages mmdebstrap debian-archive-keyring e2fsprogs fdisk cpio kmod busybox-static xz-utils zstd \
	openssh-client grub-pc-bin grub-common mtools
here=$top/tests/system/images
dom0() {
	cached image-dom0 "$(key_of "$top/grub/diptych-extract-vmlinux" "$here"/{debian.sh,dom0.sh,init-disk,init-shell})" \
		build_dom0
}
case ${1:-} in
dom0) dom0 ;;
disk) dom0=$(dom0) && cached image-disk "$(key_of "$(basename "$dom0")" "$here/disk.sh")" build_disk "$dom0" ;;
guest) cached image-guest "$(key_of "$here"/{debian.sh,guest.sh,init-disk})" build_guest ;;
xen) cached image-xen "$(key_of "$(declare -f build_xen)")" build_xen ;;
headers) cached "headers-$2" "$(key_of "$2" "$(declare -f build_headers)")" build_headers "$2" ;;
*) die "usage: images.sh dom0|guest|disk|xen|headers VERSION" ;;
esac
