# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair on a machine of two CPUs: from one, dom0 pauses, lets go on and destroys either panel while both run on the
other.  What is paused stands still, what goes on answers, and both panels end together, whichever is destroyed.  The guest has
two vCPUs, its fidelity domain one."""
from bed.machine import Setup
from bed.output import Failed

from .guest import disk_kernel, log_in_and_look
from .thin_pair import CONFIG as ONE, PANELS
from .traffic import bridge_up, command

ROUNDS = 40
# Two processors on the time of one vCPU of the fidelity domain.
CONFIG = ONE.replace("vcpus = 1", "vcpus = 2") + "stubdomain_vcpus = 1\n"


def created(dom0):
    dom0.run("dxl create /tmp/pair1.cfg", within=600)
    dom0.run("xl vcpu-pin pair1.fd 0 1; xl vcpu-pin Domain-0 0 0")
    return dom0.dialogue("pair1", "dxl console pair1")


def shared(dom0, console):
    command(console, "test $(nproc) = 2 && taskset 1 true && taskset 2 true", "two", 60)
    of = {line.split()[0]: line.split()[3] for line in dom0.run("xl list").splitlines() if line.split()[0] in PANELS}
    if of != {"pair1": "2", "pair1.fd": "1"}:
        raise Failed(f"vCPUs of the panels: {of}; wanted are 2 and 1")
    dom0.run("dxl vcpu-pin pair1 1 1")
    lines = dom0.run("dxl vcpu-list pair1 | tail -n +2").splitlines()
    if [line.split()[-3] for line in lines] != ["1", "1"]:
        raise Failed(f"both vCPUs run on the time of one, pinned to CPU 1: {lines}")


def answers(console, number):
    console.send(f"echo $((6 * {number}))-$(uname -s)\n")
    console.expect(f"{6 * number}-Linux", 120)


def time_of_both(dom0):
    return sum(float(line.split()[5]) for line in dom0.run("xl list").splitlines() if line.split()[0] in PANELS)


def stands_still(dom0, panel):
    dom0.run(f"xl pause {panel}")
    state = [line.split()[4] for line in dom0.run("xl list").splitlines() if line.split()[0] == panel]
    if "p" not in state[0]:
        raise Failed(f"{panel} was paused; `xl list` says {state[0]}")
    before = time_of_both(dom0)
    dom0.run("sleep 2")
    after = time_of_both(dom0)
    # The fidelity domain may find out that its guest is paused and wait: that is little.
    if after - before > 0.5:
        raise Failed(f"{panel} is paused, and the pair's CPU time goes on: {before} s, then {after} s")
    dom0.run(f"xl unpause {panel}")


def both_end(dom0, panel):
    before = time_of_both(dom0)
    for _ in range(60):
        if time_of_both(dom0) > before:
            break
        dom0.run("sleep 0.2")
    else:
        raise Failed("the pair does not run")
    dom0.run(f"xl destroy {panel}", within=300)
    for _ in range(60):
        if dom0.domains() == ["Domain-0"]:
            return
        dom0.run("sleep 1")
    raise Failed(f"{panel} was destroyed while it ran, and `xl list` shows {dom0.domains()}")


def run(bed):
    dom0 = bed.dom0(Setup(name="smp2", cpus=2))
    bridge_up(dom0)
    dom0.write("/tmp/pair1.cfg", CONFIG)
    console = created(dom0)
    log_in_and_look(console, disk_kernel(bed))
    shared(dom0, console)
    console.send("while :; do :; done &\n")
    for number, panel in enumerate(PANELS):
        stands_still(dom0, panel)
        answers(console, 3 + number)
    dom0.run(f"for i in $(seq {ROUNDS}); do for panel in {' '.join(PANELS)}; do xl pause $panel && xl unpause $panel || exit; "
             "done; done", within=600)
    answers(console, 7)
    console.close()
    both_end(dom0, "pair1")
    for panel in ("pair1.fd", "pair1"):  # in firmware or boot loader, whatever it does just then
        created(dom0).close()
        both_end(dom0, panel)
    dom0.run("xl vcpu-pin Domain-0 0 all")
