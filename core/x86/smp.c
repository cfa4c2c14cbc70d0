/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several CPUs: the core's lock and what one CPU asks of another.
 *
 * A CPU enters a guest only while it holds the lock: it sets in_guest, gives up the lock, and clears
 * in_guest by itself as soon as it is out again.  So whoever holds the lock and has seen in_guest clear
 * knows that the CPU uses no translation, no control block and no vCPU state until the lock is free.
 * This carries pause, destroy, INIT and flushes (domain/memory.c).  It cannot dead-lock: leaving a guest
 * needs no lock, and a kick ends every guest, as the core's vectors are above all others and a guest's
 * IF does not count (V_INTR_MASKING).
 */
#include "x86/smp.h"

#include "lib.h"
#include "x86/cpu.h"
#include "x86/interrupts.h"
#include "x86/lapic.h"
#include "x86/this_cpu.h"

struct cpu boot_cpu;
struct cpu *cpus[CPUS_MAX] = { &boot_cpu };
u32 nr_cpus = 1;

static u32 ticket_next, ticket_now;
static bool stopped;

__noreturn static void stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void core_lock(void)
{
	u32 mine = __atomic_fetch_add(&ticket_next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&ticket_now, __ATOMIC_ACQUIRE) != mine || READ_ONCE(stopped)) {
		if (READ_ONCE(stopped))
			stop();
		cpu_relax();
	}
}

void core_unlock(void)
{
	__atomic_store_n(&ticket_now, ticket_now + 1, __ATOMIC_RELEASE);
}

void cpu_kick(struct cpu *c)
{
	if (c == this_cpu() || !c->outside || c->kicked)
		return;
	c->kicked = true;
	lapic_send(c->apic_id, VECTOR_KICK);
}

void cpu_force_out(struct cpu *c)
{
	cpu_kick(c);
	while (__atomic_load_n(&c->in_guest, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void cpu_flush(struct cpu *c)
{
	c->generation += CPU_GENERATION;
}

void cpu_enter_guest(struct cpu *c)
{
	c->outside = true;
	WRITE_ONCE(c->in_guest, true);
	core_unlock();
}

void cpu_leave_guest(struct cpu *c)
{
	__atomic_store_n(&c->in_guest, false, __ATOMIC_RELEASE);
	core_lock();
	c->outside = c->kicked = false;
}

void cpu_sleep(struct cpu *c)
{
	c->outside = true;
	core_unlock();
	idle_window();
	core_lock();
	c->outside = c->kicked = false;
}

void cpus_stop(void)
{
	WRITE_ONCE(stopped, true);
	/* Alone, as when it cannot start: then its local APIC may not be ready either. */
	for (u32 i = 0; nr_cpus > 1 && i < nr_cpus; i++)
		if (cpus[i] != this_cpu())
			lapic_send(cpus[i]->apic_id, VECTOR_KICK);
}
