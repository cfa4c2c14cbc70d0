/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bare limit of an exit: the smallest program that enters a guest, takes its exit, skips the instruction
 * and enters again, with all registers kept, and does nothing else.  No hypervisor can need fewer
 * instructions than this on the processor.  A multiboot image; host and guest share long mode's page tables.
 */
#include "markers.h"

#define VMCB_EXIT_CODE 0x70

	.text
	.balign 8
	.long 0x1badb002, 0, -0x1badb002

	.code32
	.globl start
start:	cli
	movl $stack_end, %esp
	/* 1 GiB one to one by 2 MiB pages */
	movl $directory, %edi
	movl $0x83, %eax
	movl $512, %ecx
1:	movl %eax, (%edi)
	movl $0, 4(%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	movl $directory + 3, pointers
	movl $pointers + 3, root
	movl $root, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x1100, %eax		/* LME, SVME */
	wrmsr
	movl %cr0, %eax
	andl $0x9fffffff, %eax
	orl $0x80000001, %eax
	movl %eax, %cr0
	lgdt gdt_pointer
	ljmp $8, $long_mode

	.code64
long_mode:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $24, %eax
	ltr %ax
	movl $0xc0010117, %ecx		/* VM_HSAVE_PA */
	movl $hsave, %eax
	xorl %edx, %edx
	wrmsr
	/* The guest's control block: what this processor has now, another stack and start. */
	movl $vmcb, %eax
	vmsave %rax
	movl $host, %eax
	vmsave %rax
	movl $0x40000, vmcb + 0x0c	/* intercepts: CPUID */
	movl $1, vmcb + 0x10		/* VMRUN */
	movl $1, vmcb + 0x58		/* ASID */
	movl $0x00100010, vmcb + 0x400	/* ES */
	movl $0x0c93, vmcb + 0x402
	movl $-1, vmcb + 0x404
	movl $0x0a9b0008, vmcb + 0x410	/* CS */
	movl $-1, vmcb + 0x414
	movl $0x0c930010, vmcb + 0x420	/* SS */
	movl $-1, vmcb + 0x424
	movl $0x0c930010, vmcb + 0x430	/* DS */
	movl $-1, vmcb + 0x434
	movl $0xc0000080, %ecx
	rdmsr
	movl %eax, vmcb + 0x4d0
	movq %cr4, %rax
	movq %rax, vmcb + 0x548
	movq %cr3, %rax
	movq %rax, vmcb + 0x550
	movq %cr0, %rax
	movq %rax, vmcb + 0x558
	movl $0x400, vmcb + 0x560	/* DR7 */
	movl $0xffff0ff0, vmcb + 0x568	/* DR6 */
	movl $2, vmcb + 0x570		/* RFLAGS */
	movq $guest, vmcb + 0x578
	movq $guest_stack_end, vmcb + 0x5d8
	movl $vmcb, %eax
	movl $registers, %esi

	/* Registers of the guest in, VMRUN, registers out: what every hypervisor does for every exit. */
again:	clgi
	vmload %rax
	movq 8(%rsi), %rbx
	movq 16(%rsi), %rcx
	movq 24(%rsi), %rdx
	movq 32(%rsi), %rdi
	movq 40(%rsi), %rbp
	movq 48(%rsi), %r8
	movq 56(%rsi), %r9
	movq 64(%rsi), %r10
	movq 72(%rsi), %r11
	movq 80(%rsi), %r12
	movq 88(%rsi), %r13
	movq 96(%rsi), %r14
	movq 104(%rsi), %r15
	movq (%rsi), %rsi
	vmrun %rax
	pushq %rsi
	movl $registers, %esi
	popq (%rsi)
	movq %rbx, 8(%rsi)
	movq %rcx, 16(%rsi)
	movq %rdx, 24(%rsi)
	movq %rdi, 32(%rsi)
	movq %rbp, 40(%rsi)
	movq %r8, 48(%rsi)
	movq %r9, 56(%rsi)
	movq %r10, 64(%rsi)
	movq %r11, 72(%rsi)
	movq %r12, 80(%rsi)
	movq %r13, 88(%rsi)
	movq %r14, 96(%rsi)
	movq %r15, 104(%rsi)
	vmsave %rax
	movl $host, %ecx
	xchgq %rax, %rcx
	vmload %rax
	xchgq %rax, %rcx
	stgi
	addq $2, vmcb + 0x578		/* RIP past CPUID */
	cmpl $0x72, vmcb + VMCB_EXIT_CODE
	je again
	ud2				/* no handler: the machine ends, as it does at the guest's own end */

	.macro mark number
	.byte 0x0f, 0x1f, 0x84, 0x00
	.long MARKER_MAGIC + \number
	.endm

	/* Row 0 of probe.c: CPUID, as often. */
guest:	mark MARK_ROW + 0
	movl $65, %r15d
1:	xorl %eax, %eax
	mark MARK_BEGIN
	cpuid
	mark MARK_END
	decl %r15d
	jnz 1b
	ud2

	.data
	.balign 16
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x0000890000000067 + (0 << 16), 0
gdt_pointer:
	.word . - gdt - 1
	.long gdt, 0

	.bss
	.balign 4096
root:	.skip 4096
pointers: .skip 4096
directory: .skip 4096
vmcb:	.skip 4096
host:	.skip 4096
hsave:	.skip 4096
registers: .skip 256
	.skip 4096
stack_end:
	.skip 4096
guest_stack_end:

	.section .note.GNU-stack, "", @progbits
