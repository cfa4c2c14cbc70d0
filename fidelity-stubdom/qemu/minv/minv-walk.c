/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's own page tables, walked in software for the operands of emulated instructions
 * (AMD64 APM 2, chapter 5).  Sets accessed and dirty bits as the processor would, with one locked access:
 * what another vCPU changes in the same moment is not lost.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "minv-int.h"

#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define PHYSICAL_BITS 39

struct walk {
	CPUState *cpu;
	uint64_t linear;
	enum minv_access access;
	bool user, nx_enabled;
	bool writable, user_allowed, no_execute; /* over all levels */
};

static uint64_t entry_read(hwaddr address, unsigned int size)
{
	return size == 8 ? address_space_ldq_le(&address_space_memory, address,
						MEMTXATTRS_UNSPECIFIED, NULL)
			 : address_space_ldl_le(&address_space_memory, address,
						MEMTXATTRS_UNSPECIFIED, NULL);
}

static void entry_mark(hwaddr address, uint64_t entry, bool dirty)
{
	uint64_t wanted = entry | PG_ACCESSED_MASK | (dirty ? PG_DIRTY_MASK : 0);

	hwaddr length = 4;
	uint32_t *low;

	if (wanted == entry)
		return;
	low = address_space_map(&address_space_memory, address, &length, true,
				MEMTXATTRS_UNSPECIFIED);
	if (!low)
		return; /* no RAM: the walk found all-ones there */
	qatomic_cmpxchg(low, (uint32_t)entry, (uint32_t)wanted);
	address_space_unmap(&address_space_memory, low, length, true, length);
}

static unsigned int fault_code(const struct walk *walk, bool present)
{
	return (present ? PG_ERROR_P_MASK : 0) |
	       (walk->access == MINV_WRITE ? PG_ERROR_W_MASK : 0) |
	       (walk->user ? PG_ERROR_U_MASK : 0) |
	       (walk->access == MINV_FETCH && walk->nx_enabled ? PG_ERROR_I_D_MASK : 0);
}

static bool permitted(const struct walk *walk)
{
	const struct minv_state *state = walk->cpu->accel->state;

	if (walk->user && !walk->user_allowed)
		return false;
	if (walk->access == MINV_WRITE && !walk->writable &&
	    (walk->user || (state->cr0 & CR0_WP_MASK)))
		return false;
	if (walk->access == MINV_FETCH && walk->no_execute)
		return false;
	if (!walk->user && walk->user_allowed) {
		if (walk->access == MINV_FETCH)
			return !(state->cr4 & CR4_SMEP_MASK);
		return !(state->cr4 & CR4_SMAP_MASK) || (state->rflags & AC_MASK);
	}
	return true;
}

bool minv_translate(CPUState *cpu, uint64_t linear, enum minv_access access, hwaddr *physical,
		    unsigned int *error_code)
{
	const struct minv_state *state = cpu->accel->state;
	bool pae = state->cr4 & CR4_PAE_MASK, lm = state->efer & MSR_EFER_LMA;
	unsigned int entry_size = pae ? 8 : 4, index_bits = pae ? 9 : 10;
	int level, levels = lm ? 4 : pae ? 3 : 2;
	struct walk walk = {
		.cpu = cpu,
		.linear = linear,
		.access = access,
		.user = state->cpl == 3,
		.nx_enabled = state->efer & MSR_EFER_NXE,
		.writable = true,
		.user_allowed = true,
	};
	hwaddr table, address;
	uint64_t entry;

	if (!(state->cr0 & CR0_PG_MASK)) {
		*physical = linear & 0xffffffff;
		return true;
	}
	table = lm ? state->cr3 & ENTRY_ADDRESS : state->cr3 & (pae ? 0xffffffe0 : 0xfffff000);
	for (level = levels; level >= 1; level--) {
		unsigned int shift = 12 + (unsigned int)(level - 1) * index_bits;
		uint64_t index = linear >> shift & ((1u << index_bits) - 1);
		bool pdpte = level == 3 && !lm; /* of PAE: no rights, no accessed bit */
		bool leaf;

		if (pdpte)
			index &= 3;
		address = table + index * entry_size;
		entry = entry_read(address, entry_size);
		if (!(entry & PG_PRESENT_MASK)) {
			*error_code = fault_code(&walk, false);
			return false;
		}
		if (!pdpte) {
			walk.writable &= !!(entry & PG_RW_MASK);
			walk.user_allowed &= !!(entry & PG_USER_MASK);
			walk.no_execute |= pae && walk.nx_enabled && (entry & PG_NX_MASK);
		}
		leaf = level == 1 ||
		       (!pdpte && (entry & PG_PSE_MASK) &&
			(level == 2 ? pae || (state->cr4 & CR4_PSE_MASK) : level == 3));
		if (leaf) {
			uint64_t offset_mask = (1ull << shift) - 1;

			if (!permitted(&walk)) {
				*error_code = fault_code(&walk, true);
				return false;
			}
			entry_mark(address, entry, access == MINV_WRITE);
			*physical = (entry & ENTRY_ADDRESS & ~offset_mask) | (linear & offset_mask);
			if (!pae &&
			    level == 2) /* PSE-36: bits 39..32 of the address are in 20..13 */
				*physical |= (entry >> 13 & 0xff) << 32;
			*physical &= (1ull << PHYSICAL_BITS) - 1;
			return true;
		}
		if (!pdpte)
			entry_mark(address, entry, false);
		table = entry & ENTRY_ADDRESS;
	}
	g_assert_not_reached();
}

/* The page that was last read and the one that was last written, within one instruction: a REP takes many steps. */
static __thread struct {
	bool valid;
	uint64_t linear;
	hwaddr physical;
} recent[2];

void minv_linear_begin(void)
{
	recent[0].valid = recent[1].valid = false;
}

static bool translate(CPUState *cpu, uint64_t linear, enum minv_access access, hwaddr *physical)
{
	typeof(recent[0]) *last = &recent[access == MINV_WRITE];
	unsigned int error_code;

	if (access != MINV_FETCH && last->valid && last->linear == linear >> 12) {
		*physical = last->physical | (linear & 0xfff);
		return true;
	}
	if (!minv_translate(cpu, linear, access, physical, &error_code)) {
		minv_inject_page_fault(cpu, linear, error_code);
		return false;
	}
	if (access != MINV_FETCH) {
		last->valid = true;
		last->linear = linear >> 12;
		last->physical = *physical & ~0xfffull;
	}
	return true;
}

bool minv_linear_check(CPUState *cpu, uint64_t linear, size_t size, enum minv_access access)
{
	hwaddr physical;

	return translate(cpu, linear, access, &physical) &&
	       ((linear & 0xfff) + size <= 0x1000 ||
		translate(cpu, (linear | 0xfff) + 1, access, &physical));
}

bool minv_linear_rw(CPUState *cpu, uint64_t linear, void *buffer, size_t size,
		    enum minv_access access)
{
	uint8_t *bytes = buffer;
	hwaddr physical;
	size_t part;

	/* Both pages are translated before any byte moves: a fault on the second leaves no trace. */
	if ((linear & 0xfff) + size > 0x1000 && !minv_linear_check(cpu, linear, size, access))
		return false;
	for (; size; size -= part, bytes += part, linear += part) {
		if (!translate(cpu, linear, access, &physical))
			return false;
		part = MIN(size, 0x1000 - (linear & 0xfff));
		/* What nobody answers reads as all ones on a PC, by which systems know that there is no device; QEMU has 0. */
		if ((address_space_rw(&address_space_memory, physical, MEMTXATTRS_UNSPECIFIED,
				      bytes, part, access == MINV_WRITE) &
		     MEMTX_DECODE_ERROR) &&
		    access != MINV_WRITE)
			memset(bytes, 0xff, part);
	}
	return true;
}
