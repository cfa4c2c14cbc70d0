# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What Debian's own virt-install asks for, and virt-manager's wizard with it.

truncate -s 1M /srv/{imported,uefi,q35,cd}.img /srv/install.iso
install() { # NAME OPTION...
	local name=$1
	shift
	HOME=/run timeout 60 virt-install --connect "$uri" --name "$name" --memory 64 --noautoconsole --network none "$@" 2>&1
}
generic=(--osinfo "detect=off,require=off")
check "virt-install --import" install imported --import --disk /srv/imported.img "${generic[@]}"
check "... runs" is imported running
check "... has a screen" grep -q "<graphics type='vnc'" <(v dumpxml imported)
check "virt-install from a CD" install cd --cdrom /srv/install.iso --disk /srv/cd.img "${generic[@]}"
check "... boots it" grep -q "<boot dev='cdrom'/>" <(v dumpxml cd)
check "... and once it has ended, the disk" grep -q "<boot dev='hd'/>" <(v dumpxml cd --inactive)
check "virt-install --boot uefi" install uefi --import --disk /srv/uefi.img --boot uefi "${generic[@]}"
check "... asks for OVMF" grep -q 'bios = "ovmf"' <(v domxml-to-native xen-xl --domain uefi)
check "virt-install of a q35, as of a Debian" install q35 --machine q35 --import --disk /srv/q35.img,bus=virtio --osinfo debian11
check "... has all its vCPUs" grep -q "<vcpu placement='static'>2</vcpu>" <(v dumpxml q35)
v dumpxml q35 --inactive >/run/q35.xml
check "... can be defined again" v define /run/q35.xml
for name in imported cd uefi q35; do
	check "$name ends and is undefined" eval "v destroy $name && v undefine $name"
done
