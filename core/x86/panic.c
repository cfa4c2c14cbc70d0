/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Last words: the reason first, then registers, then the return addresses that lie
 * on the stack (addr2line -e diptych-core tells their lines).  A second panic inside
 * the first ends it.
 */
#include "lib.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/panic.h"

#define STACK_WORDS 256
#define CALLS_SHOWN 12
#define CALL_REL32  0xe8

extern const u8 image_start[], text_end[];

static bool dying;

void panic_reason(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	format_list(text, sizeof(text), format, args);
	va_end(args);
	printk("panic: %s\n", text);
	if (dying)
		machine_end(console_reboots);
	dying = true;
}

void panic_end(const u64 *stack)
{
	u32 shown = 0;

	printk("control registers: cr0 %lx cr2 %lx cr3 %lx cr4 %lx\n", read_cr(0), read_cr(2),
	       read_cr(3), read_cr(4));
	printk("calls, the innermost first:");
	/* There are no frame pointers: what points behind a call is taken for a return address. */
	for (u32 i = 0; i < STACK_WORDS && shown < CALLS_SHOWN; i++) {
		const u8 *to = (const u8 *)stack[i];

		if (to < image_start + 5 || to >= text_end || to[-5] != CALL_REL32)
			continue;
		printk_more(" %lx", stack[i]);
		shown++;
	}
	printk_more(shown ? "\n" : " none\n");
	machine_end(console_reboots);
}

void panic_here(void)
{
	const u64 *frame = __builtin_frame_address(0); /* the caller's rbp, the return address */
	u64 r[5];

	__asm__ volatile(
		"movq %%rbx, %0; movq %%r12, %1; movq %%r13, %2; movq %%r14, %3; movq %%r15, %4"
		: "=m"(r[0]), "=m"(r[1]), "=m"(r[2]), "=m"(r[3]), "=m"(r[4]));
	printk("rip %016lx rsp %016lx rbx %016lx rbp %016lx\n", frame[1], (u64)(frame + 2), r[0],
	       frame[0]);
	printk("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", r[1], r[2], r[3], r[4]);
	panic_end(frame + 1);
}
