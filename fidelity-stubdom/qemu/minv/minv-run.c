/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run loop of a vCPU: what happens before a run, and where each exit goes. */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "system/cpus.h"
#include "system/hw_accel.h"
#include "system/runstate.h"
#include <sys/ioctl.h>
#include "minv-int.h"

/* EVENTINJ (AMD64 APM 2, 15.20) */
#define EVENT_INTERRUPT (0u << 8)
#define EVENT_NMI	(2u << 8)

/* The processor's exit codes (APM 2, appendix C) */
enum {
	EXIT_RDPMC = 0x6f,
	EXIT_INVLPGA = 0x7a,
	EXIT_VMRUN = 0x80,
	EXIT_VMLOAD = 0x82,
	EXIT_SKINIT = 0x86,
	EXIT_MONITOR = 0x8a,
	EXIT_MWAIT_ARMED = 0x8c,
	EXIT_RDPRU = 0x8e,
};

#define WINDOW_WHATEVER_TPR 0xff

#define INTERRUPTS_TO_INJECT (CPU_INTERRUPT_HARD | CPU_INTERRUPT_NMI | CPU_INTERRUPT_SMI)
#define INTERRUPTS_TO_LEAVE \
	(CPU_INTERRUPT_INIT | CPU_INTERRUPT_SIPI | CPU_INTERRUPT_TPR | CPU_INTERRUPT_POLL)

/*
 * Injects an NMI or interrupt if there is one and the guest can take it, asks for a window if it cannot.
 * The core cannot say when an NMI's handler is over: a second NMI may come into it.
 */
static void inject_interrupt(CPUState *cpu)
{
	AccelCPUState *accel = cpu->accel;
	struct minv_state *state = accel->state;
	int vector;

	bql_lock();
	cpu_reset_interrupt(cpu, CPU_INTERRUPT_SMI);
	if (!(state->inject & EVENT_VALID) && !accel->shadow &&
	    (cpu->interrupt_request & CPU_INTERRUPT_NMI)) {
		cpu_reset_interrupt(cpu, CPU_INTERRUPT_NMI);
		state->inject = EVENT_VALID | EVENT_NMI | EXCP02_NMI;
	}
	/* No window tells when an NMI can be taken: soon. */
	if (cpu->interrupt_request & CPU_INTERRUPT_NMI)
		minv_timer_return_soon(cpu);
	if (!(state->inject & EVENT_VALID) && (cpu->interrupt_request & CPU_INTERRUPT_HARD) &&
	    !accel->shadow && (state->rflags & IF_MASK)) {
		cpu_reset_interrupt(cpu, CPU_INTERRUPT_HARD);
		vector = cpu_get_pic_interrupt(cpu_env(cpu));
		if (vector >= 0) {
			state->inject = EVENT_VALID | EVENT_INTERRUPT | (unsigned int)vector;
			minv_eoi_injected(cpu, vector);
		}
	}
	if (cpu->interrupt_request & CPU_INTERRUPT_HARD)
		state->want_window = WINDOW_WHATEVER_TPR;
	bql_unlock();
}

/* An interrupt that only the TPR keeps back: CR8 does not exit, so the core tells when it is low enough. */
static void watch_tpr(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;
	int vector = apic_get_highest_priority_irr(X86_CPU(cpu)->apic_state);

	if (vector >= 0 && (unsigned int)vector >> 4 <= state->cr8)
		state->want_window = (uint8_t)(vector >> 4);
}

static void before_run(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;

	minv_timer_before_run(cpu);
	minv_eoi_before_run(cpu);
	state->cr8 = cpu_get_apic_tpr(X86_CPU(cpu)->apic_state);
	state->want_window = 0;
	if (cpu->interrupt_request & INTERRUPTS_TO_INJECT)
		inject_interrupt(cpu);
	if (state->cr8 && !state->want_window)
		watch_tpr(cpu);
}

