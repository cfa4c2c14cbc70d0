// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's pool of memory, as a mapping of /dev/minv: frames that the guest owns, without struct
 * pages here, mapped in chunks of 2 MiB when first touched.  Nothing is ever unmapped: the pool belongs
 * to the guest for as long as this domain lives.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>
#include <linux/slab.h>
#include "driver.h"

#define CHUNK_PAGES (PMD_SIZE / PAGE_SIZE)

static DEFINE_MUTEX(pool_lock);
static unsigned long *pool_mapped; /* one bit for each chunk that the core has mapped here */

static int chunk_map(u64 chunk)
{
	u64 first = chunk * CHUNK_PAGES,
	    count = min_t(u64, CHUNK_PAGES, minv_info.pool_pages - first);
	int ret = 0;

	mutex_lock(&pool_lock);
	if (!test_bit((long)chunk, pool_mapped)) {
		ret = (int)minv_hypercall(MINV_POOL_MAP, first, count, 0, 0);
		if (ret)
			pr_err("minv: pool pages %llu+%llu: error %d\n", first, count, ret);
		else
			set_bit((long)chunk, pool_mapped);
	}
	mutex_unlock(&pool_lock);
	return ret;
}

static vm_fault_t pool_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & PMD_MASK;
	u64 chunk = vmf->pgoff / CHUNK_PAGES;

	if (vmf->pgoff >= minv_info.pool_pages || chunk_map(chunk))
		return VM_FAULT_SIGBUS;
	/* Where another thread was first, its large page is there by now: that is no table to put a page in. */
	if (start >= vma->vm_start && start + PMD_SIZE <= vma->vm_end &&
	    linear_page_index(vma, start) == chunk * CHUNK_PAGES &&
	    (pmd_none(*vmf->pmd) || pmd_trans_huge(*vmf->pmd)) &&
	    (chunk + 1) * CHUNK_PAGES <= minv_info.pool_pages)
		return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(MINV_POOL_GFN + chunk * CHUNK_PAGES),
					  true);
	return vmf_insert_pfn(vma, vmf->address, MINV_POOL_GFN + vmf->pgoff);
}

static const struct vm_operations_struct pool_operations = {
	.fault = pool_fault,
};

int minv_pool_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff + vma_pages(vma) > minv_info.pool_pages)
		return -EINVAL;
	mutex_lock(&pool_lock);
	if (!pool_mapped)
		pool_mapped = bitmap_zalloc(
			(unsigned int)DIV_ROUND_UP(minv_info.pool_pages, CHUNK_PAGES), GFP_KERNEL);
	mutex_unlock(&pool_lock);
	if (!pool_mapped)
		return -ENOMEM;
	vma->vm_flags |= VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY;
	vma->vm_ops = &pool_operations;
	return 0;
}
