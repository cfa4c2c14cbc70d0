# SPDX-License-Identifier: GPL-2.0-or-later
"""A network in dom0 for real guests, and data moved over it: a bridge with a DHCP server; the guest fetches what dom0
has, keeps it on its disk, reads it back from there and sends it."""
from bed.output import Failed

BRIDGE, DOM0 = "xenbr0", "10.9.0.1"
SERVER = f"""interface {BRIDGE}
start 10.9.0.20
end 10.9.0.90
lease_file /tmp/leases
pidfile /tmp/udhcpd.pid
option subnet 255.255.255.0
"""


def busybox(dom0):
    """In /tmp, for what Debian's small dom0 has not."""
    if dom0.attempt("test -x /tmp/busybox")[0] != 0:
        with open("/bin/busybox", "rb") as file:
            dom0.run("cat >/tmp/busybox && chmod 755 /tmp/busybox", stdin=file.read())


def bridge_up(dom0):
    """Once for each boot of dom0, whether another test has made the bridge alone or not."""
    if dom0.attempt("test -e /tmp/leases")[0] == 0:
        return
    busybox(dom0)
    dom0.write("/tmp/udhcpd.conf", SERVER)
    dom0.run(f"{{ ip link show {BRIDGE} >/dev/null 2>&1 || ip link add {BRIDGE} type bridge; }} && ip addr add {DOM0}/24 dev {BRIDGE} && ip link set {BRIDGE} up && "
             ": >/tmp/leases && /tmp/busybox udhcpd /tmp/udhcpd.conf")


def command(console, text, answer, within):
    """Types a command and waits for its end; the echo of the command is not taken for it."""
    console.send(f"{text} && echo ok-$((1+1)){answer} || echo failed-$((1+1)){answer}\n")
    found = console.expect(rf"(ok|failed)-2{answer}\s", within)
    if found.group(1) != "ok":
        raise Failed(f"`{text}` failed in the guest (all of it: {console.log})")
    return found


def listen(dom0, port, end, how="-u"):
    """A transfer by socat in dom0 that waits for its far end; returns when it does wait."""
    dom0.launch(f"socat {how} {end}")
    dom0.run(f"for i in $(seq 300); do ss -Hltn sport = :{port} | grep -q . && exit; sleep 0.2; done; ss -ltn; exit 1", within=120)


def lease(console):
    console.send("udhcpc -q -n -t 10 -i eth0 2>&1 | tail -n 2; ip -4 -o addr show eth0; echo ad''dressed\n")
    return console.expect(r"inet (10\.9\.0\.[2-9]\d)/24[^\n]*[\s\S]*addressed", 120)


def move(dom0, console, mib):
    """mib each way, over the network and the disk; what comes back must be what went."""
    dom0.run(f"head -c {mib}M /dev/urandom >/tmp/out; rm -f /tmp/back")
    listen(dom0, 7001, "FILE:/tmp/out TCP-LISTEN:7001,reuseaddr")
    listen(dom0, 7002, "TCP-LISTEN:7002,reuseaddr CREATE:/tmp/back")
    command(console, f"cat </dev/tcp/{DOM0}/7001 >/root/data", "fetched", 600)
    command(console, "sync /root/data && echo 3 >/proc/sys/vm/drop_caches", "dropped", 120)
    command(console, f"cat /root/data >/dev/tcp/{DOM0}/7002 && rm /root/data", "sent", 600)
    there, back = (line.split()[0] for line in dom0.run("sync; sha256sum /tmp/out /tmp/back", within=300).splitlines())
    if there != back:
        raise Failed(f"{mib} MiB came back changed: {there} went, {back} came; "
                     + dom0.run("ls -l /tmp/out /tmp/back"))
    dom0.run("rm /tmp/out /tmp/back")
