/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the /dev/minv driver share: the hypercall and the pool's size. */
#ifndef MINV_DRIVER_H
#define MINV_DRIVER_H

#include <asm/processor.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include "minv-ioctl.h"

extern struct minv_info minv_info; /* of this domain's guest, read when the device is opened */

int minv_pool_mmap(struct file *file, struct vm_area_struct *vma);
int minv_vcpu_create(unsigned long id);

/* Xen's register convention. No register but RAX is changed by the core. */
static inline long minv_hypercall(unsigned long command, unsigned long a, unsigned long b,
				  unsigned long c, unsigned long d)
{
	register unsigned long r10 asm("r10") = c;
	register unsigned long r8 asm("r8") = d;
	unsigned long result = MINV_HYPERCALL;

	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
		asm volatile("vmcall"
			     : "+a"(result)
			     : "D"(command), "S"(a), "d"(b), "r"(r10), "r"(r8)
			     : "memory");
	else
		asm volatile("vmmcall"
			     : "+a"(result)
			     : "D"(command), "S"(a), "d"(b), "r"(r10), "r"(r8)
			     : "memory");
	return (long)result;
}

#endif
