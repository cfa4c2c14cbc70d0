/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing up the other CPUs (APM 2, 16.5: INIT, STARTUP twice), and whether their
 * TSCs agree with the boot CPU's, as all time in the core and in guests supposes.
 */
#include "boot/cpus.h"

#include "boot/acpi.h"
#include "boot/multiboot.h"
#include "exit.h"
#include "lib.h"
#include "x86/cpu.h"
#include "x86/interrupts.h"
#include "x86/lapic.h"
#include "x86/machine_check.h"
#include "x86/paging.h"
#include "x86/svm.h"
#include "x86/time.h"
#include "x86/xstate.h"

#define LOW_END	     0x9f000ull
#define INIT_NS	     10000000ull
#define STARTUP_NS   200000ull
#define WAIT_NS	     10000000000ull
#define CLOCK_ROUNDS 32u

extern const u8 trampoline[], trampoline_end[];

u64 starting_stack; /* trampoline.S */
static struct cpu *starting;
static bool released;
static u32 clock_asked, clock_answered;
static u64 clock_of_other;

void cpu_main(void);

void cpu_main(void)
{
	struct cpu *c = starting;

	descriptors_init(c);
	machine_check_init_cpu();
	svm_init_cpu(c);
	xstate_init_cpu(c);
	lapic_init();
	__atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE)) {
		u32 asked = __atomic_load_n(&clock_asked, __ATOMIC_ACQUIRE);

		if (starting == c && asked != clock_answered) {
			clock_of_other = rdtsc();
			__atomic_store_n(&clock_answered, asked, __ATOMIC_RELEASE);
		}
		cpu_relax();
	}
	write_cr3(read_cr(3)); /* the boot map is gone */
	main_loop(c);
}

static void wait(u64 ns)
{
	u64 end = now_ns() + ns;

	while (now_ns() < end)
		cpu_relax();
}

static bool wait_until_up(const struct cpu *c, u64 ns)
{
	u64 end = now_ns() + ns;

	while (!__atomic_load_n(&c->up, __ATOMIC_ACQUIRE) && now_ns() < end)
		cpu_relax();
	return READ_ONCE(c->up);
}

/* Its TSC must lie between two readings of ours around it. */
static void compare_clocks(const struct cpu *c)
{
	for (u32 i = 0; i < CLOCK_ROUNDS; i++) {
		u64 before = rdtsc(), after;

		__atomic_store_n(&clock_asked, clock_asked + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&clock_answered, __ATOMIC_ACQUIRE) != clock_asked)
			cpu_relax();
		after = rdtsc();
		if (clock_of_other < before || clock_of_other > after) {
			printk(LOG_WARNING "the TSC of CPU %u is %lu ticks %s the boot CPU's: time "
					   "will not be the same on all CPUs\n",
			       c->id,
			       (clock_of_other < before ? before - clock_of_other
							: clock_of_other - after),
			       clock_of_other < before ? "behind" : "ahead of");
			return;
		}
	}
}

static bool start(struct cpu *c, u64 page)
{
	starting = c;
	starting_stack = (u64)(c->stack + sizeof(c->stack));
	lapic_send(c->apic_id, ICR_INIT);
	wait(INIT_NS);
	for (u32 i = 0; i < 2; i++) {
		lapic_send(c->apic_id, ICR_STARTUP | (u32)(page >> PAGE_SHIFT));
		if (wait_until_up(c, i ? WAIT_NS : STARTUP_NS))
			return true;
	}
	return false;
}

static u64 low_page(void)
{
	u64 best = 0;

	for_each_ram (r) {
		u64 last = (min_u64(r->end, LOW_END) & ~(PAGE_SIZE - 1)) - PAGE_SIZE;

		if (r->end > r->start + 2 * PAGE_SIZE && r->start < LOW_END && last > r->start)
			best = last;
	}
	return best;
}

void cpus_start(void)
{
	static u8 saved[PAGE_SIZE];
	u32 ids[CPUS_MAX + 1], nr = acpi_cpus(ids, CPUS_MAX + 1);
	u64 page = low_page();
	void *at = (void *)page;

	boot_cpu.apic_id = lapic_id();
	boot_cpu.up = true;
	if (nr > CPUS_MAX || (nr > 1 && !page)) {
		printk(LOG_WARNING "%s: only some of the CPUs are used\n",
		       page ? "more than 64 CPUs" : "no RAM below 1 MiB to start CPUs at");
		nr = page ? CPUS_MAX : 0;
	}
	if (page) {
		memcpy(saved, at, PAGE_SIZE);
		memcpy(at, trampoline, (size_t)(trampoline_end - trampoline));
	}
	for (u32 i = 0; i < nr; i++) {
		struct cpu *c;

		if (ids[i] == boot_cpu.apic_id)
			continue;
		c = (struct cpu *)core_carve(sizeof(*c));
		c->id = nr_cpus;
		c->apic_id = ids[i];
		windows_init(c);
		/* One that came later would come to a page that is dom0's. */
		if (!start(c, page))
			cannot_start("the CPU with APIC ID %u does not start", c->apic_id);
		cpus[nr_cpus++] = c;
		compare_clocks(c);
	}
	if (page)
		memcpy(at, saved, PAGE_SIZE);
	printk(LOG_INFO "%u CPUs, local APICs by %s\n", nr_cpus,
	       lapic_by_msr() ? "MSR (x2APIC)" : "memory (xAPIC)");
}

void cpus_release(void)
{
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
}
