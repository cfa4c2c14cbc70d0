/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Xen 4.17 ABI: what the main loop, the exits and boot call.
 *
 * Floors below: domain/, vcpu/, x86/, protect/.  Everything here runs on the CPU of the caller, does
 * not block and keeps no pointer into a domain's memory.
 */
#ifndef CORE_XEN_H
#define CORE_XEN_H

#include "domain/domain.h"
#include "types.h"
#include "vcpu/vcpu.h"

struct dom0_vga_console_info;

/* VMMCALL by a domain that is not passive.  Result in RAX and RIP behind the instruction; a call with
 * more to do leaves RIP on it and its progress in the argument registers. */
void hypercall(struct vcpu *v);

/* The same for a call that touches nothing but v's registers; false, and nothing done, for any other. Needs no lock. */
bool hypercall_own(struct vcpu *v);

/* Before each entry of v: what lower floors left due becomes pending ports; a poll ends. */
void events_deliver(struct vcpu *v);
/* Before the choice of who runs: VIRQ_DOM_EXC may wake an idle dom0. */
void events_deliver_global(void);
/* A byte from the console is there: VIRQ_CONSOLE to dom0. */
void events_console_input(void);
/* v's upcall is pending. */
bool events_pending(struct vcpu *v);
/* The same before an entry, without a look into the guest's memory where the core has made nothing pending since it
 * was last seen clear. What a guest sets itself is seen when it halts or polls, and after the next interrupt. */
static inline bool events_due(struct vcpu *v)
{
	return v->upcall_due && events_pending(v);
}
/* Vector of the upcall (HVM_PARAM_CALLBACK_IRQ type 2), 0 none. */
u8 events_vector(struct vcpu *v);

/* Shared info, ports, grant table of a new domain; max_ports as createdomain gives it (~0: the ABI's
 * limit), max_grant_frames and max_maptrack in pages, cut to what the core keeps.  A passive domain has
 * none of them.  -ENOMEM: xen_domain_close_step() frees what was made. */
int xen_domain_init(struct domain *d, u32 max_ports, u32 max_grant_frames,
		    u32 max_maptrack) __must_check;

/* After v was scheduled in: its runstate area. Cheap when nothing changed. */
void xen_time_update(struct vcpu *v);

/* CPUID that d may see, before the fields that change at run time. */
void policy_lookup(struct domain *d, u32 leaf, u32 subleaf, u32 out[4]);

/* What the loader left of a screen, for dom0's XENPF_get_dom0_console. */
void xen_dom0_console(const struct dom0_vga_console_info *info);
/* The core's command line, for XENVER_commandline: stock xl looks for dom0_mem= in it. */
extern const char *xen_command_line; /* 1024 bytes, zeros behind the text */

#endif