static void after_run(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;
	DeviceState *apic = X86_CPU(cpu)->apic_state;

	cpu_env(cpu)->eflags = state->rflags;
	cpu->accel->shadow = state->interrupt_shadow;
	minv_eoi_after_run(cpu);
	if (state->cr8 != cpu_get_apic_tpr(apic)) {
		bql_lock();
		cpu_set_apic_tpr(apic, (uint8_t)state->cr8);
		bql_unlock();
	}
}

static bool may_wake(CPUState *cpu)
{
	return (cpu->interrupt_request & CPU_INTERRUPT_NMI) ||
	       ((cpu->interrupt_request & CPU_INTERRUPT_HARD) &&
		(cpu->accel->state->rflags & IF_MASK));
}

static bool handle_hlt(CPUState *cpu)
{
	minv_skip_instruction(cpu, 1);
	bql_lock();
	cpu->halted = !may_wake(cpu) && !(cpu->accel->state->inject & EVENT_VALID);
	bql_unlock();
	return cpu->halted;
}

static void handle_msr(CPUState *cpu, bool write)
{
	struct minv_state *state = cpu->accel->state;
	uint32_t index = state->exit.msr.index;
	uint64_t value = state->exit.msr.value;
	bool good;

	bql_lock();
	good = write ? minv_wrmsr(cpu, index, value) : minv_rdmsr(cpu, index, &value);
	bql_unlock();
	if (!good) {
		minv_inject_exception(cpu, EXCP0D_GPF, 0);
		return;
	}
	if (!write) {
		minv_set_gpr(cpu, R_EAX, (uint32_t)value);
		minv_set_gpr(cpu, R_EDX, value >> 32);
	}
	minv_skip_instruction(cpu, 2);
}

static int unexpected(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;

	error_report("minv: vCPU %d stopped: exit %u, processor's code 0x%x, words 0x%" PRIx64
		     " 0x%" PRIx64 ", at %04x:0x%" PRIx64,
		     cpu->cpu_index, state->exit_reason, state->raw_exit_code,
		     state->exit.exit_words[0], state->exit.exit_words[1], state->cs.selector,
		     state->rip);
	return -1;
}

/* Instructions that CPUID does not offer to the guest but that the core must intercept. */
static int handle_other(CPUState *cpu)
{
	switch (cpu->accel->state->raw_exit_code) {
	case EXIT_RDPMC:
		minv_inject_exception(cpu, EXCP0D_GPF, 0);
		return 0;
	case EXIT_INVLPGA:
	case EXIT_VMRUN:
	case EXIT_VMLOAD ... EXIT_SKINIT:
	case EXIT_MONITOR ... EXIT_MWAIT_ARMED:
	case EXIT_RDPRU:
		minv_inject_exception(cpu, EXCP06_ILLOP, -1);
		return 0;
	}
	return unexpected(cpu);
}

/* 0: run again, 1: leave the loop, negative: the guest cannot go on. */
static int handle_exit(CPUState *cpu)
{
	switch (cpu->accel->state->exit_reason) {
	case MINV_EXIT_EVENT:
		return 1;
	case MINV_EXIT_DEADLINE:
	case MINV_EXIT_WINDOW:
		return 0;
	case MINV_EXIT_HLT:
		return handle_hlt(cpu);
	case MINV_EXIT_IO:
		return minv_handle_io(cpu);
	case MINV_EXIT_MMIO:
		return minv_handle_mmio(cpu);
	case MINV_EXIT_RDMSR:
		handle_msr(cpu, false);
		return 0;
	case MINV_EXIT_WRMSR:
		handle_msr(cpu, true);
		return 0;
	case MINV_EXIT_CPUID:
		minv_cpuid(cpu);
		return 0;
	case MINV_EXIT_HYPERCALL:
		minv_set_gpr(cpu, R_EAX, (uint64_t)-1000); /* KVM_ENOSYS: no call is offered */
		minv_skip_instruction(cpu, 3);
		return 0;
	case MINV_EXIT_XSETBV:
		minv_inject_exception(cpu, EXCP0D_GPF, 0);
		return 0;
	case MINV_EXIT_OTHER:
		return handle_other(cpu);
	case MINV_EXIT_SHUTDOWN:
		warn_report("minv: vCPU %d: triple fault at %04x:0x%" PRIx64 ", CR0 0x%" PRIx64
			    ", CR2 0x%" PRIx64 ", CR3 0x%" PRIx64 ", CR4 0x%" PRIx64
			    ", EFER 0x%" PRIx64,
			    cpu->cpu_index, cpu->accel->state->cs.selector, cpu->accel->state->rip,
			    cpu->accel->state->cr0, cpu->accel->state->cr2, cpu->accel->state->cr3,
			    cpu->accel->state->cr4, cpu->accel->state->efer);
		bql_lock();
		qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
		bql_unlock();
		return 1;
	}
	return unexpected(cpu);
}

