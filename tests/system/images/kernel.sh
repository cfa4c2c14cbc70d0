# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# dom0 with another kernel than its disk's own: the newest of one of Debian's suites.  Leaves in $out what image dom0
# has, the disk and the key as links to it, and `over`: a tree that the harness unpacks over the disk at boot.
# Sourced by ../images.sh.

# kernel_package SUITE [NAME]: the package that linux-image-amd64, or NAME, stands for in SUITE.
kernel_package() {
	local conf
	conf=$(private_apt "$1") || return 1
	APT_CONFIG=$conf apt-cache depends "${2:-linux-image-amd64}" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }'
}

# build_other_kernel SUITE PACKAGE DOM0
build_other_kernel() {
	local suite=$1 package=$2 dom0=$3 root=$out/root version file x
	mkdir -p "$root" "$out/deb" "$out/over/usr/lib" "$out/over/var/lib/guests"
	(cd "$out/deb" && APT_CONFIG=$(private_apt "$suite") apt-get -q download "$package" && dpkg -x ./*.deb "$root")
	[ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
	version=$(kernel_version "$root")
	printf '%s\n' "$version" >"$out/version"
	cp "$root/boot/vmlinuz-$version" "$out/vmlinuz"
	"$top/grub/diptych-extract-vmlinux" "$out/vmlinuz" "$out/vmlinux"
	# What no test asks for, as all of it is unpacked at each boot.
	for x in drivers/{gpu,media,net/wireless,infiniband,staging,iio,usb,hwmon,isdn,bluetooth} sound \
		net/{wireless,mac80211,bluetooth} fs/{ocfs2,xfs,btrfs,nfs,nfsd,ceph,cifs,smb}; do
		rm -rf "$root/lib/modules/$version/kernel/$x"
	done
	# Of SCSI what a SATA disk is seen through.
	find "$root/lib/modules/$version/kernel/drivers/scsi" -name '*.ko*' -not -name 'scsi_mod.*' -not -name 'scsi_common.*' \
		-not -name 'sd_mod.*' -delete
	depmod -b "$root" "$version"
	make_initramfs "$out/initramfs" "$root" init-disk virtio_pci virtio_blk ext4 crc32c_generic virtio_net
	mv "$(realpath "$root/lib")/modules" "$out/over/usr/lib/modules"
	cp "$out/vmlinux" "$out/over/var/lib/guests/vmlinux"
	for file in root.ext4 id id.pub; do ln -s "../$dom0/$file" "$out/$file"; done
	rm -rf "$root" "$out/deb"
}

# build_pvh SUITE PACKAGE: for a guest whose kernel does not lie on its disk.  Leaves in $out: vmlinuz, initramfs, version.
build_pvh() {
	local suite=$1 package=$2 root=$out/root
	mkdir -p "$root" "$out/deb"
	(cd "$out/deb" && APT_CONFIG=$(private_apt "$suite") apt-get -q download "$package" && dpkg -x ./*.deb "$root")
	[ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
	kernel_version "$root" >"$out/version"
	depmod -b "$root" "$(cat "$out/version")"
	cp "$root/boot/vmlinuz-$(cat "$out/version")" "$out/vmlinuz"
	make_initramfs "$out/initramfs" "$root" init-disk xen-blkfront ext4 crc32c_generic xen-netfront
	rm -rf "$root" "$out/deb"
}
