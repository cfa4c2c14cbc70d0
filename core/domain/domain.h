/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains: the records above the protection layer, their life, their physical
 * map, guest memory access.  Nothing in here is trusted for isolation: every
 * change of reach goes through protect.
 *
 * Floor below: vcpu/, x86/, protect/.  Nothing here calls up; what the ABI above
 * must do later is left as a flag (vcpu->virqs_due, domain_events_due).
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include "types.h"
#include "vcpu/sched.h"
#include "vcpu/vcpu.h"

#define MAX_DOMAINS    1024
#define DOMAIN_VCPUS   32
#define PORT_PAGES     16 /* 256 ports a page: 4096 ports, the 2-level ABI's limit */
#define GRANT_FRAMES   64
#define MAPTRACK_PAGES 256
#define E820_ENTRIES   128
#define HVM_PARAMS     39
#define POLICY_LEAVES  128
#define WALKS	       64

enum domain_life { LIFE_NONE = 0, LIFE_ALIVE, LIFE_DYING };

struct e820_entry_ {
	u64 addr, size;
	u32 type;
} __packed;

struct cpuid_leaf {
	u32 leaf, subleaf; /* subleaf 0xffffffff when unused */
	u32 a, b, c, d;
};

struct cpuid_policy {
	u32 nr;
	struct cpuid_leaf leaves[POLICY_LEAVES];
};

struct domain {
	u16 id;
	u8 life;
	bool hardware; /* dom0 */
	bool passive;  /* a real guest: never scheduled, run by its partner */
	bool has_run;  /* sealed at that moment (unless sealing is off) */
	bool shut_down;
	u8 shutdown_code;
	u8 uuid[16];
	u32 create_flags; /* XEN_DOMCTL_CDF_* as given */
	u32 max_vcpus;
	struct vcpu *vcpus[DOMAIN_VCPUS];
	u32 pause_count; /* controller pauses */
	u16 partner;	 /* real guest: its fidelity domain; 0 none */
	u16 target;	 /* fidelity domain: its real guest; 0 none */

	/* memory, in pages */
	u64 tot_pages, max_pages, claimed_pages;
	u64 mempool_bytes;   /* XEN_DOMCTL_set_paging_mempool_size, remembered only */
	u64 shared_info_mfn; /* owned by the domain from creation on; mapped by add_to_physmap */
	u64 shared_info_gfn; /* ~0 not mapped */
	u32 nr_e820;
	struct e820_entry_ e820[E820_ENTRIES];

	/* event channels (xen/evtchn.c) */
	u32 max_ports;
	struct port *port_pages[PORT_PAGES];

	/* grants (xen/grant.c) */
	u32 nr_grant_frames, max_grant_frames;
	u64 grant_mfn[GRANT_FRAMES]; /* owned by the domain */
	u64 grant_gfn[GRANT_FRAMES]; /* ~0 not mapped */
	u32 max_maptrack, nr_maptrack_pages;
	struct maptrack *maptrack[MAPTRACK_PAGES];
	u32 maptrack_free; /* head of the free list, handle + 1; 0 none */

	u64 hvm_params[HVM_PARAMS];
	struct cpuid_policy *policy; /* core pages; NULL: the default */
	u32 vm_assist;
	u64 destroy_cursor; /* domain_destroy_step */
	/* physmap.c, walks remembered: the level-1 table of the 2 MiB region that the tag names (+ 1; 0 none) */
	u64 walked_tag[WALKS];
	u32 walked_table[WALKS];
	u64 pool_pages; /* passive: populated pages from MINV_POOL_GFN on */
	u64 run_ns;	/* CPU time of vCPUs that are gone */
	struct sched_share share;
	u64 ran[CPUS_MAX]; /* by CPU: its ASID generation when it entered d last (memory.c) */
};

#define POLICY_PAGES ((sizeof(struct cpuid_policy) + PAGE_SIZE - 1) / PAGE_SIZE)
#define DOMAIN_PAGES ((sizeof(struct domain) + PAGE_SIZE - 1) / PAGE_SIZE)
extern struct domain *domains[MAX_DOMAINS];
extern bool domains_seal; /* false: a domain stays open to its builder after its first run */

/* NULL when there is none (LIFE_NONE). Dying domains are returned. */
struct domain *domain_by_id(u64 id);
/* First id >= id that exists; NULL none. */
struct domain *domain_from(u64 id);

