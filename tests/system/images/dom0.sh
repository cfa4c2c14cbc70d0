# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# dom0's base disk: Debian 12 with stock Xen tools and libvirt, reached by ssh.  Leaves in $out:
# root.ext4, vmlinuz, vmlinux, initramfs, pvh-initramfs, id (ssh key), version.

dom0_packages=linux-image-amd64,systemd,systemd-sysv,udev,dbus,kmod,procps,iproute2,bridge-utils,openssh-server
dom0_packages+=,xen-utils-4.17,xenstore-utils,libvirt-daemon-system,libvirt-clients,python3-minimal,xz-utils,socat
# What an administrator installs the boot loader with, on a BIOS and on UEFI.
dom0_packages+=,grub2-common,grub-pc-bin,grub-efi-amd64-bin

build_dom0() {
	local root=$out/root
	debian_root "$root" "$dom0_packages"
	kernel_version "$root" >"$out/version"
	cp "$root/boot/vmlinuz-$(cat "$out/version")" "$out/vmlinuz"
	"$top/grub/diptych-extract-vmlinux" "$out/vmlinuz" "$out/vmlinux"
	make_initramfs "$out/initramfs" "$root" init-disk virtio_pci virtio_blk ext4 crc32c_generic virtio_net
	cp "$out/initramfs" "$root/boot/initrd.img-$(cat "$out/version")"
	make_initramfs "$out/pvh-initramfs" "$root" init-shell
	# The PVH guest that tests start: the same kernel, unpacked once, here.
	mkdir -p "$root/var/lib/guests"
	cp "$out/vmlinux" "$root/var/lib/guests/vmlinux"
	cp "$out/pvh-initramfs" "$root/var/lib/guests/pvh-initramfs"
	ssh-keygen -q -t ed25519 -N '' -C test-bed -f "$out/id"
	mkdir -p "$root/root/.ssh"
	install -m 600 "$out/id.pub" "$root/root/.ssh/authorized_keys"
	dom0_settings "$root"
	make_ext4 "$out/root.ext4" 3G "$root"
	rm -rf "$root" "$root.list"
}

dom0_settings() {
	local root=$1 etc=$1/etc module
	lean_systemd "$root"
	printf 'dom0\n' >"$etc/hostname"
	printf '127.0.0.1 localhost dom0\n' >"$etc/hosts"
	# Drivers that test themselves for seconds, or wait for hardware that is not there.
	for module in aesni_intel ghash_clmulni_intel sha512_ssse3 sha256_ssse3 sha1_ssse3 crc32_pclmul crct10dif_pclmul \
		intel_rapl_msr psmouse i2c_i801 lpc_ich iTCO_wdt pcspkr ahci evdev serio_raw; do
		printf 'blacklist %s\n' "$module"
	done >"$etc/modprobe.d/test.conf"
	# The emulator's user network always gives this address.
	cat >"$etc/systemd/system/test-network.service" <<-UNIT
		[Unit]
		Description=Address of the emulator's user network
		DefaultDependencies=no
		Before=network.target
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh -c 'ip link set lo up; ip link set eth0 up; ip address add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2'
		[Install]
		WantedBy=sysinit.target
	UNIT
	# systemd's word about the boot, and any failed unit, on the console that the harness keeps.
	cat >"$etc/systemd/system/test-ready.service" <<-UNIT
		[Unit]
		Description=Says that ssh is up
		After=ssh.service
		[Service]
		Type=oneshot
		StandardOutput=journal+console
		ExecStart=/bin/echo dom0-ready
		[Install]
		WantedBy=multi-user.target
	UNIT
	chroot "$root" systemctl -q enable test-network.service test-ready.service
	# libvirtd starts at the first connection to its socket; nothing else of it at boot.
	chroot "$root" systemctl -q disable libvirtd.service libvirt-guests.service virtlockd.socket virtlogd.service
	chroot "$root" systemctl -q enable libvirtd.socket
	chroot "$root" systemctl -q mask libvirt-guests.service xendomains.service networking.service
	printf 'UseDNS no\nUsePAM no\nPermitRootLogin prohibit-password\nMaxStartups 50\n' >"$etc/ssh/sshd_config.d/test.conf"
	printf 'PermitEmptyPasswords no\n' >>"$etc/ssh/sshd_config.d/test.conf"
}
