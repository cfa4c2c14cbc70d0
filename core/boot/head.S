/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry from a multiboot or multiboot2 loader (Multiboot 0.6.96, 3.2; Multiboot2
 * 2.0, 3.3): 32-bit protected mode, paging off, EAX the magic, EBX the information.
 *
 * The image is loaded low, as a flat piece (its headers carry addresses, so that
 * the 64-bit ELF file loads as it stands): at 1 MiB, or by multiboot2 wherever
 * there is room below the core's place.  It looks whether there is RAM at that
 * place, copies itself there, builds a one to one map of the first 4 GiB, enters
 * long mode and calls boot_main().
 */
#define MAGIC_1	    0x1badb002
#define FLAGS_1	    0x00010003	/* addresses, memory map, aligned modules */
#define MAGIC_2	    0xe85250d6
#define LOAD_AT	    0x100000
#define LOW(symbol) (symbol - 0x30000000 + LOAD_AT)	/* core.lds: image_start */
#define OPTIONAL    1

	.section .head, "ax"
	.code32
	.globl start
	.balign 8
header_1:
	.long MAGIC_1
	.long FLAGS_1
	.long -(MAGIC_1 + FLAGS_1)
	.long LOW(header_1)
	.long LOAD_AT
	.long LOW(image_load_end)
	.long 0				/* the entry code clears .bss, at the core's place */
	.long LOW(start)

	.balign 8
header_2:
	.long MAGIC_2
	.long 0
	.long header_2_end - header_2
	.long -(MAGIC_2 + header_2_end - header_2)
	/* addresses */
	.word 2, 0
	.long 24
	.long LOW(header_2), LOAD_AT, LOW(image_load_end), 0
	/* entry */
	.word 3, 0
	.long 12
	.long LOW(start), 0
	/* text console is welcome */
	.word 4, OPTIONAL
	.long 12
	.long 2, 0
	/* so is a framebuffer of any size */
	.word 5, OPTIONAL
	.long 20
	.long 0, 0, 0, 0
	/* modules on page boundaries */
	.word 6, 0
	.long 8
	/* relocatable: from, to, alignment, as low as can be */
	.word 10, 0
	.long 24
	.long LOAD_AT, 0x30000000, 4096, 1
	.word 0, 0
	.long 8
header_2_end:

start:
	cli
	cld
	/* Where am I? The information's first word serves as the stack. */
	movl (%ebx), %edx
	leal 4(%ebx), %esp
	call 1f
1:	popl %ebp
	movl %edx, (%ebx)
	subl $(1b - header_1), %ebp	/* load address; header_1 is the image's first byte */
	movl %eax, %esi

	/* Long mode (CPUID 80000001 EDX bit 29) is all that must be there to say more. */
	movl %ebx, %edi
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	testl $(1 << 29), %edx
	jz no_long_mode
	movl %edi, %ebx

	/* RAM from the first to the last word of the core's place, and not the loader's information. */
	movl $no_ram_text - header_1, %edi
	movl $0x3ca5965a, header_1
	movl $0xc35a69a5, image_end - 4
	cmpl $0x3ca5965a, header_1
	jne say
	cmpl $0xc35a69a5, image_end - 4
	jne say
	cmpl $image_end, %ebx
	jae 2f
	cmpl $header_1, %ebx
	jae say

2:	movl %esi, %edx
	movl %ebp, %esi
	movl $header_1, %edi
	movl $image_load_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	rep movsl
	movl $image_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl
	movl $in_place, %eax
	jmp *%eax

no_long_mode:
	movl $no_long_mode_text - header_1, %edi
	/* Plain text on COM1 and on the text screen: nothing else can be assumed. EDI: offset of the text. */
say:
	leal (%edi, %ebp), %esi
	movl $0xb8000, %edi
3:	movb (%esi), %bl
	testb %bl, %bl
	jz 5f
	movb %bl, (%edi)
	movb $7, 1(%edi)
	addl $2, %edi
	movw $0x3fd, %dx
	movl $100000, %ecx
4:	inb %dx, %al
	testb $0x20, %al
	loopz 4b
	movb %bl, %al
	movw $0x3f8, %dx
	outb %al, %dx
	incl %esi
	jmp 3b
5:	hlt
	jmp 5b

no_long_mode_text:
	.asciz "(core) cannot start: this processor has no long mode, a 64-bit processor is needed. Halted.\r\n"
no_ram_text:
	.asciz "(core) cannot start: too little memory: there is no free RAM at 768 MiB, where the core lies; 1 GiB is needed at least. Halted.\r\n"

	.balign 16
in_place:
	movl $boot_stack_top, %esp
	movl %edx, %esi

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
	.balign 8
	.globl boot_gdt
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
