# SPDX-License-Identifier: GPL-2.0-or-later
"""Small initramfs images: busybox, a script as init, a few files."""
import os
import shutil
import subprocess


def archive(tree, path):
    subprocess.run(f"cd {tree} && find . | cpio --quiet -o -H newc -R 0:0 >{path}", shell=True, check=True)


def make(folder, init, files=()):
    """folder: made anew; init: the script's text; files: (path here, path there).  Returns the image's path."""
    tree, path = os.path.join(folder, "tree"), os.path.join(folder, "initramfs")
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "dev", "proc", "sys"):
        os.makedirs(os.path.join(tree, name))
    for source, name in (("/bin/busybox", "bin/busybox"), *files):
        shutil.copy(source, os.path.join(tree, name))
    with open(f"{tree}/init", "w", encoding="ascii") as file:
        file.write(init)
    os.chmod(f"{tree}/init", 0o755)
    archive(tree, path)
    return path
