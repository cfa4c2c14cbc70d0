/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe in a real guest: a disk's boot sector and what follows.  It goes to 64-bit mode by itself and does
 * each thing a number of times between two markers, as probe.c does in dom0.  It asks nothing of an operating system,
 * so that it is the same under every hypervisor.  On the serial line it says "guest: done", or E and an exception's number.
 */
#include "markers.h"

#define LOADED	    0x7e00 /* behind the boot sector, as on the disk */
#define SECTORS	    8
#define TABLES	    0x10000 /* 6 pages: 4 GiB one to one */
#define IDT	    0x20000
#define STACK	    0x70000
#define REPETITIONS 65
#define COM1	    0x3f8
#define VECTOR	    0x40
#define QUEUE	    0x30000 /* virtio-blk's rings: 4 pages */
#define HEADER	    0x38000
#define SECTOR_DATA 0x39000
#define STATUS	    0x3a000

	.code16
	.globl start
start:	ljmp $0, $1f
1:	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $packet, %si
	movb $0x42, %ah			/* INT 13h extensions: DL is the disk */
	int $0x13
	jc .
	lgdtl gdt_pointer
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $8, $protected

	.balign 4
packet:	.byte 16, 0
	.word SECTORS, LOADED, 0
	.quad 1

	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.org 510
	.word 0xaa55

	.code32
protected:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $STACK, %esp
	movl $TABLES, %edi
	xorl %eax, %eax
	movl $6 * 1024, %ecx
	rep stosl
	movl $TABLES + 0x1003, TABLES
	movl $TABLES + 0x2003, TABLES + 0x1000
	movl $TABLES + 0x3003, TABLES + 0x1008
	movl $TABLES + 0x4003, TABLES + 0x1010
	movl $TABLES + 0x5003, TABLES + 0x1018
	movl $TABLES + 0x2000, %edi
	movl $0x83, %eax
	movl $2048, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	movl $TABLES, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	ljmp $24, $long_mode

	.code64
long_mode:
	/* Exceptions end the program; one vector is the timer's and the interrupt's to itself. */
	movl $IDT, %edi
	movl $exceptions, %eax
	movl $32, %ecx
1:	call gate
	addl $8, %eax
	loop 1b
	movl $IDT + VECTOR * 16, %edi
	movl $interrupt, %eax
	call gate
	lidt idt_pointer
	movb $0xff, %al			/* nothing from the PICs */
	outb %al, $0x21
	outb %al, $0xa1
	movl $0x1b, %ecx		/* local APIC: x2APIC, one timer without division */
	rdmsr
	orl $0xc00, %eax
	wrmsr
	movl $0x80f, %ecx
	movl $0x1ff, %eax
	xorl %edx, %edx
	wrmsr
	movl $0x832, %ecx
	movl $VECTOR, %eax
	wrmsr
	movl $0x83e, %ecx
	movl $11, %eax
	wrmsr

	.macro mark number
	.byte 0x0f, 0x1f, 0x84, 0x00
	.long MARKER_MAGIC + \number
	.endm
	.macro begin row
	mark MARK_ROW + \row
	movl $REPETITIONS, %r15d
1:	mark MARK_BEGIN
	.endm
	.macro end
	mark MARK_END
	decl %r15d
	jnz 1b
	.endm

	movl $0x511, %edx		/* data port of the firmware's configuration: no hypervisor has that itself */
	begin 8
	inb %dx, %al
	end
	movl $0xfed000f0, %esi		/* HPET's counter, likewise */
	begin 9
	movl (%rsi), %eax
	end
	begin 10
	xorl %eax, %eax
	cpuid
	end
	movl $0x1b, %ecx		/* where the local APIC is */
	begin 11
	rdmsr
	end
	sti
	movl $0x830, %ecx		/* interrupt command: to itself */
	xorl %edx, %edx
	begin 12
	movl $0x40000 + VECTOR, %eax
	movl $0, taken
	wrmsr
2:	cmpl $0, taken
	je 2b
	end
	cli
	begin 13
	movl $0x838, %ecx		/* timer: soon */
	xorl %edx, %edx
	movl $20000, %eax
	wrmsr
	sti
	hlt
	cli
	end
	call disk_find
	begin 26
	incl %r14d			/* one request more, always the same 4 KiB: what is cached is read from there */
	movw %r14w, QUEUE + 2(,%rbp,8)
	leal 16(%r12), %edx
	xorl %eax, %eax
	outw %ax, %dx
2:	cmpw %r14w, 2(%rbx)
	je 3f
	sti
	hlt
	cli
	jmp 2b
3:
	end
	movl $no_read, %esi
	cmpb $0, STATUS
	jne 4f
	movl $done, %esi
4:
	call print
	hlt
	jmp .

