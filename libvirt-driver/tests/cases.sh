# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What run.sh checks, in the order of a domain's life.

cp /proc/xen/capabilities $world/capabilities 2>/dev/null
start_off() { ! tries=20 start_daemon && kill -0 $daemon; }
check "without Xen the daemon runs and xen:/// is refused" start_off
check "... and its other drivers work" timeout 20 virsh -c network:///system net-list
stop_daemon

echo control_d >$world/capabilities
start_daemon || { cat $log /run/libvirtd.err >&2; die "libvirtd does not start"; }
check "uri" test "$(v uri)" = xen:///system
check "hostname" test "$(v hostname)" = "$(hostname)"
check "capabilities" grep -q "<domain type='xen'/>" <(v capabilities)
check "nothing to list at first" test -z "$(v list --all)"

check "define" v define /run/web.xml
check "the definition is on disk" test -s /etc/libvirt/diptych/web.xml
check "list --all" grep -q 'web *shut off' <(v list --all)
check "list --inactive --name" test "$(v list --inactive --name)" = web
check "list is of active domains" test -z "$(v list)"
check "dominfo" grep -Eq 'Max memory: +262144 KiB' <(v dominfo web)
check "domuuid" test "$(v domuuid web)" = $uuid
check "domname" test "$(v domname $uuid)" = web
check "domid of an inactive domain" test "$(v domid web)" = -
check "domstate" is web "shut off"
sed -n '/^<domain/,/^<\/domain/p' "$here/../../README.md" | sed 's,<name>web,<name>readme,' >/run/readme.xml
check "the example in README.md" v define /run/readme.xml
v undefine readme
v dumpxml web >/run/dump.xml
check "dumpxml has the disks" grep -q "/srv/web.img" /run/dump.xml
check "dumpxml can be defined again" v define /run/dump.xml
check "autostart" v autostart web
check "... is a link" test -L /etc/libvirt/diptych/autostart/web.xml
check "autostart --disable" v autostart --disable web
check "... is no link" test ! -e /etc/libvirt/diptych/autostart/web.xml
check "autostart again" v autostart web

for element in '<devices><tpm/></devices>:devices/tpm' '<devices><sound model="ac97"/></devices>:devices/sound' \
	'<memoryBacking/>:memoryBacking' '<cputune><shares>9</shares></cputune>:cputune/shares' '<devices><hostdev/></devices>:devices/hostdev' \
	'<features><hyperv/></features>:features/hyperv'; do
	with "${element%:*}"
	check "refuses ${element##*:} by name" refused "${element##*:}" v define /run/other.xml
done
changed "s,<vcpu>1,<vcpu>33,"
check "refuses 33 vCPUs" refused "vcpu '33'" v define /run/other.xml
changed "s,<vcpu>1,<vcpu current='1'>2,"
check "refuses vCPUs that come later" refused "vcpu 'current'" v define /run/other.xml
changed "s,dev='vda' bus='virtio',dev='xvda' bus='xen',;s,</serial>,</serial><console type='pty'/>,"
check "takes Xen's own disk name" v define /run/other.xml
check "... as virtio" grep -q "<target dev='xvda' bus='virtio'/>" <(v dumpxml other)
v undefine other
changed "s,bus='virtio',bus='scsi',"
check "refuses a scsi disk" refused "scsi" v define /run/other.xml
changed "s,type='raw',type='qcow2',"
check "refuses qcow2" refused "qcow2" v define /run/other.xml
changed "s,type='xen',type='kvm',"
check "refuses type kvm" refused "kvm" v define /run/other.xml
changed "s,type='bridge',type='user',"
check "refuses a user interface" refused "user" v define /run/other.xml
changed "s,<serial type='pty'>,<serial type='null'>,"
check "refuses a serial port that is no pty" refused "null" v define /run/other.xml
# ordered ORDER...: a definition with a CD-ROM drive, whose devices have these places in the boot order, or "-"
ordered() {
	sed -e 's,<name>web,<name>other,;s,<uuid>.*</uuid>,,;s,<boot dev=[^/]*/>,,g' -e "s,</serial>,&<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>," \
		/run/web.xml >/run/other.xml
	local device n=0
	for device in vda hda hdc 00:16:3e:01:02:03; do
		n=$((n + 1))
		[ "${!n}" = - ] || sed -i "/$device/s,</\(disk\|interface\)>,<boot order='${!n}'/></\1>," /run/other.xml
	done
}
for order in "1 - - -" "1 2 3 -" "2 3 1 4" "- - 1 2" "3 - 1 2"; do
	# shellcheck disable=SC2086
	ordered $order
	check "takes boot order $order" v define /run/other.xml
	v undefine other
