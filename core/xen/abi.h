/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Xen ABI as libxen-dev's headers give it, unchanged.  The only file that includes them.
 * xen/errno.h is not among them: core's errno.h has the same numbers.  Our own xen/xen.h shadows
 * <xen/xen.h>, which the other public headers include by their own folder.
 */
#ifndef XEN_ABI_H
#define XEN_ABI_H

#include "types.h"

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
/* hvm/save.h refuses strict C11 for its anonymous unions, which C11 has. */
#pragma push_macro("__STRICT_ANSI__")
#undef __STRICT_ANSI__
#include <xen/version.h>
#include <xen/memory.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/vcpu.h>
#include <xen/sched.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#pragma pop_macro("__STRICT_ANSI__")

/* The guest-virtual address in a handle. */
#define handle_address(h) ((u64)(h).p)

_Static_assert(sizeof(struct shared_info) == 3136, "public/xen.h");
_Static_assert(sizeof(struct vcpu_info) == 64, "public/xen.h");
_Static_assert(sizeof(struct xen_domctl) == 144, "public/domctl.h");
_Static_assert(sizeof(struct xen_sysctl) == 136, "public/sysctl.h");
_Static_assert(sizeof(struct hvm_hw_cpu) == 1032, "public/arch-x86/hvm/save.h");
_Static_assert(XEN_DOMCTL_INTERFACE_VERSION == 0x15, "Xen 4.17");
_Static_assert(XEN_SYSCTL_INTERFACE_VERSION == 0x15, "Xen 4.17");

#endif
