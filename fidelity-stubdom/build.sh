#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh: builds the fidelity domain's image unless the cache has it, and prints the folder that holds
#   vmlinuz     Linux 6.1 with /dev/minv, started as PVH
#   initramfs   init, QEMU with our accelerator, SeaBIOS, iPXE
#   initramfs-uefi  the same and OVMF: an archive behind the archive
set -euo pipefail
. "$(dirname "$0")/../build-aux/lib.sh"
here=$top/fidelity-stubdom
qemu_version=1:10.0.13+ds-0+deb13u1
jobs=$(nproc)

# The exact kernel source that apt offers is part of the key: a security update builds anew.
kernel_version() { apt-cache show --no-all-versions linux-source-6.1 2>/dev/null | sed -n 's/^Version: //p'; }

build_kernel() {
	local source=$out/source/linux-source-6.1 line
	mkdir -p "$out/source"
	cd "$out/source"
	apt-get -q download linux-source-6.1
	dpkg -x ./*.deb .
	tar -xf usr/src/linux-source-6.1.tar.xz
	cp -r "$here/minv" "$source/drivers/diptych"
	mkdir "$source/drivers/diptych/public"
	cp "$top/core/include/public/minv.h" "$source/drivers/diptych/public/"
	sed -i 's,^endmenu,source "drivers/diptych/Kconfig"\nendmenu,' "$source/drivers/Kconfig"
	printf 'obj-y += diptych/\n' >>"$source/drivers/Makefile"
	cd "$source"
	make -s KCONFIG_ALLCONFIG="$here/linux/config" allnoconfig
	# Kconfig drops silently what it cannot satisfy.
	while read -r line; do
		grep -qxF "$line" .config || die "the kernel's configuration has not: $line"
	done < <(grep '^CONFIG_' "$here/linux/config")
	while read -r line; do
		! grep -q "^$line=" .config || die "the kernel's configuration has: $line"
	done < <(sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1/p' "$here/linux/config")
	# Reproducible: no date, user or host inside.
	nice make -s -j"$jobs" KBUILD_BUILD_TIMESTAMP='2024-01-01' KBUILD_BUILD_USER=diptych KBUILD_BUILD_HOST=diptych \
		bzImage
	cp arch/x86/boot/bzImage "$out/vmlinuz"
	cp .config "$out/config"
	rm -rf "$out/source"
}

build_qemu() {
	local source=$out/source/source ours patch
	mkdir -p "$out/source" "$out/build"
	trixie_unpack "$out/meson" meson
	trixie_source "$out/source" "qemu=$qemu_version"
	for patch in "$here"/qemu/patches/*.patch; do
		patch -s -d "$source" -p1 <"$patch"
	done
	ours=$source/target/i386/minv
	cp -r "$here/qemu/minv" "$ours"
	cp "$here"/emulator/*.[ch] "$here/minv/minv-ioctl.h" "$top/core/include/public/minv.h" "$ours/"
	cp "$here/qemu/devices.mak" "$source/configs/devices/x86_64-softmmu/minv.mak"
	cd "$out/build"
	export PYTHONPATH=$out/meson/usr/lib/python3/dist-packages
	../source/source/configure --python=/usr/bin/python3 --target-list=x86_64-softmmu \
		--without-default-features --without-default-devices --with-devices-x86_64=minv \
		--disable-tcg --disable-kvm --enable-minv --disable-docs --disable-tools --disable-guest-agent \
		--enable-fdt=system --disable-install-blobs --enable-trace-backends=nop --static --disable-pie \
		--enable-pixman --enable-vnc --disable-download --disable-debug-info
	nice ninja -j"$jobs" qemu-system-x86_64
	strip -o "$out/qemu" qemu-system-x86_64
	cp ../source/source/pc-bios/keymaps/en-us "$out/"
	rm -rf "$out/source" "$out/build" "$out/meson"
}

build_image() {
	local kernel=$1 qemu=$2 root=$out/root rom
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,share/qemu}
	gcc -std=gnu11 -D_GNU_SOURCE -Os -static -s -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror \
		-I"$here/minv" -I"$top/core/include/public" -o "$root/init" "$here"/init/*.c \
		-lxenvchan -lxengnttab -lxenevtchn -lxenstore -lxentoollog -lxentoolcore -lpthread
	cp "$qemu/qemu" "$root/bin/qemu"
	cp "${firmware[@]}" "$root/share/qemu/"
	for rom in "${roms[@]}"; do
		cp "$rom" "$root/share/qemu/efi-${rom##*/pxe-}"
	done
	mkdir "$root/share/qemu/keymaps"
	cp "$qemu/en-us" "$root/share/qemu/keymaps/"
	ln -s bios-256k.bin "$root/share/qemu/bios.bin"
	# What the kernel opens for init before devtmpfs is there.
	mknod "$root/dev/console" c 5 1
	archive "$root" >"$out/initramfs"
	rm -rf "$root"
	mkdir -p "$root/share/qemu"
	cp "${firmware_uefi[@]}" "$root/share/qemu/"
	cp "$out/initramfs" "$out/initramfs-uefi"
	archive "$root" >>"$out/initramfs-uefi"
	cp "$kernel/vmlinuz" "$out/vmlinuz"
	rm -rf "$root"
	# What each pair has in memory and each start unpacks stays small.
	[ "$(cat "$out/vmlinuz" "$out/initramfs-uefi" | wc -c)" -lt 8000000 ] || die "kernel and initramfs are 8 MB or more"
}

archive() {
	find "$1" -exec touch -hd 2024-01-01 {} +
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --reproducible -R 0:0 --quiet) | gzip -9n
}

need_packages build-essential bc bison cpio dpkg-dev flex ipxe-qemu libelf-dev libfdt-dev libglib2.0-dev libssl-dev libxen-dev \
	libpixman-1-dev ninja-build ovmf patch pkg-config python3 python3-venv seabios xz-utils zlib1g-dev
firmware=(/usr/share/seabios/{bios-256k,vgabios-stdvga}.bin)
# By the names that QEMU looks for; for a BIOS alone, a third of what is for both.
roms=(/usr/lib/ipxe/qemu/pxe-{virtio,e1000}.rom)
firmware_uefi=(/usr/share/OVMF/OVMF_{CODE,VARS}.fd)
common=$top/core/include/public/minv.h
kernel=$(cached fidelity-kernel \
	"$(key_of "$(declare -f build_kernel)" "$(kernel_version)" "$here"/{linux,minv} "$common")" build_kernel)
qemu=$(cached fidelity-qemu \
	"$(key_of "$(declare -f build_qemu)" "$qemu_version" "$here"/{qemu,emulator} "$here/minv/minv-ioctl.h" "$common")" \
	build_qemu)
cached fidelity-image \
	"$(key_of "$(declare -f build_image archive)" "$kernel" "$qemu" "$here"/{init,minv} "$common" \
		"${firmware[@]}" "${roms[@]}" "${firmware_uefi[@]}")" build_image "$kernel" "$qemu"
