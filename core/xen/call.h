/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside xen/: one call on its way, the state that this floor keeps for a domain, and what the
 * files of this folder lend each other.
 */
#ifndef XEN_CALL_H
#define XEN_CALL_H

#include "domain/domain.h"
#include "errno.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"
#include "types.h"
#include "vcpu/sched.h"
#include "vcpu/vcpu.h"
#include "x86/time.h"
#include "xen/abi.h"
#include "xen/xen.h"

typedef int16_t s16; /* GNTST_* */

/* A handler's result when there is more to do: its progress is in call.arg[], run it again. */
#define CALL_AGAIN INT64_MIN

struct call {
	struct vcpu *v;
	struct domain *d; /* the caller */
	u64 arg[5];
};

#define VIRQS	    24
#define XEN_VERSION (4 << 16 | 17) /* whose ABI this is */

struct grant_pin; /* grant.c */

/* One core page a domain, beside struct domain. */
struct xen_domain {
	u16 virq_port[DOMAIN_VCPUS][VIRQS]; /* 0: not bound */
	u32 port_hint;			    /* no free port below it */
	struct grant_pin *pins[GRANT_FRAMES];
	u32 close_cursor;		    /* maptrack handles below it are closed */
	u64 runstate_written[DOMAIN_VCPUS]; /* entry time that the guest's area holds */
	s64 time_offset;		    /* seconds, XEN_DOMCTL_settimeoffset */
	u32 tsc_mode;
};
_Static_assert(sizeof(struct xen_domain) <= PAGE_SIZE, "one core page");

/* NULL for a passive domain's ports and once closed. */
struct xen_domain *xen_of(const struct domain *d);

/* ---- lifecycle.c ---- */
/* A window on a frame that d owns now, NULL when it does not: what it registered once it may have
 * given back since. */
void *own_frame_open(const struct domain *d, u64 mfn);
/* v's vcpu_info; *window is to be closed. NULL none. */
struct vcpu_info *vcpu_info_open(struct vcpu *v, void **window);
/* Bytes at a guest physical address of d's own memory, across pages. */
int guest_physical_write(struct domain *d, u64 gpa, const void *from, u64 n) __must_check;
/* DOMID_SELF, the caller's own id, or another that exists. NULL none. */
struct domain *domain_named(struct call *c, u64 id);
/* Who may change registers, map, parameters, policy of d: itself, or dom0 until d has run. */
int may_build(struct call *c, struct domain *d) __must_check;
/* Who may read them, and map or populate d's memory: itself, or dom0 until d is sealed. */
int may_reach(struct call *c, struct domain *d) __must_check;
struct vcpu *vcpu_of(struct domain *d, u64 id);
int xen_domain_close_step(struct domain *d) __must_check; /* -EAGAIN: more to do */

/* ---- evtchn.c ---- */
enum port_state { PORT_FREE = 0, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_VIRQ, PORT_IPI };

struct port {
	u8 state;
	u8 vcpu;    /* notified */
	u8 virq;    /* virq: its number */
	u8 bound;   /* virq: the vCPU whose table names it; 0 for a global one */
	u16 remote; /* unbound, interdomain: domain id */
	u16 pad;
	u32 remote_port; /* interdomain */
	u32 pad2;
};
#define PORTS_PER_PAGE (PAGE_SIZE / sizeof(struct port))
#define PORTS_MAX      4096u /* 2-level ABI: 64 words of 64 bits */
_Static_assert(PORTS_MAX <= PORT_PAGES * PORTS_PER_PAGE, "port pages");

struct port *port_get(const struct domain *d, u64 port); /* NULL: out of range or never used */
/* A free port of d becomes one of that kind, for that vCPU. */
int port_alloc(struct domain *d, u8 state, u32 vcpu, u32 *port, struct port **p) __must_check;
void port_set_pending(struct domain *d, u32 port, u32 vcpu);
void port_clear_pending(struct domain *d, u32 port);
void port_unmask(struct domain *d, u32 port, u32 vcpu);
bool port_is_pending(struct domain *d, u32 port);
void port_close(struct domain *d, u32 port);
void virq_global(u32 virq);		/* to dom0's vCPU 0 */
void upcall(struct vcpu *v, u64 words); /* words of ports, a bit each, that are to be looked at */

/* ---- grant.c ---- */
int grant_frame_get(struct domain *d, u64 idx, u64 *mfn) __must_check; /* grows the table */
/* Holds ref for mapper: GNTST_okay and the granted frame, or the status to answer. */
s16 grant_pin_ref(struct domain *granter, u64 ref, u16 mapper, bool write, u64 *mfn);
void grant_unpin_ref(struct domain *granter, u64 ref, bool write);
int grant_handles_close(struct domain *d) __must_check; /* grant_map.c; -EAGAIN */
s64 grant_batch(struct call *c);
/* How many entries of a batch one pass serves, and the step to the next. */
#define GRANT_CHUNK 128ull

