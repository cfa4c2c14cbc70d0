# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What cases.sh has not asked for: the rest of virsh's commands on a domain and its definition.

asked() { grep -qxF -- "$1" $world/asked; } # of libdiptych
truncate -s 1M /srv/new.img /srv/cd.iso
: >$world/asked

check "domcapabilities" grep -q "<value>vnc</value>" <(v domcapabilities)
check "domcapabilities --machine xenpvh" grep -q "<machine>xenpvh</machine>" <(v domcapabilities --machine xenpvh)
check "... of a machine that is not there" refused "machine 'alpha'" v domcapabilities --machine alpha
check "maxvcpus" test "$(v maxvcpus)" -ge 1
check "maxvcpus of another type" refused "unknown type 'kvm'" v maxvcpus --type kvm

sed "s,</devices>,<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/><input type='tablet' bus='usb'/></devices>," \
	/run/web.xml >/run/screen.xml
check "define with a screen" v define /run/screen.xml
v dumpxml web >/run/dump.xml
check "... has a video card" grep -q "<model type='vga'" /run/dump.xml
check "... can be defined again" v define /run/dump.xml
check "domxml-to-native" grep -q '^name = "web"' <(v domxml-to-native xen-xl --xml /run/screen.xml)
v domxml-to-native xen-xl --xml /run/web.xml >/run/web.cfg
check "domxml-from-native gives back the same" grep -q "/srv/web.img" <(v domxml-from-native xen-xl /run/web.cfg)
echo 'type = "hvm"' >/run/bad.cfg
sed "s,<vcpu>1</vcpu>,<vcpu>2</vcpu>,;s,<os>,<cputune><vcpupin vcpu='1' cpuset='0-1'/></cputune><os>,;s,</devices>,<video><model type='vga' vram='32768'/></video></devices>," \
	/run/web.xml >/run/rich.xml
v domxml-to-native xen-xl --xml /run/rich.xml >/run/rich.cfg
check "... has pins" grep -qF 'cpus = [ "all", "0-1" ]' /run/rich.cfg
check "... and video memory" grep -qx 'videoram = 32' /run/rich.cfg
printf 'cpu_weight = 512\nkeymap = "a--b"\n' >>/run/rich.cfg
v domxml-from-native xen-xl /run/rich.cfg >/run/rich.back.xml
check "... both come back" test "$(grep -cE "<vcpupin vcpu='1' cpuset='0-1'/>|vram='32768'|<vcpu placement='static'>2" /run/rich.back.xml)" = 3
check "... the rest is noted" test "$(grep -cE 'cpu_weight: is no part|keymap: has no effect' /run/rich.back.xml)" = 2
check "... in what can be defined" v define /run/rich.back.xml
check "domxml-from-native refuses memory that is given later" refused currentMemory v domxml-from-native xen-xl <(sed 's,^maxmem.*,maxmem = 1024,' /run/web.cfg)
check "domxml-from-native names what is wrong" refused "name" v domxml-from-native xen-xl /run/bad.cfg
check "... and another format" refused "unsupported config type 'vmx'" v domxml-from-native vmx /run/web.cfg

sed "s,<os>,<cputune><vcpupin vcpu='0' cpuset='0'/></cputune><os>," /run/screen.xml >/run/pinned.xml
check "define with a pinned vCPU" v define /run/pinned.xml
check "... stands in the XML" grep -q "<vcpupin vcpu='0' cpuset='0'/>" <(v dumpxml web)
v define /run/screen.xml

check "desc --title" v desc web --config --title "A web server"
check "... is told" grep -q "A web server" <(v list --all --title)
check "metadata --set" v metadata web --uri urn:mine --key mine --set "<note>7</note>" --config
check "... is told" grep -q "<note>7</note>" <(v metadata web --uri urn:mine)
check "domrename" v domrename web site
check "... has the new name" grep -q 'site *shut off' <(v list --all)
check "... its file too" test -s /etc/libvirt/diptych/site.xml -a ! -e /etc/libvirt/diptych/web.xml
check "... refuses a path" refused "cannot be a domain's" v domrename site a/b
check "domrename back" v domrename site web

