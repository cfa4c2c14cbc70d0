/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's registers: between QEMU's env and the state page, and the small changes that exits make. */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "hw/i386/apic.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "minv-int.h"

/* EVENTINJ (AMD64 APM 2, 15.20) */
#define EVENT_EXCEPTION	 (3u << 8)
#define EVENT_ERROR_CODE (1u << 11)

/* QEMU keeps attributes where a descriptor's second word has them: bits 8..15 and 20..23. */
static struct minv_segment put_segment(const SegmentCache *segment)
{
	return (struct minv_segment){
		.selector = segment->selector,
		.attributes = (segment->flags >> 8 & 0xff) | (segment->flags >> 12 & 0xf00),
		.limit = segment->limit,
		.base = segment->base,
	};
}

static SegmentCache get_segment(const struct minv_segment *segment)
{
	return (SegmentCache){
		.selector = segment->selector,
		.flags = (segment->attributes & 0xffu) << 8 | (segment->attributes & 0xf00u) << 12,
		.limit = segment->limit,
		.base = segment->base,
	};
}

void minv_put_registers(CPUState *cpu)
{
	CPUX86State *env = cpu_env(cpu);
	AccelCPUState *accel = cpu->accel;
	struct minv_state *state = accel->state;
	struct minv_segment *segments[] = { &state->es, &state->cs, &state->ss,
					    &state->ds, &state->fs, &state->gs };
	int i;

	for (i = 0; i < 16; i++)
		state->gpr[i] = env->regs[i];
	state->rip = env->eip;
	state->rflags = env->eflags | 2;
	for (i = 0; i < 6; i++)
		*segments[i] = put_segment(&env->segs[i]);
	state->ldtr = put_segment(&env->ldt);
	state->tr = put_segment(&env->tr);
	state->gdtr = put_segment(&env->gdt);
	state->idtr = put_segment(&env->idt);
	state->cpl = env->hflags & HF_CPL_MASK;
	state->cr0 = env->cr[0];
	state->cr2 = env->cr[2];
	state->cr3 = env->cr[3];
	state->cr4 = env->cr[4];
	state->efer = env->efer;
	state->pat = env->pat;
	state->xcr0 = env->xcr0;
	state->dr6 = env->dr[6];
	state->dr7 = env->dr[7];
	state->star = env->star;
	state->lstar = env->lstar;
	state->cstar = env->cstar;
	state->sfmask = env->fmask;
	state->kernel_gs_base = env->kernelgsbase;
	state->sysenter_cs = env->sysenter_cs;
	state->sysenter_esp = env->sysenter_esp;
	state->sysenter_eip = env->sysenter_eip;
	for (i = 0; i < 4; i++)
		accel->debug->dr[i] = env->dr[i];
	minv_put_fpu(env, accel->fpu);
	state->interrupt_shadow = accel->shadow;
	state->dirty = MINV_REGS_ALL;
	accel->dirty = false;
}

void minv_get_registers(CPUState *cpu)
{
	CPUX86State *env = cpu_env(cpu);
	AccelCPUState *accel = cpu->accel;
	struct minv_state *state = accel->state;
	struct minv_segment *segments[] = { &state->es, &state->cs, &state->ss,
					    &state->ds, &state->fs, &state->gs };
	int i;

	for (i = 0; i < 16; i++)
		env->regs[i] = state->gpr[i];
	env->eip = state->rip;
	env->eflags = state->rflags;
	for (i = 0; i < 6; i++)
		env->segs[i] = get_segment(segments[i]);
	env->ldt = get_segment(&state->ldtr);
	env->tr = get_segment(&state->tr);
	env->gdt = get_segment(&state->gdtr);
	env->idt = get_segment(&state->idtr);
	/* SS.DPL is where QEMU looks for CPL; in real mode the processor leaves it stale. */
	env->segs[R_SS].flags = (env->segs[R_SS].flags & ~DESC_DPL_MASK) |
				(state->cpl & 3) << DESC_DPL_SHIFT;
	env->cr[0] = state->cr0;
	env->cr[2] = state->cr2;
	env->cr[3] = state->cr3;
	env->cr[4] = state->cr4;
	env->efer = state->efer & ~(uint64_t)MSR_EFER_SVME;
	env->pat = state->pat;
	env->xcr0 = state->xcr0;
	env->dr[6] = state->dr6;
	env->dr[7] = state->dr7;
	env->star = state->star;
	env->lstar = state->lstar;
	env->cstar = state->cstar;
	env->fmask = state->sfmask;
	env->kernelgsbase = state->kernel_gs_base;
	env->sysenter_cs = (uint32_t)state->sysenter_cs;
	env->sysenter_esp = state->sysenter_esp;
	env->sysenter_eip = state->sysenter_eip;
	for (i = 0; i < 4; i++)
		env->dr[i] = accel->debug->dr[i];
	minv_get_fpu(env, accel->fpu);
	x86_update_hflags(env);
}

/* A device model may have taken the registers into env during the exit: then both copies change. */
void minv_set_gpr(CPUState *cpu, int gpr, uint64_t value)
{
	cpu->accel->state->gpr[gpr] = value;
	if (cpu->accel->dirty)
		cpu_env(cpu)->regs[gpr] = value;
}

/* An instruction that we have executed is a step to a debugger like any other. */
static void single_step(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;

	if (state->inject & EVENT_VALID)
		return;
	state->dr6 |= DR6_BS;
	state->dirty |= MINV_REGS_CONTROL;
	if (cpu->accel->dirty)
		cpu_env(cpu)->dr[6] = state->dr6;
	minv_inject_exception(cpu, EXCP01_DB, -1);
}

void minv_set_rip(CPUState *cpu, uint64_t rip)
{
	cpu->accel->state->rip = rip;
	if (cpu->accel->dirty)
		cpu_env(cpu)->eip = rip;
	cpu->accel->shadow = false;
	cpu->accel->state->interrupt_shadow = 0;
	if (cpu->accel->state->rflags & TF_MASK)
		single_step(cpu);
}

void minv_skip_instruction(CPUState *cpu, unsigned int usual_length)
{
	struct minv_state *state = cpu->accel->state;

	minv_set_rip(cpu, state->rip + (state->instruction_length ? state->instruction_length
								  : usual_length));
}

void minv_inject_exception(CPUState *cpu, int vector, int error_code)
{
	uint64_t event = EVENT_VALID | EVENT_EXCEPTION | (unsigned int)vector;

	if (error_code >= 0)
		event |= EVENT_ERROR_CODE | (uint64_t)error_code << 32;
	cpu->accel->state->inject = event;
}

void minv_inject_page_fault(CPUState *cpu, uint64_t address, unsigned int error_code)
{
	cpu->accel->state->cr2 = address;
	cpu->accel->state->dirty |= MINV_REGS_CONTROL;
	if (cpu->accel->dirty)
		cpu_env(cpu)->cr[2] = address;
	minv_inject_exception(cpu, EXCP0E_PAGE, (int)error_code);
}

/* Makes the next run, or the one in progress, return at once. */
static void kicked(int signal)
{
	if (current_cpu && current_cpu->accel)
		qatomic_set(&current_cpu->accel->state->immediate_exit, 1);
}

int minv_init_vcpu(CPUState *cpu)
{
	AccelCPUState *accel = g_new0(AccelCPUState, 1);
	struct sigaction action = { .sa_handler = kicked };
	sigset_t set;
	uint8_t *pages;

	accel->fd = ioctl(minv_fd, MINV_IOC_VCPU_CREATE, (unsigned long)cpu->cpu_index);
	pages = accel->fd < 0
			? MAP_FAILED
			: mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, accel->fd, 0);
	if (pages == MAP_FAILED) {
		error_report("minv: cannot make vCPU %d: %s", cpu->cpu_index, strerror(errno));
		return -errno;
	}
	accel->state = (struct minv_state *)(pages + MINV_VCPU_STATE_OFFSET);
	accel->fpu = pages + MINV_VCPU_FPU_OFFSET;
	accel->debug = (struct minv_debug *)(pages + MINV_VCPU_DEBUG_OFFSET);
	accel->state->want = MINV_REGS_ALL;
	accel->dirty = true;
	cpu->accel = accel;

	sigaction(SIG_IPI, &action, NULL);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	sigdelset(&set, SIG_IPI);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	return 0;
}
