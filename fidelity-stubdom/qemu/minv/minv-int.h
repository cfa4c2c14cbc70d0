/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the accelerator share.
 *
 * A vCPU's registers live in its state page; QEMU's env is a copy, taken by minv_get_registers when
 * somebody asks (accel->dirty from then on: env is the newer one) and written back before the next run.
 */
#ifndef MINV_INT_H
#define MINV_INT_H

#include "cpu.h"
#include "qemu/timer.h"
#include "minv-ioctl.h"

/* Of EVENTINJ (AMD64 APM 2, 15.20) */
#define EVENT_TYPE  (7u << 8) /* 0: an interrupt */
#define EVENT_VALID (1u << 31)

struct AccelCPUState {
	int fd;
	struct minv_state *state;
	uint8_t *fpu; /* in the format that minv-ioctl.h says */
	struct minv_debug *debug;
	bool dirty;	      /* env is newer than the state page */
	bool shadow;	      /* after STI or MOV SS: no interrupt yet */
	uint64_t system_time; /* kvmclock's MSRs, as written */
	uint64_t wall_clock;
	uint32_t time_version;	   /* of kvmclock's page */
	uint64_t pv_eoi;	   /* MSR_KVM_PV_EOI_EN, as written */
	QEMUTimerListGroup timers; /* fire in this vCPU's thread */
	bool timer_taken;	   /* the APIC's timer is among them */
	unsigned int undelivered; /* how often in a row an event's delivery met no RAM, and where */
	uint64_t undelivered_rip;
	bool pv_eoi_set; /* the bit in guest memory was set at the last injection */
};

extern int minv_fd;
extern struct minv_info minv_info;

/* minv-memory.c */
bool minv_memory_init(Error **errp);

/* minv-registers.c */
int minv_init_vcpu(CPUState *cpu);
void minv_get_registers(CPUState *cpu);
void minv_put_registers(CPUState *cpu);
void minv_set_gpr(CPUState *cpu, int gpr, uint64_t value);
void minv_skip_instruction(CPUState *cpu, unsigned int usual_length);
void minv_set_rip(CPUState *cpu, uint64_t rip);
void minv_inject_exception(CPUState *cpu, int vector, int error_code); /* error_code < 0: none */
void minv_inject_page_fault(CPUState *cpu, uint64_t address, unsigned int error_code);

/* minv-fpu.c */
extern uint64_t minv_fpu_components; /* 0, or the bits of XCR0 that the driver carries by XSAVE */
void minv_fpu_init(void);
void minv_put_fpu(CPUX86State *env, uint8_t *page);
void minv_get_fpu(CPUX86State *env, const uint8_t *page);

/* minv-run.c */
int minv_vcpu_exec(CPUState *cpu);

/* minv-msr.c, minv-cpuid.c, minv-clock.c: answers to exits; false from an MSR access: #GP */
bool minv_rdmsr(CPUState *cpu, uint32_t index, uint64_t *value);
bool minv_wrmsr(CPUState *cpu, uint32_t index, uint64_t value);
void minv_cpuid(CPUState *cpu);
bool minv_clock_rdmsr(CPUState *cpu, uint32_t index, uint64_t *value);
bool minv_clock_wrmsr(CPUState *cpu, uint32_t index, uint64_t value);
void minv_clock_tsc_changed(void);
void minv_clock_reset(CPUState *cpu);

/* minv-timer.c */
void minv_timer_init(CPUState *cpu);
int64_t minv_timer_run(CPUState *cpu);
void minv_timer_before_run(CPUState *cpu);
void minv_timer_return_soon(CPUState *cpu);

/* minv-eoi.c */
void minv_eoi_injected(CPUState *cpu, int vector);
void minv_eoi_before_run(CPUState *cpu);
void minv_eoi_after_run(CPUState *cpu);
bool minv_eoi_wrmsr(CPUState *cpu, uint64_t value);
void minv_eoi_reset(CPUState *cpu);

/* minv-io.c, minv-mmio.c: 0 done or exception injected; negative: the guest cannot go on */
int minv_handle_io(CPUState *cpu);
int minv_handle_mmio(CPUState *cpu);
int minv_handle_string_io(CPUState *cpu);

/* minv-walk.c: linear to guest physical address; false: *error_code of the #PF */
enum minv_access { MINV_READ, MINV_WRITE, MINV_FETCH };
bool minv_translate(CPUState *cpu, uint64_t linear, enum minv_access access, hwaddr *physical,
		    unsigned int *error_code);
/* Copies between guest memory or device and buffer; false: a #PF was injected. */
bool minv_linear_rw(CPUState *cpu, uint64_t linear, void *buffer, size_t size,
		    enum minv_access access);
/* Whether it could, without doing it; false: a #PF was injected. */
bool minv_linear_check(CPUState *cpu, uint64_t linear, size_t size, enum minv_access access);
/* An instruction begins: translations that are remembered within one are forgotten. */
void minv_linear_begin(void);

#endif
