/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world switch, the interrupt windows, and the entry stubs of the core's own
 * exceptions and interrupts.
 */
	.text

/*
 * void svm_world_switch(u64 vmcb_pa, struct gprs *regs, u64 host_vmcb_pa)
 * Entered and left with IF=0.  VMRUN is executed with GIF=0 and host IF=1: with
 * V_INTR_MASKING the host's IF is what lets a physical interrupt end the guest.
 */
	.globl svm_world_switch
svm_world_switch:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rdx
	pushq %rsi
	movq %rdi, %rax
	clgi
	sti
	vmload %rax
	movq 8(%rsi), %rcx
	movq 16(%rsi), %rdx
	movq 24(%rsi), %rbx
	movq 40(%rsi), %rbp
	movq 56(%rsi), %rdi
	movq 64(%rsi), %r8
	movq 72(%rsi), %r9
	movq 80(%rsi), %r10
	movq 88(%rsi), %r11
	movq 96(%rsi), %r12
	movq 104(%rsi), %r13
	movq 112(%rsi), %r14
	movq 120(%rsi), %r15
	movq 48(%rsi), %rsi
	vmrun %rax
	pushq %rsi
	movq 8(%rsp), %rsi
	movq %rcx, 8(%rsi)
	movq %rdx, 16(%rsi)
	movq %rbx, 24(%rsi)
	movq %rbp, 40(%rsi)
	movq %rdi, 56(%rsi)
	movq %r8, 64(%rsi)
	movq %r9, 72(%rsi)
	movq %r10, 80(%rsi)
	movq %r11, 88(%rsi)
	movq %r12, 96(%rsi)
	movq %r13, 104(%rsi)
	movq %r14, 112(%rsi)
	movq %r15, 120(%rsi)
	popq %rcx
	movq %rcx, 48(%rsi)
	vmsave %rax
	addq $8, %rsp
	popq %rax
	vmload %rax
	cli
	stgi
	/*
	 * Registers and the stack of returns still hold the guest's values: do not let speculation in the core use
	 * them. From here to the main loop it returns from less calls than these.
	 */
	.rept 8
	call 1f
	int3
1:
	.endr
	addq $64, %rsp
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %edi, %edi
	xorl %ebx, %ebx
	xorl %ebp, %ebp
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* Lets at most one pending physical interrupt in: its stub clears IF in the saved flags. */
	.globl interrupt_window, interrupt_window_end
interrupt_window:
	sti
	nop
interrupt_window_end:
	cli
	ret

/* Sleeps until an interrupt. STI's shadow covers HLT: none can come in between. */
	.globl idle_window, idle_window_end
idle_window:
	sti
	hlt
idle_window_end:
	cli
	ret

/*
 * Entry stubs, 32 bytes each.  A physical interrupt may carry any vector from 16
 * on (an MSI), also one of an exception with an error code: where the interrupted
 * RIP is the end of a window it is an interrupt, and no error code was pushed.
 */
	.macro stub vector
	.balign 32
	.if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17) || (\vector == 21) || (\vector == 29) || (\vector == 30)
	pushq $\vector
	jmp entry_error_code
	.else
	pushq $0
	pushq $\vector
	jmp entry_common
	.endif
	.endm

	.balign 32
	.globl entry_stubs
entry_stubs:
	.set i, 0
	.rept 256
	stub i
	.set i, i + 1
	.endr

	.balign 32
entry_error_code:
	/* (%rsp) vector, 8(%rsp) error code or, for an interrupt, RIP */
	cmpq $interrupt_window_end, 8(%rsp)
	je 1f
	cmpq $idle_window_end, 8(%rsp)
	je 1f
	jmp entry_common
1:	pushq (%rsp)
	movq $0, 8(%rsp)

entry_common:
	/* (%rsp) vector, error code, rip, cs, rflags, rsp, ss */
	cmpq $interrupt_window_end, 16(%rsp)
	je 2f
	cmpq $idle_window_end, 16(%rsp)
	je 2f
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	cld
	call exception_entry
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq
2:	cmpq $2, (%rsp)			/* an NMI may hit the window too */
	je 3f
	pushq %rax
	movl 8(%rsp), %eax
	movl %eax, %gs:12		/* struct cpu: interrupt_taken */
	popq %rax
	andq $~0x200, 32(%rsp)
	addq $16, %rsp
	iretq
3:	incl %gs:8			/* struct cpu: nmi_taken */
	addq $16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
