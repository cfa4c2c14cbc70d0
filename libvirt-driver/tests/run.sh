#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The driver in Debian's own libvirtd, asked by Debian's own virsh, on doubles of libdiptych and libxl (double*.c): what can
# be known without a hypervisor.  Root only; a mount namespace keeps it off the machine's own libvirt.
# With DIPTYCH_LIBVIRT=11.3 in the libvirt of Debian 12's backports, which is not installed for that.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../build-aux/lib.sh"
need_packages libvirt-daemon libvirt-clients python3-libvirt virtinst
# Its network module wants a firewall's program to be there.
[ -z "${DIPTYCH_LIBVIRT-}" ] || need_packages nftables

if [ -z "${IN_NAMESPACE-}" ]; then
	module=$("$here/../build.sh" double) || exit 1
	corpus=$("$here/../build.sh" corpus) || exit 1
	stock=$("$here/../build.sh" stock) || exit 1
	export module corpus stock
	export IN_NAMESPACE=1
	[ "$(id -u)" = 0 ] || exec sudo -E unshare --mount "$0" "$@"
	exec unshare --mount "$0" "$@"
fi

for d in /run /srv /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
	mkdir -p "$d"
	mount -t tmpfs tmpfs "$d" || die "cannot mount"
done
if [ -n "$stock" ]; then
	export PATH=$stock/usr/sbin:$stock/usr/bin:$PATH LD_LIBRARY_PATH=$stock/usr/lib/x86_64-linux-gnu
	# What its programs look for by whole paths.
	for d in /usr/share/libvirt /usr/lib/x86_64-linux-gnu/libvirt; do
		mount --bind "$stock$d" $d || die "cannot mount"
	done
fi
world=/run/diptych-double
export DIPTYCH_DOUBLE=$world
drivers=/run/drivers
uri=xen:///system
log=/run/libvirtd.log
mkdir -p "$world" "$drivers" /run/libvirt /run/lock
ln -s /usr/lib/x86_64-linux-gnu/libvirt/connection-driver/*.so "$drivers/"
rm -f "$drivers"/libvirt_driver_{libxl,qemu,lxc,vbox}.so
ln -s "$module/libvirt_driver_libxl.so" "$drivers/"
printf 'auth_unix_rw = "none"\nlog_outputs = "1:file:%s"\nlog_filters = "1:diptych 3:*"\n' $log >/etc/libvirt/libvirtd.conf

daemon= passed=0 failed=0
start_daemon() {
	LIBVIRT_DRIVER_DIR=$drivers libvirtd -f /etc/libvirt/libvirtd.conf "$@" >/run/libvirtd.err 2>&1 &
	local i
	daemon=$!
	for ((i = 0; i < ${tries:-100}; i++)); do
		[ -S /run/libvirt/libvirt-sock ] && timeout 5 virsh -c "$uri" uri >/dev/null 2>&1 && return 0
		kill -0 $daemon 2>/dev/null || break
		sleep 0.1
	done
	return 1
}
stop_daemon() {
	kill $daemon 2>/dev/null
	wait $daemon 2>/dev/null
}
trap stop_daemon EXIT

v() { timeout 20 virsh -q -c "$uri" "$@" 2>&1; }
# eventually COMMAND...: within twenty seconds
eventually() {
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}
is() { [ "$(v domstate "$1" | head -n 1)" = "$2" ]; }
check() { # in this shell: it may start the daemon
	local name=$1
	shift
	if "$@" >/run/check.out 2>&1; then
		passed=$((passed + 1))
		printf 'ok   %s\n' "$name"
	else
		failed=$((failed + 1))
		printf 'FAIL %s\n' "$name"
		sed 's/^/     /' /run/check.out
	fi
}
# refused TEXT COMMAND...: fails, and says TEXT
refused() {
	local text=$1 out
	shift
	out=$("$@" 2>&1) && {
		echo "was accepted: $out"
		return 1
	}
	grep -qF -- "$text" <<<"$out" || {
		printf 'does not say %s: %s\n' "$text" "$out"
		return 1
	}
}

uuid=4dea22b3-1d52-d8f3-2516-782e98ab3fa0
file=$world/${uuid//-/}
cat >/run/web.xml <<XML
<domain type='xen'>
  <name>web</name><uuid>$uuid</uuid>
  <memory unit='MiB'>256</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/web.img'/><target dev='vda' bus='virtio'/></disk>
    <disk type='block' device='disk'><source dev='/dev/vg/data'/><target dev='hda' bus='ide'/><readonly/></disk>
    <interface type='bridge'><mac address='00:16:3e:01:02:03'/><source bridge='br0'/><model type='virtio'/></interface>
    <serial type='pty'><target port='0'/></serial>
  </devices>
</domain>
XML
# with ELEMENT: web.xml under another name with more in it
with() {
	sed -e "s,</domain>,$1</domain>," -e 's,<name>web,<name>other,' -e '/<uuid>/s,<uuid>.*</uuid>,,' /run/web.xml >/run/other.xml
}
changed() { sed -e "$1" -e 's,<name>web,<name>other,' -e 's,<uuid>.*</uuid>,,' /run/web.xml >/run/other.xml; }
finish_pair() { # REASON: the pair of web ends by itself
	local guest
	guest=$(cut -d' ' -f1 "$file")
	echo "$guest $1" >"$file.end"
	rm "$file"
}
. "$here/cases.sh"
printf '\n%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
