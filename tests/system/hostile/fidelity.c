// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a fidelity domain can try: its own guest by the run interface, with arguments and state that no QEMU gives, and
 * everybody else by Xen's calls (neighbours.c).  Runs as the only program of a domain that the toolstack takes for a
 * fidelity domain.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include <xen/xen.h>

#include "minv.h"

#define RUN_TICKS 300000
#define CR4_PAE	  (1ull << 5)
#define EFER_LME  (1ull << 8)

static struct minv_info info;
static struct minv_state *state;

static long minv(u64 command, u64 a, u64 b, u64 c, u64 d)
{
	return guest_call(MINV_HYPERCALL, command, a, b, c, d);
}

/* The frame behind a page of this program. */
static u64 frame_of(const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	u64 entry = 0;

	if (fd < 0 || pread(fd, &entry, 8, (off_t)((u64)page / PAGE * 8)) != 8 || !(entry >> 63)) {
		perror("/proc/self/pagemap");
		exit(2);
	}
	close(fd);
	return entry & ((1ull << 55) - 1);
}

static void own_guest(void)
{
	static const u64 no_frame[] = { MINV_POOL_GFN, 0x30000, 0xfee00, 1ull << 40, ~0ull };

	guest_refused("run without a state page", 0, minv(MINV_RUN, 0, 0, 0, 0));
	for (u32 i = 0; i < sizeof(no_frame) / sizeof(no_frame[0]); i++)
		guest_refused("state page at frame", no_frame[i],
			      minv(MINV_VCPU_CREATE, 0, no_frame[i], 0, 0));
	for (u64 i = info.guest_vcpus; i < 64; i++) {
		guest_refused("vCPU", i, minv(MINV_VCPU_CREATE, i, frame_of(state), 0, 0));
		guest_refused("run of vCPU", i, minv(MINV_RUN, i, 0, 0, 0));
		guest_refused("kick of vCPU", i, minv(MINV_KICK, i, 0, 0, 0));
	}
	guest_refused("pool page", info.pool_pages, minv(MINV_POOL_MAP, info.pool_pages, 1, 0, 0));
	guest_refused("pool pages over the end", info.pool_pages,
		      minv(MINV_POOL_MAP, info.pool_pages - 1, 2, 0, 0));
	guest_refused("pool page", ~0ull, minv(MINV_POOL_MAP, ~0ull, 2, 0, 0));
	guest_refused("pool pages, many", 0, minv(MINV_POOL_MAP, 0, 513, 0, 0));
	guest_refused("memory at the pool", MINV_POOL_GFN,
		      minv(MINV_MEMORY_MAP, MINV_POOL_GFN, 0, 1, 0));
	guest_refused("memory up to the pool", MINV_POOL_GFN,
		      minv(MINV_MEMORY_MAP, MINV_POOL_GFN - 1, 0, 2, 0));
	guest_refused("no memory", info.pool_pages,
		      minv(MINV_MEMORY_MAP, 0, info.pool_pages, 1, 0));
	guest_refused("unknown flags", 4, minv(MINV_MEMORY_MAP, 0, 0, 1, 4));
	guest_refused("pool unmapped from the guest", 0,
		      minv(MINV_MEMORY_UNMAP, MINV_POOL_GFN, 1, 0, 0));
	guest_refused("dirty pages to nowhere", 0, minv(MINV_DIRTY, 0, 1, 1ull << 63, 0));
	for (u64 i = MINV_DIRTY + 1; i < 64; i++)
		guest_refused("command", i, minv(i, 0, 1, (u64)arena, 0));
}

/* A state that no processor has, or one that may run for a moment in memory full of anything. */
static void run_anything(void)
{
	u64 *word = (u64 *)state;

	for (u32 i = 0; i < sizeof(*state) / 8; i++)
		if (random_below(3) == 0)
			word[i] = random_below(4) ? random_word() : random_word() & 0xffff;
	if (random_below(2)) { /* what VMRUN checks is often good: the rest then matters */
		state->cr0 = random_below(2) ? 0x10 : 0x11;
		state->efer = 0;
		state->cr4 = 0;
		state->dr6 = 0xffff0ff0;
		state->dr7 = 0x400;
		state->inject = random_below(2) ? 0 : state->inject & 0xffffffff80000fffull;
	}
	/* QEMU's #VMEXIT out of long mode enabled without PAE leaves the host with the guest's CR0 (cpu_x86_update_cr0). */
	if (!(state->cr4 & CR4_PAE))
		state->efer &= ~EFER_LME;
	state->deadline_tsc = __rdtsc() + RUN_TICKS;
	state->immediate_exit = random_below(8) == 0;
	minv(MINV_RUN, random_below(4) ? 0 : random_word(), 0, 0, 0);
}

static u64 some(u64 end)
{
	switch (random_below(8)) {
	case 0:
		return random_word();
	case 1:
		return end - random_below(3);
	default:
		return random_below(end ? end : 1);
	}
}

static void anything(u64 count)
{
	for (u64 i = 0; i < count; i++) {
		switch (random_below(6)) {
		case 0:
			minv(MINV_POOL_MAP, some(info.pool_pages), some(512), 0, 0);
			break;
		case 1:
			minv(MINV_MEMORY_MAP,
			     random_below(4) ? some(1024) : some(MINV_GUEST_GFN_MAX),
			     some(info.pool_pages), some(64), random_below(5));
			break;
		case 2:
			minv(MINV_MEMORY_UNMAP, some(1024), some(64), 0, 0);
			break;
		case 3:
			minv(MINV_DIRTY, some(1024), some(512), (u64)arena + some(PAGE), 0);
			break;
		case 4:
			minv(random_below(12), some(64), some(64), random_word(), random_word());
			break;
		default:
			run_anything();
		}
	}
}

void attack_fidelity(u64 count)
{
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	state = (struct minv_state *)(arena + ARENA - PAGE);
	if (arena == MAP_FAILED || minv(MINV_INFO, (u64)&info, 0, 0, 0)) {
		wrong("this is no fidelity domain");
		return;
	}
	own_guest();
	attack_neighbours(guest_self(), (u16)info.guest_domid);
	if (minv(MINV_VCPU_CREATE, 0, frame_of(state), 0, 0))
		wrong("no vCPU 0");
	minv(MINV_MEMORY_MAP, 0, 0, 512, 0);
	anything(count);
	printf("%llu calls by a fidelity domain\n", (unsigned long long)guest_calls);
}

/* Its end: the core's memory, which is not in its map. */
void attack_fidelity_end(void)
{
	struct hostile h = { .what = HOSTILE_READ, .rax = CORE_START };

	kernel_does(&h);
	wrong("the core's memory reads as 0x%llx", (unsigned long long)h.rdx);
}
