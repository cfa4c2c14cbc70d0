# SPDX-License-Identifier: GPL-2.0-or-later
"""reach.py DOMID: root in dom0 tries, by the stock libraries, to read and change a domain that runs.  A line for each
attempt: its name and `done`, or the errno's name."""
import ctypes
import errno
import sys

DOMID = ctypes.c_uint32(int(sys.argv[1]))
control = ctypes.CDLL("libxenctrl.so.4.17", use_errno=True)
memory = ctypes.CDLL("libxenforeignmemory.so.1", use_errno=True)
control.xc_interface_open.restype = ctypes.c_void_p
memory.xenforeignmemory_open.restype = ctypes.c_void_p
memory.xenforeignmemory_map.restype = ctypes.c_void_p
memory.xenforeignmemory_map_resource.restype = ctypes.c_void_p
xc = ctypes.c_void_p(control.xc_interface_open(None, None, 0))
fm = ctypes.c_void_p(memory.xenforeignmemory_open(None, 0))
buffer = ctypes.create_string_buffer(65536)
value = ctypes.c_uint64()
READ, READ_WRITE, GRANT_TABLE, STORE_PFN, PAGE = 1, 3, 1, 1, 4096


def say(name, good):
    print(name, "done" if good else errno.errorcode.get(ctypes.get_errno(), ctypes.get_errno()))


def call(name, function, *arguments):
    ctypes.set_errno(0)
    say(name, function(xc, DOMID, *arguments) >= 0)


def map_page(name, gfn, protection):
    frame, error = ctypes.c_uint64(gfn), ctypes.c_int()
    ctypes.set_errno(0)
    at = memory.xenforeignmemory_map(fm, DOMID, protection, ctypes.c_size_t(1), ctypes.byref(frame), ctypes.byref(error))
    if at and not error.value:
        ctypes.string_at(at, PAGE)
        memory.xenforeignmemory_unmap(fm, ctypes.c_void_p(at), ctypes.c_size_t(1))
    elif at:
        ctypes.set_errno(-error.value)
    say(name, at and not error.value)


call("get-registers", control.xc_vcpu_getcontext, 0, buffer)
call("get-hvm-context", control.xc_domain_hvm_getcontext, buffer, ctypes.c_uint32(len(buffer)))
call("set-hvm-context", control.xc_domain_hvm_setcontext, buffer, ctypes.c_uint32(64))
call("get-parameter", control.xc_hvm_param_get, STORE_PFN, ctypes.byref(value))
call("set-parameter", control.xc_hvm_param_set, STORE_PFN, ctypes.c_uint64(0))
call("last-page", control.xc_domain_maximum_gpfn, ctypes.byref(value))
call("nmi", control.xc_domain_send_trigger, 0, 0)
call("debugger", control.xc_domain_setdebugging, 1)
call("more-vcpus", control.xc_domain_max_vcpus, 2)
call("partner", control.xc_domain_set_target, ctypes.c_uint32(int(sys.argv[1])))
call("dirty-tracking", control.xc_shadow_control, 2, None, 0)
call("populate", control.xc_domain_populate_physmap_exact, ctypes.c_ulong(1), 0, 0,
     ctypes.byref(ctypes.c_uint64(0x80000)))
map_page("read-page", 0x1000, READ)
map_page("write-page", 0x1000, READ_WRITE)
at_address = ctypes.c_void_p()
ctypes.set_errno(0)
table = memory.xenforeignmemory_map_resource(fm, DOMID, GRANT_TABLE, 0, ctypes.c_ulong(0), ctypes.c_ulong(1),
                                             ctypes.byref(at_address), READ_WRITE, 0)
say("grant-table", table)