check "setmaxmem" v setmaxmem web 524288 --config
check "... is told" grep -Eq 'Max memory: +524288 KiB' <(v dominfo web)
check "setmem of less" refused "currentMemory" v setmem web 262144 --config
check "setvcpus beyond the maximum" refused "" v setvcpus web 99 --config
check "vcpucount" test "$(v vcpucount web --maximum --config)" = 1
check "domblklist" grep -Eq 'vda +/srv/web.img' <(v domblklist web)
check "domblkinfo" grep -Eq 'Capacity: +1048576' <(v domblkinfo web vda)
check "domiflist" grep -Eq 'bridge +br0 +virtio +00:16:3e:01:02:03' <(v domiflist web)

check "attach-disk --config" v attach-disk web /srv/new.img vdb --config
check "... stands there" grep -q "vdb" <(v domblklist web)
check "... not twice" refused "target vdb already exists" v attach-disk web /srv/new.img vdb --config
check "detach-disk --config" v detach-disk web vdb --config
check "... is gone" refused "" grep -q "vdb" <(v domblklist web)
check "attach-interface --config" v attach-interface web bridge br0 --mac 00:16:3e:09:09:09 --model e1000 --config
check "detach-interface --config" v detach-interface web bridge --mac 00:16:3e:09:09:09 --config
check "attach-device refuses by name" refused "devices/tpm" v attach-device web <(echo '<tpm/>') --config
check "... a device that cannot come" refused "device 'graphics'" \
	v attach-device web <(echo "<graphics type='vnc'/>") --config

check "start with a screen" v start web
check "... libdiptych was told" grep -q "vnc=127.0.0.1,0 vga tablet" $world/created
check "... with its video memory" grep -q "video=16" $world/created
check "shutdown --mode paravirt" refused "only acpi" v shutdown web --mode paravirt
check "reboot --mode paravirt" refused "only acpi" v reboot web --mode paravirt
check "shutdown --mode acpi,paravirt" refused "the double has no button" v shutdown web --mode acpi,paravirt
check "vncdisplay" test "$(v vncdisplay web)" = 127.0.0.1:7
check "domdisplay" test "$(v domdisplay web)" = vnc://127.0.0.1:7
check "domcontrol" test "$(v domcontrol web)" = ok
check "reset" v reset web
check "... was asked for" asked reset
check "inject-nmi" v inject-nmi web
check "... was asked for" asked nmi
check "send-key" v send-key web --codeset linux --holdtime 50 KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE
check "... was asked for, by QEMU's numbers" asked "keys 3: 29.. for 50"
check "screenshot" v screenshot web /run/picture
check "... is the picture" grep -q "^P6 1 1 255" /run/picture
for button in reset inject-nmi "send-key KEY_A" "screenshot /run/picture" shutdown reboot; do
	read -r verb argument <<<"$button"
	touch $world/busy
	v "$verb" web ${argument:+"$argument"} >/dev/null &
	pressed=$!
	sleep 0.5
	check "nobody waits for a machine that does not answer: $verb" timeout 5 virsh -q -c "$uri" dominfo web
	rm $world/busy
	wait $pressed
