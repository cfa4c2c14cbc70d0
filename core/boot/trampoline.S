/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the other CPUs start (APM 2, 16.5): the first part is copied into a page
 * below 1 MiB, runs there in real mode and goes straight to long mode with the
 * core's page tables.
 */
	.section .rodata, "a"
	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl gdt_pointer - trampoline
	movl $0x6a0, %eax		/* as the boot CPU: PAE, PGE, OSFXSR, OSXMMEXCPT */
	movl %eax, %cr4
	movl $boot_root, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x900, %eax		/* LME, NXE */
	wrmsr
	movl $0x80010033, %eax		/* PG WP NE ET MP PE; caches on */
	movl %eax, %cr0
	ljmpl $8, $cpu_start
gdt_pointer:
	.word 23
	.long boot_gdt
trampoline_end:

	.text
	.code64
cpu_start:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq starting_stack, %rsp
	xorl %ebp, %ebp
	call cpu_main
1:	hlt
	jmp 1b

	.section .note.GNU-stack, "", @progbits
