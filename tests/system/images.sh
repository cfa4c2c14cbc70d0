#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# images.sh NAME: builds the image unless the cache has it, and prints the folder that holds it.
#   dom0   Debian 12 with Xen's tools and libvirt: root.ext4, vmlinux, vmlinuz, initramfs, id, pvh-initramfs
#   guest  disk.img: GRUB, Debian's kernel, a login on the serial line
#   xen    xen: stock Xen 4.17's hypervisor, the peer on which the harness itself is tried; xen.efi, with sections
#   xen-packages     Debian's packages of that hypervisor and of libvirt's driver for it, as they are
#   qemu10 qemu-system-x86_64: Debian 13's QEMU with its libraries, unpacked, as second emulator
#   disk   disk.img: dom0's system on a partitioned disk, for the boot loader to be installed on
#   kernel SUITE     dom0 with the kernel of that suite of Debian
#   pvh NAME         vmlinuz and initramfs of a PVH guest with another of Debian's kernels (cloud, backports) and its root on xvda
#   bare   memory: QEMU's own 64-bit test system with Xen's PVH entry, built from Debian's source package
#   memtest memtest86+.iso: Debian's package, a disc that boots by itself
#   ipxe   ipxe.iso: Debian's package, a disc that boots by itself
#   installer  linux, initrd.gz: Debian's installer as it comes by network
#   headers VERSION  what modules for that kernel are built with: `make -C FOLDER/headers M=...`
set -euo pipefail
. "$(dirname "$0")/../../build-aux/lib.sh"
. "$top/tests/system/images/debian.sh"
. "$top/tests/system/images/dom0.sh"
. "$top/tests/system/images/guest.sh"
. "$top/tests/system/images/disk.sh"
. "$top/tests/system/images/kernel.sh"