/* A domain's vCPUs have no gaps. */
#define for_each_vcpu(d, v)                       \
	for (struct vcpu **v##_ = (d)->vcpus, *v; \
	     v##_ < (d)->vcpus + DOMAIN_VCPUS && (v = *v##_) != NULL; v##_++)
#define for_each_domain(d) for (struct domain *d = domain_from(0); d; d = domain_from(d->id + 1ull))

/* New empty domain, paused once. passive: real guest. id 0: the lowest free one above 0.
 * *made receives it. -ENOMEM, -EEXIST, -EINVAL. */
int domain_make(u64 id, u64 builder, bool hardware, bool passive,
		struct domain **made) __must_check;
/* vCPUs 0..nr-1. -ENOMEM leaves those that were made. */
int domain_make_vcpus(struct domain *d, u32 nr) __must_check;
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d); /* pause_count > 0 is the caller's to check */
/* The first run seals. Called by unpause before it: 0, or -EBUSY while builder mappings remain. */
int domain_seal(struct domain *d) __must_check;
u32 domain_vcpus_up(struct domain *d);
/* Up -> stopped. A domain whose last one does so is off. */
void domain_vcpu_stop(struct vcpu *v);
/* Stops all vCPUs with a reason (SHUTDOWN_*), leaves VIRQ_DOM_EXC due. */
void domain_shutdown(struct domain *d, u8 reason);
/* Crash with a reason on the console; dom0's crash ends the machine. */
#define domain_crash(d, format, ...) \
	(printk(LOG_G_ERROR "d%u crashed: " format "\n", (d)->id, ##__VA_ARGS__), domain_crashed(d))
void domain_crashed(struct domain *d);
/* Destroy, resumable: -EAGAIN while there is more to do (caller re-executes), 0 when gone.
 * Ports and grant handles are closed by the ABI code before (xen/domctl.c). */
int domain_destroy_step(struct domain *d) __must_check;
/* VIRQ_DOM_EXC is due to dom0. Set by this floor, taken by xen/evtchn.c before an entry. */
extern bool domain_events_due;
/* set_target: fidelity runs guest from now on. */
int domain_pair_with(struct domain *fidelity, struct domain *guest) __must_check;

/* ---- physmap.c: gfn to entry, the walks that name table and index to protect -------------- */
struct mapping {
	u64 mfn;
	u64 table, index; /* protect's names for the entry */
	u32 role;	  /* enum leaf_role */
	bool write, exec;
	u64 slot;
};

/* -ENOENT: a hole. -EINVAL: gfn beyond what the map can hold. */
int physmap_find(struct domain *d, u64 gfn, struct mapping *m) __must_check;
/* The frame behind gfn, for a copy on d's behalf: 0, or -EFAULT where there is none, it is a device's, or d may
 * not write it. */
int physmap_reach(struct domain *d, u64 gfn, bool write, u64 *mfn) __must_check;
/* Frame of d's own that it maps at gfn: its mfn, or -ENOENT/-EINVAL (not own). */
int physmap_own_frame(struct domain *d, u64 gfn, u64 *mfn) __must_check;
/* The gfn must be a hole (-EEXIST). Missing tables are made. -ENOMEM. */
int physmap_add_own(struct domain *d, u64 gfn, u64 mfn, u64 perm) __must_check;
int physmap_add_partner(struct domain *d, u64 gfn, u64 mfn, u64 perm) __must_check;
int physmap_add_mmio(struct domain *d, u64 gfn) __must_check;
/* Builder or granted mapping of owner's frame in d; takes a slot of protect. role LEAF_BUILDER or LEAF_GRANT. */
int physmap_add_slot(struct domain *d, u64 gfn, struct domain *owner, u64 mfn, u32 role,
		     u64 perm) __must_check;
/* Unmaps whatever is there (any role), flushes, drops slots, releases a condemned frame that nobody maps any
 * more. An own frame stays owned (the caller may frame_return() it). -ENOENT a hole. */
int physmap_remove(struct domain *d, u64 gfn) __must_check;

/* ---- memory.c: frames ----------------------------------------------------------------------- */
/* A zeroed frame, owned by d, mapped nowhere; counts in tot_pages. -ENOMEM: none free or over max_pages
 * (uncounted: for shared_info and grant frames). */
int frame_alloc(struct domain *d, u64 *mfn) __must_check;
int frame_alloc_uncounted(struct domain *d, u64 *mfn) __must_check;
/* Give back an own frame of d: condemned now, freed when nobody maps it. */
void frame_return(struct domain *d, u64 mfn);
void frame_return_uncounted(struct domain *d, u64 mfn);
u64 frames_free(void);
extern u64 frames_total, frames_max_mfn; /* RAM of the machine in pages, without the core's */

/* ---- copy.c: guest memory by the caller's own page tables -------------------------------------- */
/* gva under v's current paging mode, user rights not distinguished (privcmd passes user buffers).
 * -EFAULT; a partial copy may have happened. */
int copy_from_guest(struct vcpu *v, void *to, u64 gva, u64 n) __must_check;
int copy_to_guest(struct vcpu *v, u64 gva, const void *from, u64 n) __must_check;
/* gva to gpa for registration of areas (runstate, time). */
int guest_translate(struct vcpu *v, u64 gva, bool write, u64 *gpa) __must_check;
/* Frame of d's own at gfn, opened through a window; NULL when it has none. Close with window_close. */
void *guest_frame_open(struct domain *d, u64 gfn);

#endif