done
check "setmem" v setmem web 131072 --live
check "... was asked for" asked "memory 131072"
check "setmem beyond the maximum" refused "more than the domain's maximum" v setmem web 99G --live
check "setmaxmem of a running domain" refused "" v setmaxmem web 1G --live
check "setvcpus of a running real guest" refused "keeps its vCPUs" v setvcpus web 1 --live
check "dommemstat" grep -q "^actual 131072" <(v dommemstat web)
check "cpu-stats --total" grep -Eq 'cpu_time +2.5' <(v cpu-stats web --total)
check "domstats" grep -q "balloon.maximum=524288" <(v domstats web)
check "domstats --state" grep -q "state.state=1" <(v domstats --state --enforce)
check "... refuses groups that are not there" refused "domstats: groups" v domstats --perf --enforce
check "attach-disk" v attach-disk web /srv/new.img vdb --live
check "... was asked for" asked "disk attach vdb /srv/new.img 000"
check "... shows" grep -q "vdb" <(v domblklist web)
check "domblkstat is of the disk that is named" grep -q "^vdb rd_req 2$" <(v domblkstat web vdb)
check "... or of all" grep -q "^ rd_req 4$" <(v domblkstat web)
check "detach-disk" v detach-disk web vdb --live
check "... was asked for" asked "disk detach vdb"
check "detach-disk that is not there" refused "no target device" v detach-device web <(echo "<disk type='file' device='disk'><source file='/srv/new.img'/><target dev='vdq' bus='virtio'/></disk>") --live
check "attach-interface" v attach-interface web bridge br0 --mac 00:16:3e:09:09:09 --model virtio --live
check "... was asked for" asked "nic attach 09 br0 0"
check "... has the name that libdiptych knows" grep -Eq '^ vif[0-9]+\.9 +bridge' <(v domiflist web)
check "... and so has the one from the start" grep -Eq '^ vif[0-9]+\.3 +bridge' <(v domiflist web)
check "detach-interface" v detach-interface web bridge --mac 00:16:3e:09:09:09 --live
check "... was asked for" asked "nic detach 09"
cat >/run/lan-net.xml <<XML
<network><name>lan</name><forward mode='bridge'/><bridge name='br7'/></network>
XML
v net-define /run/lan-net.xml && v net-start lan
ports() { [ "$(v net-port-list lan | grep -c .)" = "$1" ]; }
check "attach-interface of a network" v attach-interface web network lan --mac 00:16:3e:09:09:09 --live
check "... asks for its bridge" asked "nic attach 09 br7 0"
check "... which it uses" ports 1
touch $world/refuse
check "... one that does not come" refused "told to refuse" v attach-interface web network lan --mac 00:16:3e:09:09:0a --live
rm $world/refuse
check "... uses no port of it" ports 1
check "detach-interface of a network" v detach-interface web bridge --mac 00:16:3e:09:09:09 --live
check "... gives it back" ports 0
check "update-device of a disk" refused "only the medium of a cdrom" v update-device web \
	<(echo "<disk type='file' device='disk'><source file='/srv/new.img'/><target dev='vda' bus='virtio'/></disk>") --live
check "change-media of what is no drive" refused "" v change-media web vda --eject
check "domrename of a running domain" refused "active domain" v domrename web other
check "save" refused "not supported" v save web /run/saved
# virsh has a thread for it, and does not always come to say why.
check "managedsave" refused "Failed to save" v managedsave web
check "snapshot-create" refused "not supported" v snapshot-create web
check "migrate" refused "" v migrate web xen+ssh://nowhere/
check "metadata --edit of a running domain's" v metadata web --uri urn:mine --key mine --set "<note>8</note>" --live
check "... is told" grep -q "<note>8</note>" <(v metadata web --uri urn:mine)
check "... and the other on disk" grep -q "<note>7</note>" <(v metadata web --uri urn:mine --config)
v destroy web
check "the definition has none of it" grep -q "<graphics type='vnc' port='-1'" <(v dumpxml web)

sed "s,<disk type='file' device='disk'>.*,<disk type='file' device='cdrom'><source file='/srv/cd.iso'/><target dev='hdc' bus='ide'/></disk>," \
	/run/screen.xml >/run/cd.xml
