#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""corpus.py FOLDER: every domain XML and xl.cfg of libvirt's own tests (build.sh corpus), and hostile ones made here,
is defined or refused with a message that says what is wrong; the daemon stays up, and nothing of them stays."""
import collections
import glob
import os
import sys

import libvirt

URI = "xen:///system"
# Of libvirt's Xen cases: those that ask for nothing that is not here.
ACCEPTED = set()
# Refused by libvirt's own parser, as an internal error.
LIBVIRTS_WORDS = {"uuid", "vcpu-zero"}

# What a definition may be refused for.  An internal error is allowed to libvirt's own parser, never to ours.
REFUSALS = {getattr(libvirt, "VIR_ERR_" + name) for name in (
    "CONFIG_UNSUPPORTED", "XML_ERROR", "NO_TARGET", "XML_DETAIL", "XML_INVALID_SCHEMA", "INVALID_ARG", "UNKNOWN_HOST", "OVERFLOW",
    "OS_TYPE", "DOM_EXIST", "INVALID_DOMAIN_CHECKPOINT", "PARSE_FAILED", "NO_NAME", "OPERATION_INVALID", "CONF_SYNTAX")
    if hasattr(libvirt, "VIR_ERR_" + name)}

GOOD = """<domain type='xen'><name>{name}</name><memory>{memory}</memory><vcpu>{vcpu}</vcpu>
<os><type arch='x86_64'>hvm</type></os>{more}<devices>{devices}</devices></domain>"""


def good(name="corpus", memory="65536", vcpu="1", more="", devices=""):
    return GOOD.format(name=name, memory=memory, vcpu=vcpu, more=more, devices=devices)


def disk(target, source="/srv/a", bus="virtio", more=""):
    return (f"<disk type='file' device='disk'><source file='{source}'/>"
            f"<target dev='{target}' bus='{bus}'/>{more}</disk>")


def hostile():
    """Name to XML; each must be refused."""
    deep = "".join(f"<a{i}>" for i in range(5000)) + "".join(f"</a{i}>" for i in reversed(range(5000)))
    laughs = "<!DOCTYPE d [<!ENTITY a0 'ha'>" + "".join(
        f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 12)) + "]>"
    yield "empty", ""
    yield "not-xml", "name = \"web\"\n"
    yield "cut", good()[:-20]
    yield "other-root", "<network><name>x</name></network>"
    yield "unknown-element", good(more="<surprise/>")
    yield "unknown-attribute", good(devices=disk("vda", more="<readonly really='yes'/>"))
    yield "namespace", good(more="<x:name xmlns:x='urn:x'/>")
    yield "deep", good(more=deep)
    yield "laughs", laughs + good(name="&a11;")
    yield "external-entity", "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/shadow'>]>" + good(name="x&e;")
    yield "name-empty", good(name="")
    yield "name-slash", good(name="../../etc/passwd")
    yield "name-long", good(name="n" * 5000)
    yield "name-newline", good(name="a\nb")
    yield "uuid", good(more="<uuid>not-a-uuid</uuid>")
    yield "memory-zero", good(memory="0")
    yield "memory-huge", good(memory="99999999999999999999999")
    yield "memory-negative", good(memory="-1")
    yield "memory-text", good(memory="much")
    yield "vcpu-zero", good(vcpu="0")
    yield "vcpu-many", good(vcpu="4294967297")
    yield "vcpu-pin", good(more="<cputune><vcpupin vcpu='0' cpuset='x'/></cputune>")
    yield "two-disks-one-target", good(devices=disk("vda") + disk("vda"))
    yield "target-path", good(devices=disk("../vda"))
    yield "disk-nowhere", good(devices="<disk type='file' device='disk'><source file='/srv/a'/></disk>")
    yield "disk-network", good(devices="<disk type='network' device='disk'><source protocol='rbd' name='a'/>"
                                       "<target dev='vda' bus='virtio'/></disk>")
    yield "mac", good(devices="<interface type='bridge'><mac address='00:16:3e:zz:00:00'/><source bridge='b'/></interface>")
    yield "mac-multicast", good(devices="<interface type='bridge'><mac address='01:16:3e:00:00:00'/>"
                                        "<source bridge='b'/></interface>")
    yield "bridge-none", good(devices="<interface type='bridge'/>")
    yield "pass-through", good(devices="<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0' "
                                       "slot='0' function='0'/></source></hostdev>")
    yield "command-line", ("<domain type='xen' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                           "<name>c</name><memory>65536</memory><os><type>hvm</type></os>"
                           "<qemu:commandline><qemu:arg value='-S'/></qemu:commandline></domain>")
    yield "emulator", good(devices="<emulator>/bin/sh</emulator>")
    yield "loader", good().replace("</type>", "</type><loader>/etc/shadow</loader>")
    yield "graphics-spice", good(devices="<graphics type='spice'/>")
    yield "graphics-password", good(devices="<graphics type='vnc' passwd='x'/>")
    yield "graphics-socket", good(devices="<graphics type='vnc' socket='/etc/passwd'/>")
    yield "graphics-port", good(devices="<graphics type='vnc' port='99999'/>")
    yield "serial-file", good(devices="<serial type='file'><source path='/etc/passwd'/></serial>")
    yield "console-unix", good(devices="<console type='unix'><source path='/run/x' mode='bind'/></console>")
    yield "kernel", good().replace("</type>", "</type><kernel>/boot/vmlinuz</kernel>")
    yield "other-arch", good().replace("x86_64", "aarch64")


class Corpus:
    def __init__(self, folder):
        self.folder, self.codes, self.bad = folder, collections.Counter(), []
        self.conn = libvirt.open(URI)

    def alive(self, name):
        try:
            left = [d.name() for d in self.conn.listAllDomains()]
        except libvirt.libvirtError as why:
            sys.exit(f"{name}: the daemon has ended: {why}")
        for other in left:
            self.bad.append(f"{name}: {other} stays defined")
            self.conn.lookupByName(other).undefine()

    def judge(self, name, why, ours):
        code, text = why.get_error_code(), why.get_error_message()
        self.codes[code] += 1
        if why.get_error_domain() == libvirt.VIR_FROM_RPC:
            self.bad.append(f"{name}: the connection broke: {text}")
        elif ours and name not in LIBVIRTS_WORDS and (code not in REFUSALS or not text.strip()):
            self.bad.append(f"{name}: code {code}: {text}")

    def define(self, name, xml, ours):
        """Whether it was accepted."""
        accepted = True
        try:
            self.conn.defineXML(xml).undefine()
        except libvirt.libvirtError as why:
            accepted = False
            self.judge(name, why, ours)
        except ValueError:  # python's own refusal, of a NUL
            accepted = False
        self.alive(name)
        return accepted

    def libvirts(self):
        accepted = set()
        for path in sorted(glob.glob(f"{self.folder}/**/*.xml", recursive=True)):
            name = os.path.basename(path)[:-4]
            with open(path, encoding="utf-8") as file:
                if self.define(name, file.read(), False) and "qemu" not in path:
                    accepted.add(name)
        if accepted != ACCEPTED:
            self.bad.append(f"accepted of libvirt's Xen cases: {sorted(accepted)}")

    def native(self):
        for path in sorted(glob.glob(f"{self.folder}/**/*.cfg", recursive=True)):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            try:
                if "<domain type='xen'>" not in self.conn.domainXMLFromNative("xen-xl", text, 0):
                    self.bad.append(f"{path}: no domain")
            except libvirt.libvirtError as why:
                self.judge(path, why, True)

    def report(self):
        for line in self.bad:
            print(line)
        names = {getattr(libvirt, n): n for n in dir(libvirt) if n.startswith("VIR_ERR_")}
        print(", ".join(f"{names.get(code, code)}: {n}" for code, n in self.codes.most_common()))
        return 1 if self.bad or sum(self.codes.values()) < 100 else 0


def main():
    corpus = Corpus(sys.argv[1])
    if not corpus.define("the good one", good(), True):
        sys.exit("what the hostile ones are made of is refused itself")
    for name, xml in hostile():
        if corpus.define(name, xml, True):
            corpus.bad.append(f"{name}: was accepted")
    corpus.libvirts()
    corpus.native()
    return corpus.report()


libvirt.registerErrorHandler(lambda *_: None, None)
sys.exit(main())