build_xen() {
	(cd "$out" && apt-get -q download xen-hypervisor-4.17-amd64 && dpkg -x ./*.deb unpacked)
	gzip -dc "$out"/unpacked/boot/xen-4.17-amd64.gz >"$out/xen"
	mv "$out/unpacked/boot/xen-4.17-amd64.efi" "$out/xen.efi"
	rm -rf "$out/unpacked" "$out"/*.deb
}

# Those of this machine's libvirt: of dom0's version, as both are of the same mirror.
build_xen_packages() {
	(cd "$out" && apt-get -q download xen-hypervisor-4.17-amd64 xen-hypervisor-common libvirt-daemon-driver-xen)
}

# With all libraries that it depends on, its C library too: nothing of this system's.
build_qemu10() {
	local conf packages libraries=usr/lib/x86_64-linux-gnu
	conf=$(trixie_apt)
	mapfile -t packages < <(APT_CONFIG=$conf apt-get -s install qemu-system-x86 |
		awk '$1 == "Inst" && $2 ~ /^(lib|zlib|qemu-system|seabios)/ { print $2 }')
	trixie_unpack "$out" "${packages[@]}"
	rm -rf "$out"/usr/share/{doc,man,locale} "$out"/{etc,var}
	cat >"$out/qemu-system-x86_64" <<-RUN
		#!/bin/sh
		here=\$(dirname "\$0")
		exec "\$here/$libraries/ld-linux-x86-64.so.2" --library-path "\$here/$libraries" \\
			"\$here/usr/bin/qemu-system-x86_64" -L "\$here/usr/share/qemu" -L "\$here/usr/share/seabios" "\$@"
	RUN
	chmod +x "$out/qemu-system-x86_64"
	"$out/qemu-system-x86_64" --version
}

# Its makefile wants a configured QEMU; what it does for one program is this (tests/tcg/x86_64/Makefile.softmmu-target).
build_bare() {
	local tests=$out/source/tests/tcg
	mkdir -p "$out/source"
	(
		cd "$out"
		APT_CONFIG=$(private_apt bookworm) apt-get -q --download-only source qemu
		tar -x -C source --strip-components=1 --wildcards -f qemu_*.orig.tar.xz '*/tests/tcg/*'
	)
	gcc -nostdlib -static -fno-stack-protector -fno-pie -no-pie -ggdb -O0 -isystem "$tests/minilib" -DCHECK_UNALIGNED=1 \
		-Wl,-T"$tests/x86_64/system/kernel.ld" -Wl,-melf_x86_64 -Wl,--build-id=none -o "$out/memory" \
		"$tests/x86_64/system/boot.S" "$tests/minilib/printf.c" "$tests/multiarch/system/memory.c" -lgcc
	rm -rf "$out/source" "$out"/qemu_*
}

build_memtest() {
	(cd "$out" && apt-get -q download memtest86+ && dpkg -x ./*.deb unpacked)
	mv "$out/unpacked/usr/lib/memtest86+/memtest86+x64.iso" "$out/memtest86+.iso"
	rm -rf "$out/unpacked" "$out"/*.deb
}

build_ipxe() {
	(cd "$out" && apt-get -q download ipxe && dpkg -x ./*.deb unpacked)
	mv "$out/unpacked/usr/lib/ipxe/ipxe.iso" "$out/"
	rm -rf "$out/unpacked" "$out"/*.deb
}

build_installer() {
	(cd "$out" && apt-get -q download debian-installer-12-netboot-amd64 && dpkg -x ./*.deb unpacked)
	mv "$out"/unpacked/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/{linux,initrd.gz} "$out/"
	rm -rf "$out/unpacked" "$out"/*.deb
}

# Debian's header packages name each other by absolute paths below /usr.  Older and newer kernels' come from their suites.
build_headers() {
	local version=$1 config
	case $version in
	6.1.*) config= ;;
	5.10.*) config=$(private_apt bullseye) ;;
	*) config=$(private_apt bookworm-backports) ;;
	esac
	(
		cd "$out"
		[ -z "$config" ] || export APT_CONFIG=$config
		apt-get -q download "linux-headers-$version"
		dpkg-deb -f ./*.deb Depends | grep -oE 'linux-(kbuild-[^ ,]+|headers-[^ ,]+-common)' | xargs apt-get -q download
		for x in *.deb; do dpkg -x "$x" .; done && rm ./*.deb
	)
	mv "$out/usr/src/linux-headers-$version" "$out/usr/src/headers"
	# Through its links, so that the folder may move when it is done.
	sed -i "s,/usr/src/,\$(dir \$(abspath \$(lastword \$(MAKEFILE_LIST))))../," "$out/usr/src/headers/Makefile"
	ln -s usr/src/headers "$out/headers"
}

need_packages mmdebstrap debian-archive-keyring e2fsprogs fdisk cpio kmod busybox-static xz-utils zstd \
	openssh-client grub-pc-bin grub-efi-amd64-bin grub-common mtools
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
xen-packages)
	dom0=$(dom0) && cached image-xen-packages "$(key_of "$(basename "$dom0")" "$(declare -f build_xen_packages)")" build_xen_packages
	;;
qemu10) cached image-qemu10 "$(key_of "$(declare -f build_qemu10)")" build_qemu10 ;;
kernel)
	dom0=$(dom0) && package=$(kernel_package "$2") &&
		cached "image-kernel-$2" "$(key_of "$(basename "$dom0")" "$package" "$here/kernel.sh")" \
			build_other_kernel "$2" "$package" "$(basename "$dom0")"
	;;
pvh)
	case ${2:-} in
	cloud) suite=bookworm package=linux-image-cloud-amd64 ;;
	backports) suite=bookworm-backports package=linux-image-amd64 ;;
	*) die "usage: images.sh pvh cloud|backports" ;;
	esac
	package=$(kernel_package "$suite" "$package") &&
		cached "image-pvh-$2" "$(key_of "$package" "$(declare -f build_pvh)" "$here"/{debian.sh,init-disk})" \
			build_pvh "$suite" "$package"
	;;
bare) cached image-bare "$(key_of "$(declare -f build_bare)")" build_bare ;;
memtest) cached image-memtest "$(key_of "$(declare -f build_memtest)")" build_memtest ;;
ipxe) cached image-ipxe "$(key_of "$(declare -f build_ipxe)")" build_ipxe ;;
installer) cached image-installer "$(key_of "$(declare -f build_installer)")" build_installer ;;
headers) cached "headers-$2" "$(key_of "$2" "$(declare -f build_headers)")" build_headers "$2" ;;
*) die "usage: images.sh dom0|guest|disk|xen|xen-packages|qemu10|kernel SUITE|pvh NAME|bare|memtest|ipxe|installer|headers VERSION" ;;
esac
