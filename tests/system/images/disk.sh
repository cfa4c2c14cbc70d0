# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# dom0's base system on a whole disk, as an installer leaves it but for the boot loader: GPT with a place for
# GRUB on a BIOS (1), an EFI system partition (2) and the root (3).  Leaves in $out: disk.img (raw, sparse).

# build_disk DOM0: the folder of the image dom0.
build_disk() {
	local disk=$out/disk.img root=$1/root.ext4 sectors
	sectors=$(($(stat -c %s "$root") / 512))
	truncate -s $(((sectors + 2048 + 2048 + 131072 + 2048) * 512)) "$disk"
	sfdisk -q "$disk" <<-TABLE
		label: gpt
		start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
		start=4096, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
		start=135168, size=$sectors, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
	TABLE
	mformat -i "$disk@@2M" -T 131072 -h 64 -s 32 -F ::
	dd if="$root" of="$disk" bs=1M seek=66 conv=sparse,notrunc status=none
}