/* ---- reserve.c ---- */
extern u64 claims_total; /* pages that domains claimed and did not get yet */
void claim_drop(struct domain *d);
/* Whatever d has at gfn goes: an own frame is given back, shared info and grant frames only unmapped.
 * -ENOENT a hole, -EPERM a granted mapping. */
int gfn_vacate(struct domain *d, u64 gfn) __must_check;
/* gfn must become a hole for a mapping: -EEXIST unless it is one or holds an identity MMIO leaf. */
int gfn_make_hole(struct domain *d, u64 gfn) __must_check;
s64 reserve_change(struct call *c, bool populate);
s64 memop_again(struct call *c, u64 next);
s64 reserve_claim(struct call *c);
/* ---- mapping.c ---- */
s64 mapping_add(struct call *c);
s64 mapping_add_batch(struct call *c);
s64 mapping_remove(struct call *c);
s64 mapping_acquire(struct call *c);
/* memory_op: the operation is in the low bits, the first extent still to do above. */
#define MEMOP_BITS  6
#define MEMOP_MASK  63ull
#define MEMOP_CHUNK 512ull

/* ---- time.c ---- */
void time_shared_init(struct domain *d); /* pvclock in every vcpu_info, wall clock */
void time_wallclock_write(struct domain *d);
void time_wallclock_set(u64 seconds, u32 nanoseconds, u64 system_time);
int time_area_register(struct vcpu *v, u64 gva) __must_check;
int runstate_area_register(struct vcpu *v, u64 gva) __must_check;
void runstate_now(const struct vcpu *v, struct vcpu_runstate_info *info);

/* ---- domctl families ---- */
bool vcpu_is_running(const struct vcpu *v);
void domain_info(const struct domain *d, struct xen_domctl_getdomaininfo *info);
int domctl_create(struct call *c, struct xen_domctl *op) __must_check;
s64 domctl_destroy(struct domain *d);
int domctl_unpause(struct domain *d) __must_check;
int domctl_affinity(struct call *c, struct domain *d, struct xen_domctl *op) __must_check;
int domctl_scheduler(struct domain *d, struct xen_domctl_scheduler_op *op) __must_check;
int sysctl_scheduler(struct xen_sysctl_scheduler_op *op) __must_check;
/* cpu masks and node masks: as many bits as the guest's buffer has, the rest zero */
int bitmap_to_guest(struct call *c, const struct xenctl_bitmap *to, u64 mask) __must_check;
int bitmap_from_guest(struct call *c, const struct xenctl_bitmap *from, u64 *mask) __must_check;
int hvm_context_get(struct call *c, struct domain *d,
		    struct xen_domctl_hvmcontext *op) __must_check;
int hvm_context_set(struct call *c, struct domain *d,
		    struct xen_domctl_hvmcontext *op) __must_check;
int vcpu_context_get(struct call *c, struct domain *d,
		     const struct xen_domctl_vcpucontext *op) __must_check;
int policy_get(struct call *c, struct domain *d, struct xen_domctl_cpu_policy *op) __must_check;
int policy_set(struct call *c, struct domain *d, struct xen_domctl_cpu_policy *op) __must_check;
int policy_system(struct call *c, struct xen_sysctl_cpu_policy *op) __must_check;
int policy_featureset(struct call *c, struct xen_sysctl_cpu_featureset *op) __must_check;
void policy_feature_words(u32 *words, u32 nr);
void sysctl_physinfo(struct xen_sysctl_physinfo *info);
int sysctl_cputopo(struct call *c, struct xen_sysctl_cputopoinfo *op) __must_check;
int sysctl_numa(struct call *c, struct xen_sysctl_numainfo *op) __must_check;
int sysctl_pcitopo(struct call *c, struct xen_sysctl_pcitopoinfo *op) __must_check;
int sysctl_cpupool(struct call *c, struct xen_sysctl_cpupool_op *op) __must_check;

/* ---- the hypercalls ---- */
s64 do_platform_op(struct call *c);
s64 do_memory_op(struct call *c);
s64 do_set_timer_op(struct call *c);
s64 do_xen_version(struct call *c);
s64 do_console_io(struct call *c);
s64 do_grant_table_op(struct call *c);
s64 do_vm_assist(struct call *c);
s64 do_vcpu_op(struct call *c);
s64 do_sched_op(struct call *c);
s64 do_event_channel_op(struct call *c);
s64 do_physdev_op(struct call *c);
s64 do_hvm_op(struct call *c);
s64 do_sysctl(struct call *c);
s64 do_domctl(struct call *c);

/* Argument structures by value; 0 or -EFAULT. */
#define fetch(c, to, gva)   copy_from_guest((c)->v, (to), (gva), sizeof(*(to)))
#define store(c, gva, from) copy_to_guest((c)->v, (gva), (from), sizeof(*(from)))

#endif