/* INIT, SIPI and what else is done with all of env at hand. */
static void handle_requests(CPUState *cpu)
{
	X86CPU *x86 = X86_CPU(cpu);

	if (cpu->interrupt_request & CPU_INTERRUPT_INIT) {
		cpu_synchronize_state(cpu);
		do_cpu_init(x86);
		cpu->accel->state->inject = 0;
		cpu->accel->shadow = false;
		minv_eoi_reset(cpu);
	}
	cpu_reset_interrupt(cpu, CPU_INTERRUPT_SMI); /* no SMM: the machine does not offer it */
	if (cpu->interrupt_request & CPU_INTERRUPT_POLL) {
		cpu_reset_interrupt(cpu, CPU_INTERRUPT_POLL);
		apic_poll_irq(x86->apic_state);
	}
	/* After an INIT nothing but a SIPI starts it: what else came is dropped, or it would count as work for ever. */
	if (APIC_COMMON(x86->apic_state)->wait_for_sipi)
		cpu_reset_interrupt(cpu, CPU_INTERRUPT_NMI | CPU_INTERRUPT_HARD);
	if (may_wake(cpu))
		cpu->halted = 0;
	if (cpu->interrupt_request & CPU_INTERRUPT_SIPI) {
		cpu_reset_interrupt(cpu, CPU_INTERRUPT_SIPI);
		cpu_synchronize_state(cpu);
		do_cpu_sipi(x86);
	}
	cpu_reset_interrupt(cpu, CPU_INTERRUPT_TPR);
}

static int run_until_left(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;
	int ret, error;

	do {
		if (cpu->accel->dirty)
			minv_put_registers(cpu);
		before_run(cpu);
		/* A kick sets exit_request, then signals: the handler sets immediate_exit for the run. */
		if (qatomic_read(&cpu->exit_request) ||
		    (cpu->interrupt_request & INTERRUPTS_TO_LEAVE))
			qatomic_set(&state->immediate_exit, 1);
		ret = ioctl(cpu->accel->fd, MINV_IOC_RUN);
		error = errno;
		if (ret && error != EINTR) {
			error_report("minv: vCPU %d cannot run: %s", cpu->cpu_index,
				     strerror(error));
			return -1;
		}
		/* Cleared before exit_request is, below and by the caller: a kick in between is seen next time. */
		if (qatomic_read(&state->immediate_exit)) {
			qatomic_set(&state->immediate_exit, 0);
			smp_wmb();
			qatomic_set(&cpu->exit_request, true);
		}
		after_run(cpu);
		ret = ret ? 1 : handle_exit(cpu);
	} while (!ret && !qatomic_read(&cpu->exit_request));
	return ret;
}

int minv_vcpu_exec(CPUState *cpu)
{
	int ret;

	if (!cpu->accel->timer_taken)
		minv_timer_init(cpu); /* by now the APIC is there */
	handle_requests(cpu);
	if (cpu->halted) {
		qatomic_set(&cpu->exit_request, false);
		return EXCP_HLT;
	}
	bql_unlock();
	cpu_exec_start(cpu);
	ret = run_until_left(cpu);
	cpu_exec_end(cpu);
	bql_lock();
	qatomic_set(&cpu->exit_request, false);
	return ret < 0 ? -1 : cpu->halted ? EXCP_HLT : EXCP_INTERRUPT;
}
