# SPDX-License-Identifier: GPL-2.0-or-later
"""The hostile program and its kernel module (../hostile), built for the kernel that the image of dom0 holds."""
import glob
import os
import shutil
import subprocess

from .images import image
from .output import Failed, tail

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hostile")
ABI = os.path.join(HERE, "../../../core/include/public")


def command(argv, log):
    with open(log, "ab") as file:
        if subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False).returncode == 0:
            return
    with open(log, encoding="utf-8", errors="replace") as file:
        raise Failed(f"`{argv[0]} ...` failed (log: {log})\n{tail(file.read())}")


def build(version, folder):
    """Paths of program and module, built in a folder of its own."""
    os.makedirs(folder, exist_ok=True)
    log = os.path.join(folder, "build.log")
    module = os.path.join(folder, "module")
    shutil.rmtree(module, ignore_errors=True)
    os.makedirs(module)
    for name in ("hostile_kernel.c", "hostile_kernel.h"):
        shutil.copy(os.path.join(HERE, name), module)
    with open(os.path.join(module, "Makefile"), "w", encoding="ascii") as file:
        file.write("obj-m := hostile_kernel.o\n")
    # 6.12 would describe the module's types, by pahole.
    command(["make", "-C", image("headers", version) + "/headers", "CC=gcc", "CONFIG_DEBUG_INFO_BTF_MODULES=", f"M={module}", "modules"], log)
    program = os.path.join(folder, "hostile")
    sources = [name for name in sorted(glob.glob(HERE + "/*.c")) if not name.endswith("hostile_kernel.c")]
    command(["gcc", "-std=gnu11", "-O2", "-static", "-Wall", "-Wextra", "-D__XEN_TOOLS__", "-I", ABI, "-o", program,
             *sources], log)
    return program, module + "/hostile_kernel.ko"


def install(dom0, version):
    """Both in dom0, the module loaded."""
    program, module = build(version, os.path.join(dom0.folder, "hostile"))
    for path, name in ((program, "/tmp/hostile"), (module, "/tmp/hostile_kernel.ko")):
        with open(path, "rb") as file:
            dom0.run(f"cat >{name}", stdin=file.read())
    dom0.run("chmod +x /tmp/hostile; insmod /tmp/hostile_kernel.ko")