done
for order in "2 1 - -:1" "- 1 - -:1" "1 3 2 -:3" "- 2 1 -:2"; do
	# shellcheck disable=SC2086
	ordered ${order%:*}
	check "refuses boot order ${order%:*}" refused "boot order '${order#*:}'" v define /run/other.xml
done
with "<devices><video><model type='vga' vram='512'/></video></devices>"
check "refuses 512 KiB of video memory" refused "video vram '512'" v define /run/other.xml
check "nothing of these was defined" test "$(v list --all --name)" = web

virsh -q -c "$uri" event --all --loop --timeout 120 >/run/events 2>&1 &
events=$!
sleep 3
touch $world/refuse
check "start tells libdiptych's reason" refused "the double was told to refuse" v start web
check "... and the domain is off as before" is web "shut off"
rm $world/refuse
ln -s "$(readlink -f /dev/ptmx)" $world/pty
truncate -s 1M /srv/web.img
check "start" v start web
check "domid" test "$(v domid web)" -gt 0
check "domstate is running" is web running
check "list" grep -q 'web *running' <(v list)
check "list --state-running --persistent" grep -q web <(v list --state-running --persistent --autostart)
check "list --transient is empty" test -z "$(v list --transient)"
check "libdiptych was told all" grep -qx "name=web memory=262144 vcpus=1 serial=1 boot=dc actions=010 disk=/srv/web.img,vda,0,0,0,0 disk=/dev/vg/data,hda,0,1,1,0 nic=00:03,br0,0" $world/created
check "dominfo has the CPU time of both panels" grep -Eq 'CPU time: +2.5s' <(v dominfo web)
check "live dumpxml has id and pty" grep -q "tty='$(readlink $world/pty)'" <(v dumpxml web)
check "the inactive XML has no id" refused "" grep "<domain.* id=" <(v dumpxml --inactive web)
check "start twice" refused "already active" v start web
check "suspend" v suspend web
check "... paused" is web paused
check "resume" v resume web
check "... running" is web running
check "shutdown tells libdiptych's reason" refused "the double has no button" v shutdown web
check "ttyconsole" test "$(v ttyconsole web)" = "$(readlink $world/pty)"

stop_daemon
check "the daemon starts again" start_daemon --timeout 2
check "... and finds the running domain" is web running
check "... with its console" test "$(v ttyconsole web)" = "$(readlink $world/pty)"
sleep 4
check "it does not time out beside a running domain" kill -0 $daemon
virsh -q -c "$uri" event --all --loop --timeout 120 >/run/events 2>&1 &
events=$!
sleep 3
finish_pair poweroff
check "a guest that powers off is off" eventually is web "shut off"
check "... because of shutdown" grep -q "shut off (shutdown)" <(v domstate --reason web)
check "... and a client is told" eventually grep -q "'lifecycle' for domain 'web': Stopped Shutdown" /run/events
check "... and the status file is gone" test ! -e /run/libvirt/diptych/web.xml

