# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disk of the real guest: GRUB for BIOS and for UEFI, Debian's kernel, systemd, a login on the serial line
# (root, password "guest").  Leaves in $out: disk.img (raw, sparse), version.

guest_modules=(virtio_pci virtio_blk ext4 crc32c_generic virtio_net ahci ata_piix sd_mod e1000)

build_guest() {
	local root=$out/root x
	local -a lean=()
	# Most of the kernel package is drivers for hardware that no guest of ours has.
	for x in drivers/gpu drivers/media drivers/net/ethernet drivers/net/wireless drivers/infiniband drivers/scsi \
		drivers/staging drivers/iio drivers/usb drivers/hwmon drivers/isdn drivers/bluetooth sound \
		net/wireless net/mac80211 net/bluetooth fs/ocfs2 fs/xfs fs/btrfs fs/nfs fs/nfsd fs/ceph; do
		lean+=("--dpkgopt=path-exclude=/lib/modules/*/kernel/$x/*")
	done
	for x in scsi/scsi_mod scsi/scsi_common scsi/sd_mod net/ethernet/intel/e1000/e1000; do
		lean+=("--dpkgopt=path-include=/lib/modules/*/kernel/drivers/$x.ko")
	done
	debian_root "$root" linux-image-amd64,systemd,systemd-sysv,kmod,procps,iproute2,udhcpc "${lean[@]}"
	kernel_version "$root" >"$out/version"
	guest_settings "$root"
	make_initramfs "$root/boot/initramfs" "$root" init-disk "${guest_modules[@]}"
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/usr/share/zoneinfo/*
	make_boot_disk "$out/disk.img" 500 "$root"
	rm -rf "$root" "$root.list"
}

guest_settings() {
	local root=$1 etc=$1/etc
	lean_systemd "$root"
	printf 'guest\n' >"$etc/hostname"
	printf 'root:guest\n' | chroot "$root" chpasswd
	# On a host with too few processors a login takes longer than login's 60 s.
	sed -i 's/^LOGIN_TIMEOUT.*/LOGIN_TIMEOUT 900/' "$etc/login.defs"
	# A plain login instead of serial-getty@: that one waits for udev, which is not here.
	cat >"$etc/systemd/system/serial-login.service" <<-UNIT
		[Unit]
		Description=Login on the serial line
		After=systemd-user-sessions.service
		[Service]
		ExecStart=/sbin/agetty --noclear --keep-baud 115200,9600 ttyS0 vt102
		Type=idle
		Restart=always
		UtmpIdentifier=ttyS0
		StandardInput=tty
		StandardOutput=tty
		TTYPath=/dev/ttyS0
		[Install]
		WantedBy=multi-user.target
	UNIT
	chroot "$root" systemctl -q enable serial-login.service
	chroot "$root" systemctl -q mask systemd-logind.service systemd-networkd.service getty.target getty-static.service
	mkdir -p "$root/boot/grub"
	cat >"$root/boot/grub/grub.cfg" <<-CFG
		set timeout=0
		set disk=/dev/vda1
		if [ "\$grub_platform" = efi ]; then set disk=/dev/sda1; fi
		menuentry "Debian" {
			linux /vmlinuz root=\$disk console=ttyS0,115200 quiet net.ifnames=0
			initrd /boot/initramfs
		}
	CFG
}

# make_boot_disk OUT MIB ROOT: for a BIOS, GRUB's boot sector and core image are copied to where the BIOS and the
# boot sector look for them (sector 0, and from sector 1 on: the defaults in both), so that no installer has to see
# the disk as a device.  For UEFI, the second partition holds GRUB at the name that firmware tries by itself.
make_boot_disk() {
	local disk=$1 mib=$2 root=$3 grub=/usr/lib/grub/i386-pc core esp_mib=4 esp
	core=$(mktemp)
	esp=$((mib - esp_mib))
	cat >"$core.cfg" <<-CFG
		serial --unit=0 --speed=115200
		terminal_input serial
		terminal_output serial
		search.fs_label root root
		set prefix=(\$root)/boot/grub
		normal
	CFG
	grub-mkimage -O i386-pc -p /boot/grub -c "$core.cfg" -o "$core" \
		biosdisk part_msdos ext2 search_label normal serial terminal test linux echo configfile
	grub-mkimage -O x86_64-efi -p /boot/grub -c "$core.cfg" -o "$core.efi" \
		part_msdos ext2 search_label normal serial terminal test linux echo configfile
	[ "$(stat -c %s "$core")" -lt $((2047 * 512)) ] || die "GRUB's core image does not fit before the partition"
	rm -f "$disk"
	truncate -s "${mib}M" "$disk"
	printf 'label: dos\nstart=2048, size=%d, type=83, bootable\nstart=%d, type=ef\n' \
		$(((esp - 1) * 2048)) $((esp * 2048)) | sfdisk -q "$disk"
	make_ext4 "$disk" "$((esp - 1))M" "$root" $((2048 * 512))
	mformat -i "$disk@@${esp}M" -T $((esp_mib * 2048)) -h 64 -s 32 ::
	mmd -i "$disk@@${esp}M" ::/EFI ::/EFI/BOOT
	mcopy -i "$disk@@${esp}M" "$core.efi" ::/EFI/BOOT/BOOTX64.EFI
	dd if="$grub/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
	dd if="$core" of="$disk" bs=512 seek=1 conv=notrunc status=none
	rm -f "$core" "$core.cfg" "$core.efi"
}
