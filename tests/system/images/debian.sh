# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Makes Debian 12 root folders, small initramfs archives and ext4 images without a mount or a loop device.
# Sourced by ../images.sh; build-aux/lib.sh is there already.

images_dir=$top/tests/system/images

# This machine's own Debian 12 sources, as one-line entries: its mirror, its security archive.
debian_sources() {
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v key="$(debian_keyring)" '$2 ~ /^bookworm/ && $3 == "main" && !seen[$0]++ {
			printf "deb [signed-by=%s] %s %s main\n", key, $1, $2 }'
}

# debian_root DIR PACKAGE,... [mmdebstrap option...]: a Debian 12 root folder, with no documentation
# and no initramfs of its own.
debian_root() {
	local dir=$1 packages=$2 x
	local -a lean=()
	shift 2
	[ "$(id -u)" = 0 ] || die "disk images are made as root: ./check and ./demo do it, or run images.sh by sudo -E"
	for x in /usr/share/man /usr/share/doc /usr/share/locale /usr/share/info /usr/share/lintian \
		/usr/share/bug /usr/share/groff; do
		lean+=("--dpkgopt=path-exclude=$x/*")
	done
	debian_sources >"$dir.list"
	[ -s "$dir.list" ] || die "apt's configuration names no Debian 12 mirror"
	# INITRD=No: the kernel package's hook then makes no initramfs, which would take minutes.
	INITRD=No mmdebstrap --mode=root --variant=minbase --format=directory "${lean[@]}" \
		--dpkgopt=force-unsafe-io --aptopt='APT::Install-Recommends "false"' \
		--include="$packages" "$@" bookworm "$dir" "$dir.list"
}

# The version of the one kernel in a root folder.
kernel_version() { (cd "$1/lib/modules" && ls); }

# make_initramfs OUT ROOT INIT MODULE...: busybox, the named modules of ROOT's kernel with all that
# they need, in the order of loading, and INIT as /init.  Not compressed: the emulator unpacks slowly.
make_initramfs() {
	local out=$1 root=$2 init=$3 tree version module path
	shift 3
	tree=$(mktemp -d)
	version=$(kernel_version "$root")
	mkdir -p "$tree"/{bin,dev,proc,sys,run,newroot,modules,etc}
	cp /bin/busybox "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	for module; do
		modprobe -d "$root" -S "$version" --show-depends "$module" |
			awk '$1 == "insmod" {print $2}'
	done | awk '!seen[$0]++' | while read -r path; do
		cp "$path" "$tree/modules/"
		basename "$path" >>"$tree/modules/order"
	done
	install -m 755 "$images_dir/$init" "$tree/init"
	(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$out"
	rm -rf "$tree"
}

# make_ext4 OUT SIZE ROOT [OFFSET]: features that GRUB 2.06 reads, no journal to replay.
make_ext4() {
	mke2fs -q -t ext4 -O '^has_journal,^metadata_csum,^64bit,^orphan_file' -F -d "$3" -L root \
		-E "root_owner=0:0,lazy_itable_init=0,offset=${4:-0}" "$1" "$2"
}

# lean_systemd ROOT: what only costs time in a test machine that lives for minutes.
lean_systemd() {
	local unit
	for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
		e2scrub_reap.service fstrim.timer man-db.timer logrotate.timer \
		systemd-tmpfiles-clean.timer systemd-random-seed.service systemd-update-utmp.service \
		systemd-update-utmp-runlevel.service systemd-pstore.service systemd-binfmt.service \
		systemd-journal-flush.service systemd-timesyncd.service systemd-boot-system-token.service \
		systemd-hwdb-update.service systemd-machine-id-commit.service \
		systemd-ask-password-console.path systemd-ask-password-wall.path \
		dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
		sys-fs-fuse-connections.mount modprobe@.service kmod-static-nodes.service \
		getty@tty1.service keyboard-setup.service console-setup.service; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
	mkdir -p "$1/etc/systemd/journald.conf.d"
	printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n' >"$1/etc/systemd/journald.conf.d/test.conf"
	printf '0123456789abcdef0123456789abcdef\n' >"$1/etc/machine-id"
	printf '/dev/root / auto defaults 0 0\n' >"$1/etc/fstab"
}
