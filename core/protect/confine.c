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

static inline volatile u64 *vmcb_word(u64 vmcb, u64 offset)
{
	return (volatile u64 *)(vmcb + offset);
}

int vmcb_confine(u64 dom, u64 vmcb)
{
	u64 root;

	if (dom >= PROTECT_DOMAINS || dom_root[dom] == 0)
		return -EPERM;
	if ((u32)*vmcb_word(vmcb, VMCB_ASID) == 0) /* the host's own */
		return -EPERM;
	root = TABLE_MFN + dom_root[dom];
	*vmcb_word(vmcb, VMCB_INTERCEPT_1) |= VMCB_NEEDS_1;
	*vmcb_word(vmcb, VMCB_INTERCEPT_2) |= VMCB_NEEDS_2;
	*vmcb_word(vmcb, VMCB_NESTED) = 1; /* nested paging on, encryption off */
	*vmcb_word(vmcb, VMCB_ROOT) = root << PAGE_SHIFT;
	*vmcb_word(vmcb, VMCB_CLEAN) = 0; /* hardware takes all of it from memory */
	return 0;
}
