/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes a decoded instruction on this processor: rebuilt for 64-bit mode with a RIP-relative memory
 * operand, which is a buffer of ours.  The allow-list holds only instructions that cannot fault then.
 *
 * The code page is mapped twice, once writable and once executable, never both.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "instruction.h"

#define PAGE		 4096
#define ARITHMETIC_FLAGS 0x8d5ull /* CF PF AF ZF SF OF */
#define SLOTS		 64	  /* rebuilt instructions that are kept */
#define SLOT_BYTES	 32
#define SLOT_CODE	 24 /* of it: the longest rebuilt instruction, and RET */
#define REX		 0x40
#define HOST_COMPONENTS	 7 /* x87, SSE, AVX */
#define RSP		 4
#define RBX		 3

struct arena {
	uint8_t *write;	  /* the code page, writable */
	uint8_t *execute; /* the same page, executable; the buffer's page follows it */
	uint8_t *buffer;
	uint8_t host_fpu[EMULATOR_XSAVE] __attribute__((aligned(64)));
};

bool emulator_init(struct emulator *emulator)
{
	struct arena *arena = aligned_alloc(64, sizeof(*arena));
	int fd = memfd_create("emulator", MFD_CLOEXEC);

	if (!arena || fd < 0 || ftruncate(fd, PAGE))
		return false;
	memset(arena->host_fpu, 0,
	       sizeof(arena->host_fpu)); /* XSAVE leaves some of the header as it was */
	arena->write = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	arena->execute =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena->write == MAP_FAILED || arena->execute == MAP_FAILED ||
	    mmap(arena->execute, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
		return false;
	close(fd);
	arena->buffer = arena->execute + PAGE;
	emulator->arena = arena;
	return true;
}

/* Loads all general registers but RSP and the arithmetic flags, calls the code, stores them again. */
void emulator_call(uint64_t *gpr, uint64_t *flags, const void *code);
asm(".text\n"
    ".globl emulator_call\n"
    ".type emulator_call, @function\n"
    "emulator_call:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	push %rsi; push %rdi; push %rdx\n"
    "	mov %rdi, %rax\n"
    "	pushq (%rsi)\n"
    "	mov 8(%rax), %rcx; mov 16(%rax), %rdx; mov 24(%rax), %rbx; mov 40(%rax), %rbp\n"
    "	mov 48(%rax), %rsi; mov 56(%rax), %rdi; mov 64(%rax), %r8; mov 72(%rax), %r9\n"
    "	mov 80(%rax), %r10; mov 88(%rax), %r11; mov 96(%rax), %r12; mov 104(%rax), %r13\n"
    "	mov 112(%rax), %r14; mov 120(%rax), %r15; mov (%rax), %rax\n"
    "	popfq\n"
    "	call *(%rsp)\n"
    "	pushfq\n"
    "	push %rax\n"
    "	mov 24(%rsp), %rax\n" /* gpr: above RAX, flags, code */
    "	mov %rcx, 8(%rax); mov %rdx, 16(%rax); mov %rbx, 24(%rax); mov %rbp, 40(%rax)\n"
    "	mov %rsi, 48(%rax); mov %rdi, 56(%rax); mov %r8, 64(%rax); mov %r9, 72(%rax)\n"
    "	mov %r10, 80(%rax); mov %r11, 88(%rax); mov %r12, 96(%rax); mov %r13, 104(%rax)\n"
    "	mov %r14, 112(%rax); mov %r15, 120(%rax)\n"
    "	pop %rcx; mov %rcx, (%rax)\n"
    "	mov 24(%rsp), %rsi\n" /* flags: above the flags, code, gpr */
    "	popq (%rsi)\n"
    "	add $24, %rsp\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "	ret\n"
    ".size emulator_call, . - emulator_call\n");

/* RSP stays ours while the instruction runs: where it is the register operand, RBX stands in for it. */
static bool uses_rsp(const struct instruction *i)
{
	bool high_byte = (i->form & FORM_BYTE) && !i->rex;

	return (i->form & FORM_REGISTER) && (i->modrm >> 3 & 7) == RSP && !(i->rex & REX_R) &&
	       !high_byte;
}

/* The longer prefix can say all that the shorter one does. */
static unsigned int rebuild_vex(const struct instruction *i, uint8_t *code)
{
	code[0] = 0xc4;
	code[1] = (uint8_t)((i->rex & REX_R ? 0x60 : 0xe0) | i->map);
	code[2] = i->vex_last;
	code[3] = i->opcode;
	return 4;
}

static unsigned int rebuild_prefixes(const struct instruction *i, uint8_t *code)
{
	unsigned int n = 0;

	if (i->form & FORM_PREFIX) {
		if (i->repeat)
			code[n++] = i->repeat;
		if ((i->form & FORM_VECTOR) ? i->operand_prefix : i->operand_size == 2)
			code[n++] = 0x66;
	} else if (i->operand_size == 2) {
		code[n++] = 0x66;
	}
	if (i->rex)
		code[n++] = REX | (i->rex & (REX_W | REX_R));
	if (i->map)
		code[n++] = 0x0f;
	if (i->map == 2)
		code[n++] = 0x38;
	code[n++] = i->opcode;
	return n;
}

static unsigned int rebuild(const struct instruction *i, uint8_t *code)
{
	unsigned int n = i->vex ? rebuild_vex(i, code) : rebuild_prefixes(i, code);
	unsigned int reg = uses_rsp(i) ? RBX : i->modrm >> 3 & 7, displacement_at;

	code[n++] = (uint8_t)(reg << 3 | 5);
	displacement_at = n;
	n += 4;
	memcpy(code + n, i->immediate, i->immediate_size);
	n += i->immediate_size;
	memset(code + displacement_at, 0, 4); /* filled in by place() */
	code[n] = (uint8_t)displacement_at;   /* told to place() behind the instruction */
	return n;
}

/* Where the code is in the executable page; written only when the slot holds another instruction. */
static const uint8_t *place(struct arena *arena, uint8_t *code, unsigned int length)
{
	unsigned int hash = 0, n, slot;
	uint8_t displacement_at = code[length];
	int32_t displacement;

	for (n = 0; n < length; n++)
		hash = hash * 31 + code[n];
	slot = hash % SLOTS * SLOT_BYTES;
	displacement = (int32_t)(arena->buffer - (arena->execute + slot + length));
	memcpy(code + displacement_at, &displacement, 4);
	code[length] = 0xc3; /* ret */
	if (memcmp(arena->write + slot, code, length + 1))
		memcpy(arena->write + slot, code, length + 1);
	return arena->execute + slot;
}

/*
 * Whatever the processor has of x87, MMX, SSE and AVX: an SSE form keeps the upper half of its register, a VEX form with 128
 * bits clears it.
 */
static void fpu_save(void *image, bool xsave)
{
	if (xsave)
		asm volatile("xsave64 %0"
			     : "+m"(*(uint8_t(*)[EMULATOR_XSAVE])image)
			     : "a"(HOST_COMPONENTS), "d"(0));
	else
		asm volatile("fxsave64 %0" : "=m"(*(uint8_t(*)[512])image));
}

static void fpu_load(const void *image, bool xsave)
{
	if (xsave)
		asm volatile("xrstor64 %0"
			     :
			     : "m"(*(const uint8_t(*)[EMULATOR_XSAVE])image), "a"(HOST_COMPONENTS),
			       "d"(0));
	else
		asm volatile("fxrstor64 %0" : : "m"(*(const uint8_t(*)[512])image));
}

enum emulator_result execute_natively(struct emulator *e, const struct instruction *i)
{
	struct arena *arena = e->arena;
	uint8_t code[SLOT_CODE] = { 0 };
	const uint8_t *placed = place(arena, code, rebuild(i, code));
	uint64_t gpr[16], flags = (e->rflags & ARITHMETIC_FLAGS) |
				  0x202; /* IF is ours: popf cannot change it */
	bool rsp = uses_rsp(i);

	if ((i->form & FORM_READ) && !e->read(e->opaque, i->linear, arena->buffer, i->memory_size))
		return EMULATOR_FAULT;
	memcpy(gpr, e->gpr, sizeof(gpr));
	if (rsp)
		gpr[RBX] = e->gpr[RSP];
	if (i->form & FORM_VECTOR) {
		fpu_save(arena->host_fpu, e->xsave);
		fpu_load(e->fpu, e->xsave);
	}
	emulator_call(gpr, &flags, placed);
	if (i->form & FORM_VECTOR) {
		fpu_save(e->fpu, e->xsave);
		fpu_load(arena->host_fpu, e->xsave);
	}
	if ((i->form & FORM_WRITE) &&
	    !e->write(e->opaque, i->linear, arena->buffer, i->memory_size))
		return EMULATOR_FAULT;
	if (rsp) {
		gpr[RSP] = gpr[RBX];
		gpr[RBX] = e->gpr[RBX];
	}
	memcpy(e->gpr, gpr, sizeof(gpr));
	e->rflags = (e->rflags & ~ARITHMETIC_FLAGS) | (flags & ARITHMETIC_FLAGS);
	e->rip += i->length;
	return EMULATOR_DONE;
}

enum emulator_result emulator_step(struct emulator *e, const uint8_t *bytes, unsigned int count)
{
	struct instruction instruction;
	enum emulator_result result = decode(e, bytes, count, &instruction);

	if (result != EMULATOR_DONE)
		return result;
	/* Another processor has changed the instruction since it exited, perhaps to one that would not have passed. */
	if (is_port(&instruction) != e->ports)
		return EMULATOR_AGAIN;
	if (instruction.form & FORM_STRING)
		result = execute_string(e, &instruction);
	else if (instruction.form & FORM_MOFFS)
		result = execute_moffs(e, &instruction);
	else if (instruction.form & FORM_STACK)
		result = execute_stack(e, &instruction);
	else
		result = execute_natively(e, &instruction);
	if (e->code_bits != 64)
		e->rip &= 0xffffffff;
	return result;
}
