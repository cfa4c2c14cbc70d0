/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables of the core.  An exception inside the core is the end: it
 * panics with registers.  NMI, double fault and machine check have own stacks.
 */
#include "x86/interrupts.h"

#include "lib.h"
#include "x86/cpu.h"
#include "x86/machine_check.h"
#include "x86/panic.h"
#include "x86/svm.h"
#include "x86/this_cpu.h"

#define SELECTOR_CODE 8
#define SELECTOR_TSS  24
#define VECTOR_NMI    2
#define VECTOR_DF     8

struct idt_entry {
	u16 offset_low, selector;
	u8 stack, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

struct exception_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error_code, rip, cs, rflags, rsp, ss;
};

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

extern u8 entry_stubs[256][32], interrupt_window_end[], idle_window_end[];

static struct idt_entry idt[256] __aligned(16);
void exception_entry(struct exception_frame *f);

/* The same for all CPUs: which stacks 1 to 3 are is in each one's TSS. */
static void idt_init(void)
{
	for (u32 i = 0; i < 256; i++) {
		u64 to = (u64)entry_stubs[i];

		idt[i] = (struct idt_entry){
			.offset_low = (u16)to,
			.selector = SELECTOR_CODE,
			.type = 0x8e,
			.offset_mid = (u16)(to >> 16),
			.offset_high = (u32)(to >> 32),
		};
	}
	idt[VECTOR_NMI].stack = 1;
	idt[VECTOR_DF].stack = 2;
	idt[VECTOR_MC].stack = 3;
}

void descriptors_init(struct cpu *cpu)
{
	struct task_state *tss = &cpu->tss;
	struct table_pointer p;
	u64 base = (u64)tss;

	if (!idt[0].selector)
		idt_init();
	cpu->self = cpu;
	cpu->interrupt_taken = -1;
	for (u32 i = 0; i < 3; i++)
		tss->stacks[i] = (u64)(cpu->exception_stacks[i] + sizeof(cpu->exception_stacks[i]));
	tss->io_map = sizeof(*tss);
	cpu->gdt[1] = 0x00af9b000000ffffull;
	cpu->gdt[2] = 0x00cf93000000ffffull;
	cpu->gdt[3] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		      (base >> 24 & 0xff) << 56;
	cpu->gdt[4] = base >> 32;
	p = (struct table_pointer){ sizeof(cpu->gdt) - 1, (u64)cpu->gdt };
	__asm__ volatile("lgdt %0" : : "m"(p));
	p = (struct table_pointer){ sizeof(idt) - 1, (u64)idt };
	__asm__ volatile("lidt %0" : : "m"(p));
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
	wrmsr(MSR_GS_BASE, (u64)cpu);
}

void exception_entry(struct exception_frame *f)
{
	if (f->vector == VECTOR_NMI) {
		this_cpu()->nmi_taken++;
		/* On the one instruction of a window, STI's shadow is gone now: what waits would hit it. The window is over. */
		if (f->rip == (u64)interrupt_window_end - 1 || f->rip == (u64)idle_window_end - 1) {
			f->rip++;
			f->rflags &= ~RFLAGS_IF;
		}
		return;
	}
	if (f->vector == VECTOR_MC)
		machine_check_look();
	panic_reason("exception %lu in the core, error code %lx", f->vector, f->error_code);
	printk("rip %016lx cs %lx flags %lx rsp %016lx cr2 %016lx\n", f->rip, f->cs, f->rflags,
	       f->rsp, read_cr(2));
	printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	printk("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
	printk("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
	printk("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
	panic_end((const u64 *)f->rsp);
}