check "start again" v start web
touch $world/deaf
finish_pair poweroff
sleep 1
check "an end that nobody can hear of" is web running
rm $world/deaf
check "... is heard of later" eventually is web "shut off"
v start web
finish_pair crash
check "a guest that crashes is off" eventually is web "shut off"
check "... because it crashed" grep -q "shut off (crashed)" <(v domstate --reason web)
check "start --paused" v start --paused web
check "... is paused" is web paused
old=$(v domid web)
build_anew() { # ID: as its monitor does
	echo "$1 262144 running web" >"$file.new" && mv "$file.new" "$file"
	rm $world/lock
}
has_id() { [ "$(v domid web)" = "$1" ]; }
touch $world/lock
finish_pair reboot
sleep 1
check "a guest that reboots stays active" has_id "$old"
build_anew 77
check "... and has the id of its new pair" eventually has_id 77
check "... and a client is told" eventually grep -q "'reboot' for domain 'web'" /run/events
touch $world/lock
finish_pair reboot
v destroy web >/run/destroy &
destroy=$!
sleep 1
build_anew 79
check "destroy while it is built anew" wait $destroy
check "... ends the new pair" test ! -e "$file"
check "... and the domain" is web "shut off"
v start web
finish_pair reboot
check "a guest that reboots and is not built anew is off" eventually is web "shut off"
v start web
check "undefine while running" v undefine web
check "... makes it transient" grep -q web <(v list --transient)
check "... and no file is left" test ! -e /etc/libvirt/diptych/web.xml -a ! -L /etc/libvirt/diptych/autostart/web.xml
check "destroy" v destroy web
check "... and it is gone" test -z "$(v list --all)"
check "... and so is the pair" test ! -e "$file"

check "create (transient)" v create /run/web.xml
check "... refuses a second" refused "already active" v create /run/web.xml
v dumpxml web >/run/live.xml
finish_pair poweroff
gone() { [ -z "$(v list --all)" ]; }
check "... and is gone when it ends" eventually gone
check "the live XML can be used again" v create /run/live.xml
check "define while running makes it persistent" v define /run/web.xml
check "list --persistent" grep -q web <(v list --persistent)
check "destroy" v destroy web
check "... and the definition stays" is web "shut off"

sed 's,<on_crash>destroy,<on_crash>preserve,' /run/web.xml >/run/preserve.xml
v define /run/preserve.xml && v start web
sed 's,running,crash,' "$file" >"$file.new" && mv "$file.new" "$file"
check "a crashed guest that is preserved is crashed" eventually is web crashed
check "... and active" test "$(v domid web)" -gt 0
check "... until it is destroyed" v destroy web
v define /run/web.xml

check "console" /usr/bin/python3 "$here/console.py" $world/pty virsh -c $uri web
check "... and its domain goes on" is web running
v destroy web

touch $world/slow
v start web >/run/slow &
slow=$!
sleep 0.5
check "list does not wait for a start" timeout 7 virsh -q -c $uri list --all
check "a definition that changes meanwhile waits its turn" v define /run/web.xml
check "the slow start came true" wait $slow
check "... and runs" is web running
rm $world/slow
stop_daemon
touch $world/dumb
start_daemon
check "a pair of which the daemon hears nothing when it starts goes on" is web running
rm $world/dumb
check "... and can be asked about once there are answers" v domstats web
mv "$file" "$file.away"
stop_daemon
start_daemon
check "a pair that ended while the daemon was away is off" is web "shut off"
mv "$file.away" "$file"
check "a pair of a defined domain that somebody else starts is seen" eventually is web running
finish_pair destroyed
check "... and when somebody else destroys it" eventually is web "shut off"
check "undefine" v undefine web
check "... leaves nothing" test -z "$(v list --all)"
. "$here/verbs.sh"
. "$here/install.sh"
check "hostile definitions, and those of libvirt's own tests, are refused clearly" timeout 300 /usr/bin/python3 "$here/corpus.py" "$corpus"
cat /run/check.out
kill $events 2>/dev/null
dead() { ! kill -0 $daemon; }
idle() { start_daemon --timeout 2 && eventually dead; }
stop_daemon
check "an idle daemon times out" idle
