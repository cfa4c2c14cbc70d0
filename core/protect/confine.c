/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run path's part of protection: before each VMRUN, whatever the control
 * block held, it walks the domain's own tables and exits where protection
 * needs that.  Proved like the operations (proof/confine.py), with the block as
 * an array of words that nothing else lies in.
 */
#include "errno.h"
#include "state.h"
#include "confine.h"

int vmcb_confine(u64 dom, u64 vmcb)
{
	u64 root, *block = (u64 *)vmcb;

	if (dom >= PROTECT_DOMAINS || dom_root[dom] == 0)
		return -EPERM;
	if (*(u32 *)&block[VMCB_ASID / 8] == 0) /* the host's own */
		return -EPERM;
	root = TABLE_MFN + dom_root[dom];
	block[VMCB_INTERCEPT_1 / 8] |= VMCB_NEEDS_1;
	block[VMCB_INTERCEPT_2 / 8] |= VMCB_NEEDS_2;
	*(u8 *)(vmcb + VMCB_INTR) = VMCB_NEEDS_INTR;
	block[VMCB_NESTED / 8] = 1; /* nested paging on, encryption off */
	block[VMCB_ROOT / 8] = root << PAGE_SHIFT;
	block[VMCB_CLEAN / 8] = 0; /* hardware takes all of it from memory */
	return 0;
}
