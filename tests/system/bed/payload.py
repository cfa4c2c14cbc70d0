# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed tree as a bare tar on a disk of its own, unpacked over dom0's base image when it boots.

extra: (name, mode, text) of files beside it; roots: more trees.  Folders are left out on purpose: Debian's /lib is a link, and must stay one.
"""
import io
import os
import tarfile

SECTOR = 512


def make_payload(root, path, extra=(), roots=()):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for tree in filter(None, [root, *roots]):
            add_tree(archive, tree)
        for name, mode, text in extra:
            member = owned_by_root(tarfile.TarInfo(name))
            member.mode, member.size = mode, len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    size = os.path.getsize(path)
    with open(path, "ab") as file:
        file.truncate(-(-size // SECTOR) * SECTOR)


def add_tree(archive, root):
    for folder, folders, files in sorted(os.walk(root)):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(files + links):
            full = os.path.join(folder, name)
            archive.add(full, os.path.relpath(full, root), recursive=False, filter=owned_by_root)


def owned_by_root(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
