/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry from a multiboot1 loader (Multiboot Specification 0.6.96, 3.2): 32-bit
 * protected mode, paging off, EAX the magic, EBX the information.  Builds a one
 * to one map of the first 4 GiB, enters long mode and calls boot_main().
 *
 * The header carries addresses (flag 16), so that the 64-bit ELF loads as it stands.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00010003

	.section .head, "ax"
	.code32
	.globl start
	.balign 4
header:
	.long MAGIC
	.long FLAGS
	.long -(MAGIC + FLAGS)
	.long header
	.long image_start
	.long image_load_end
	.long image_end
	.long start

start:
	cli
	cld
	movl $boot_stack_top, %esp
	movl %eax, %esi
	/* Long mode (CPUID 80000001 EDX bit 29) is all that must be there to say more. */
	pushl %ebx
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	testl $(1 << 29), %edx
	jz no_long_mode
	popl %ebx

	/* Four page directories of 2 MiB pages, a pointer table, the root. */
	movl $boot_directories, %edi
	movl $0x83, %eax
	xorl %ecx, %ecx
1:	movl %eax, (%edi, %ecx, 8)
	movl $0, 4(%edi, %ecx, 8)
	addl $0x200000, %eax
	incl %ecx
	cmpl $2048, %ecx
	jne 1b
	movl $(boot_directories + 3), %eax
	movl $boot_pointers, %edi
	xorl %ecx, %ecx
2:	movl %eax, (%edi, %ecx, 8)
	addl $0x1000, %eax
	incl %ecx
	cmpl $4, %ecx
	jne 2b
	movl $(boot_pointers + 3), %eax
	movl %eax, boot_root

	movl $0x6a0, %eax		/* PAE, PGE, OSFXSR, OSXMMEXCPT */
	movl %eax, %cr4
	movl $boot_root, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x900, %eax		/* LME, NXE */
	wrmsr
	movl $0x80010033, %eax		/* PG WP NE ET MP PE */
	movl %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $8, $long_mode

no_long_mode:
	/* Plain text on COM1: nothing else can be assumed. */
	movl $no_long_mode_text, %esi
3:	movb (%esi), %al
	testb %al, %al
	jz 4f
	movw $0x3f8, %dx
	outb %al, %dx
	incl %esi
	jmp 3b
4:	hlt
	jmp 4b

	.code64
long_mode:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl $boot_stack_top, %esp
	movl %esi, %edi			/* magic */
	movl %ebx, %esi			/* information */
	xorl %ebp, %ebp
	call boot_main
5:	hlt
	jmp 5b

	.section .rodata, "a"
no_long_mode_text:
	.asciz "Diptych: this processor has no long mode, a 64-bit processor is needed. Halted.\r\n"
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
boot_gdt_end:
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt

	.section .bss, "aw", @nobits
	.balign 4096
	.globl boot_root, boot_pointers, boot_directories
boot_root:
	.skip 4096
boot_pointers:
	.skip 4096
boot_directories:
	.skip 4 * 4096
	.globl boot_stack_top
	.skip 32768
boot_stack_top:
