/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory by the caller's own page tables (AMD64 Architecture Manual 2,
 * 5.3).  User pages are fine: privcmd passes buffers of its callers.
 */
#include "domain/domain.h"
#include "errno.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"

#define PTE_P	  1ull
#define PTE_W	  2ull
#define PTE_LARGE 0x80ull
#define PTE_ADDR  0xffffffffff000ull

int guest_translate(struct vcpu *v, u64 gva, bool write, u64 *gpa)
{
	const struct vmcb *b = v->vmcb;
	u64 table = b->cr3 & PTE_ADDR, entry = 0, mfn, *w = NULL;
	bool found = false;
	u32 shift;

	if (!(b->cr0 & CR0_PG)) {
		*gpa = gva;
		return 0;
	}
	if (!(b->efer & EFER_LMA) || (b->cr4 & CR4_LA57) || (u64)((s64)(gva << 16) >> 16) != gva)
		return -EFAULT;
	/* One window, moved from table to table. */
	for (shift = 39;; shift -= 9) {
		if (physmap_reach(v->domain, table >> PAGE_SHIFT, false, &mfn))
			break;
		w = w ? window_move(w, mfn) : window_open(mfn);
		entry = READ_ONCE(w[gva >> shift & 511]);
		if (!(entry & PTE_P) || (write && !(entry & PTE_W) && (b->cr0 & CR0_WP)))
			break;
		found = shift == 12 || (shift <= 30 && (entry & PTE_LARGE));
		if (found)
			break;
		table = entry & PTE_ADDR;
	}
	if (w)
		window_close(w);
	if (!found)
		return -EFAULT;
	*gpa = (entry & PTE_ADDR & ~((1ull << shift) - 1)) | (gva & ((1ull << shift) - 1));
	return 0;
}

static int copy(struct vcpu *v, u8 *core, u64 gva, u64 n, bool write)
{
	while (n) {
		u64 gpa, mfn, part = min_u64(n, PAGE_SIZE - (gva & (PAGE_SIZE - 1)));
		u8 *w;

		if (guest_translate(v, gva, write, &gpa) ||
		    physmap_reach(v->domain, gpa >> PAGE_SHIFT, write, &mfn))
			return -EFAULT;
		w = window_open(mfn);
		if (write)
			memcpy(w + (gpa & (PAGE_SIZE - 1)), core, part);
		else
			memcpy(core, w + (gpa & (PAGE_SIZE - 1)), part);
		window_close(w);
		core += part;
		gva += part;
		n -= part;
	}
	return 0;
}

int copy_from_guest(struct vcpu *v, void *to, u64 gva, u64 n)
{
	return copy(v, to, gva, n, false);
}

int copy_to_guest(struct vcpu *v, u64 gva, const void *from, u64 n)
{
	return copy(v, (u8 *)(u64)from, gva, n, true);
}

void *guest_frame_open(struct domain *d, u64 gfn)
{
	u64 mfn;

	return physmap_own_frame(d, gfn, &mfn) ? NULL : window_open(mfn);
}