check "define with a CD-ROM drive" v define /run/cd.xml
v start web
check "change-media --eject" v change-media web hdc --eject --live
check "... was asked for" asked "disk change hdc eject"
check "change-media --insert" v change-media web hdc /srv/cd.iso --insert --live
check "... was asked for" asked "disk change hdc /srv/cd.iso"
v destroy web
sed "s,type='bridge',type='network',;s,<source bridge='br0'/>,<source network='lan'/>," /run/web.xml >/run/lan.xml
v define /run/lan.xml
check "start on a network" v start web
check "... asks for its bridge" grep -q "nic=00:03,br7,0" $world/created
check "... which it uses" ports 1
v destroy web
check "... until its end" ports 0
v net-destroy lan
check "start on a network that is off" refused "network 'lan' is not active" v start web
v net-undefine lan
v undefine web

cat >/run/pvh.xml <<XML
<domain type='xen'><name>lean</name><memory unit='MiB'>128</memory><currentMemory unit='MiB'>64</currentMemory><vcpu current='1'>2</vcpu>
<os><type arch='x86_64'>xenpvh</type><kernel>/srv/vmlinux</kernel><initrd>/srv/initramfs</initrd><cmdline>console=hvc0</cmdline></os>
<devices><disk type='block' device='disk'><source dev='/dev/vg/lean'/><target dev='xvda' bus='xen'/></disk></devices></domain>
XML
check "define a PVH domain" v define /run/pvh.xml
check "... has a console" grep -q "<target type='xen'" <(v dumpxml lean)
check "... can be defined again" v define <(v dumpxml lean)
check "shutdown --mode acpi" refused "only paravirt" v shutdown lean --mode acpi
check "setvcpus --config" v setvcpus lean 2 --config
check "setmem --config" v setmem lean 131072 --config
check "start without a hypervisor tells why" refused "the hypervisor cannot be asked" v start lean
check "... and it is off" is lean "shut off"
check "a screen for a PVH domain is refused" refused "graphics" v define <(sed "s,</devices>,<graphics type='vnc'/></devices>," /run/pvh.xml)
v undefine lean

touch $world/xen
v net-define /run/lan-net.xml && v net-start lan
sed "s,</devices>,<interface type='network'><mac address='00:16:3e:01:02:03'/><source network='lan'/></interface></devices>," /run/pvh.xml >/run/pvh-lan.xml
v define /run/pvh-lan.xml
check "start of a PVH domain on a network" v start lean
check "... asks for its bridge" asked "pvh create lean br7"
check "... has the name that libxl knows" grep -Eq '^ vif900\.3 +bridge' <(v domiflist lean)
check "attach-interface of a network" v attach-interface lean network lan --mac 00:16:3e:09:09:09 --live
check "... asks for its bridge" asked "pvh nic add br7"
check "... which both use" ports 2
check "detach-interface of a network" v detach-interface lean bridge --mac 00:16:3e:09:09:09 --live
check "... gives it back" ports 1
touch $world/refuse
check "vcpupin that is refused" refused "cannot pin" v vcpupin lean 0 0 --live --config
check "... stands in no definition" refused "" grep vcpupin <(v dumpxml lean; v dumpxml lean --inactive)
rm $world/refuse
check "vcpupin" v vcpupin lean 0 0 --live --config
check "... stands in both" test "$(cat <(v dumpxml lean; v dumpxml lean --inactive) | grep -c "<vcpupin vcpu='0' cpuset='0'/>")" = 2
news() { touch $world/news && rm $world/news && sleep 1; } # that makes the driver look
touch $world/mute
news
rm $world/mute
check "a PVH domain that cannot be asked for goes on" is lean running
sed -i 's,running,poweroff,' $world/pvh
news
check "... and is off when it has powered off" eventually is lean "shut off"
check "... with nothing of it left" test ! -e $world/pvh
check "... on the network neither" ports 0
rm $world/xen
v net-destroy lan
v net-undefine lan
v undefine lean
check "undefine" test -z "$(v list --all --name)"
