/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's kernel: an ELF image with the note of the PVH boot protocol (contract 1.1). */
#include "boot/elf.h"

#include "boot/multiboot.h"
#include "lib.h"

#define PT_LOAD		  1
#define PT_NOTE		  4
#define NOTE_PHYS32_ENTRY 18
#define EM_X86_64	  62

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct note {
	u32 name_size, desc_size, type;
};

static bool find_entry(const u8 *at, u64 size, u64 *entry)
{
	while (size >= sizeof(struct note)) {
		const struct note *n = (const void *)at;
		u64 name = (n->name_size + 3ull) & ~3ull, desc = (n->desc_size + 3ull) & ~3ull;
		const u8 *text = at + sizeof(*n);

		if (sizeof(*n) + name + desc > size)
			return false;
		if (n->type == NOTE_PHYS32_ENTRY && n->name_size == 4 && !memcmp(text, "Xen", 4) &&
		    n->desc_size >= 4) {
			*entry = *(const u32 *)(text + name);
			return true;
		}
		at += sizeof(*n) + name + desc;
		size -= sizeof(*n) + name + desc;
	}
	return false;
}

const char *elf_load(u64 image, u64 size, u64 limit, u64 *entry, u64 *end)
{
	const struct elf_header *h = (const void *)image;
	const struct program_header *p;
	bool found = false;

	if (size < sizeof(*h) || memcmp(h->ident, "\177ELF", 4))
		return "it is no ELF image (give the unpacked vmlinux that diptych-extract-vmlinux "
		       "makes, not vmlinuz)";
	if (h->ident[4] != 2 || h->ident[5] != 1 || h->machine != EM_X86_64)
		return "it is no ELF image for 64-bit x86";
	if (h->phentsize != sizeof(*p) || h->phoff > size ||
	    h->phnum * sizeof(*p) > size - h->phoff)
		return "its program headers lie outside the file (is it truncated?)";
	p = (const void *)(image + h->phoff);
	*end = 0;
	for (u32 i = 0; i < h->phnum; i++) {
		if (p[i].offset > size || p[i].filesz > size - p[i].offset ||
		    p[i].filesz > p[i].memsz)
			return "a segment lies outside the file (is it truncated?)";
		if (p[i].type == PT_NOTE &&
		    find_entry((const u8 *)image + p[i].offset, p[i].filesz, entry))
			found = true;
		if (p[i].type == PT_LOAD && (p[i].paddr < 0x100000 || p[i].paddr > limit ||
					     p[i].memsz > limit - p[i].paddr))
			return "a segment does not fit into dom0's memory below the core";
		if (p[i].type == PT_LOAD)
			*end = max_u64(*end, p[i].paddr + p[i].memsz);
		if (p[i].type == PT_LOAD && !boot_is_ram(p[i].paddr, p[i].paddr + p[i].memsz))
			return "a segment belongs where this machine has no RAM";
	}
	if (!*end)
		return "it has nothing to load";
	if (!found)
		return "it has no Xen note PHYS32_ENTRY: not a kernel with CONFIG_PVH";
	for (u32 i = 0; i < h->phnum; i++) {
		if (p[i].type != PT_LOAD)
			continue;
		memcpy((void *)p[i].paddr, (const void *)(image + p[i].offset), p[i].filesz);
		memset((void *)(p[i].paddr + p[i].filesz), 0, p[i].memsz - p[i].filesz);
	}
	return NULL;
}