gate:	movw %ax, (%rdi)
	movw $24, 2(%rdi)
	movl $0x8e00, 4(%rdi)		/* interrupt gate; addresses are below 64 KiB */
	movq $0, 8(%rdi)
	addl $16, %edi
	ret

/* PCI's address: function EBX, register ECX; DX is the data port then. */
pci:	movl %ebx, %eax
	orl %ecx, %eax
	movl $0xcf8, %edx
	outl %eax, %dx
	movl $0xcfc, %edx
	ret

/*
 * virtio-blk by its ports (the legacy way: one page number for its rings), with an interrupt by MSI-X.
 * After it: R12 its ports, RBX the used ring, RBP twice the ring's length (the available ring is at QUEUE + 8 RBP), R14 requests made.
 */
disk_find:
	movl $0x80000000, %ebx
1:	addl $0x800, %ebx
	cmpl $0x80010000, %ebx
	movl $no_disk, %esi
	je fail
	xorl %ecx, %ecx
	call pci
	inl %dx, %eax
	cmpl $0x10011af4, %eax
	jne 1b
	movl $4, %ecx			/* ports, memory, bus master */
	call pci
	inl %dx, %eax
	orl $7, %eax
	outl %eax, %dx
	movl $0x10, %ecx
	call pci
	inl %dx, %eax
	andl $~3, %eax
	movl %eax, %r12d
	movl $0x14, %ecx		/* MSI-X: its table is all of this */
	call pci
	inl %dx, %eax
	andl $~15, %eax
	movl %eax, %edi
	movl $0x34, %ecx
2:	call pci
	inl %dx, %eax
	cmpl $0x34, %ecx
	je 3f
	cmpb $0x11, %al
	je 4f
	shrl $8, %eax
3:	movzbl %al, %ecx
	jmp 2b
4:	orl $0x80000000, %eax
	outl %eax, %dx
	movl $0xfee00000, (%rdi)
	movl $0, 4(%rdi)
	movl $VECTOR, 8(%rdi)
	movl $0, 12(%rdi)

	leal 18(%r12), %edx
	xorl %eax, %eax
	outb %al, %dx
	movb $3, %al
	outb %al, %dx
	leal 4(%r12), %edx		/* none of its features */
	xorl %eax, %eax
	outl %eax, %dx
	leal 14(%r12), %edx
	outw %ax, %dx
	leal 12(%r12), %edx
	inw %dx, %ax
	movzwl %ax, %ebp
	movl $QUEUE, %edi
	xorl %eax, %eax
	movl $4096, %ecx
	rep stosl
	imull $18, %ebp, %ebx		/* behind both rings, at the next page */
	addl $6 + 4095, %ebx
	andl $~4095, %ebx
	addl $QUEUE, %ebx
	shll $1, %ebp
	leal 8(%r12), %edx
	movl $QUEUE >> 12, %eax
	outl %eax, %dx
	leal 20(%r12), %edx
	movl $0xffff, %eax
	outw %ax, %dx
	leal 22(%r12), %edx
	xorl %eax, %eax
	outw %ax, %dx
	leal 18(%r12), %edx
	movb $7, %al
	outb %al, %dx

	movl $HEADER, QUEUE		/* header, data and status of a read of sector 0 */
	movl $16, QUEUE + 8
	movl $0x10001, QUEUE + 12
	movl $SECTOR_DATA, QUEUE + 16
	movl $4096, QUEUE + 24
	movl $0x20003, QUEUE + 28
	movl $STATUS, QUEUE + 32
	movl $1, QUEUE + 40
	movl $2, QUEUE + 44
	movl $HEADER, %edi
	xorl %eax, %eax
	movl $4, %ecx
	rep stosl
	movb $0xff, STATUS
	xorl %r14d, %r14d
	ret

fail:	call print
	hlt
	jmp .

print:	movl $COM1, %edx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	ret

interrupt:
	pushq %rax
	pushq %rcx
	pushq %rdx
	movl $1, taken
	movl $0x80b, %ecx		/* end of interrupt */
	xorl %eax, %eax
	xorl %edx, %edx
	wrmsr
	popq %rdx
	popq %rcx
	popq %rax
	iretq

	.balign 8
exceptions:
	.rept 32
	call exception
	.balign 8
	.endr
exception:
	popq %rbx
	movl $COM1, %edx
	movb $'E', %al
	outb %al, %dx
	subl $exceptions, %ebx
	shrl $3, %ebx
	movl %ebx, %eax
	addb $'@', %al			/* @ is 0, A is 1 */
	outb %al, %dx
	cli
	hlt
	jmp .

done:	.asciz "guest: done\r\n"
no_disk:
	.asciz "guest: no disk\r\n"
no_read:
	.asciz "guest: the disk's status\r\n"
	.balign 4
taken:	.long 0
idt_pointer:
	.word 0xfff
	.quad IDT

	.org 512 * (SECTORS + 1)

	.section .note.GNU-stack, "", @progbits
