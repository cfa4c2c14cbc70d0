/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /dev/minv offers to user space, shared by the module and QEMU.
 *
 * mmap of the device at offset 0: the guest's pool, page i of the pool at offset i * 4096 (shared
 * mappings only; 2 MiB entries where address and offset agree modulo 2 MiB).
 * MINV_IOC_VCPU_CREATE returns a file of its own for the vCPU, whose three pages are:
 *   0  struct minv_state, as the core sees it (minv.h)
 *   1  the guest's FPU state, valid while no run is in progress: in XSAVE64's standard format where this
 *      kernel uses XSAVE (CPUID leaf 1 has OSXSAVE), with x87, SSE and, where XCR0 has it, AVX; else FXSAVE64's
 *   2  struct minv_debug, valid likewise
 */
#ifndef MINV_IOCTL_H
#define MINV_IOCTL_H

#include <linux/ioctl.h>
#include "minv.h"

struct minv_memory {
	uint64_t gfn;	/* guest frame */
	uint64_t page;	/* first page of the pool */
	uint64_t count; /* pages, any number */
	uint64_t flags; /* MINV_MEMORY_* */
};

struct minv_dirty {
	uint64_t gfn;
	uint64_t count; /* at most 512 */
	uint64_t bitmap[8];
};

struct minv_debug {
	uint64_t dr[4]; /* the guest's DR0 to DR3; DR6 and DR7 are in the state page */
};

#define MINV_VCPU_STATE_OFFSET 0
#define MINV_VCPU_FPU_OFFSET   4096
#define MINV_VCPU_DEBUG_OFFSET 8192

#define MINV_IOC_INFO	      _IOR('m', 0, struct minv_info)
#define MINV_IOC_MEMORY_MAP   _IOW('m', 1, struct minv_memory)
#define MINV_IOC_MEMORY_UNMAP _IOW('m', 2, struct minv_memory)
#define MINV_IOC_DIRTY	      _IOWR('m', 3, struct minv_dirty)
#define MINV_IOC_VCPU_CREATE \
	_IO('m', 4)		      /* argument: the vCPU's number; returns a file descriptor */
#define MINV_IOC_SHUTDOWN _IO('m', 5) /* argument: Xen's reason, 0 poweroff, 1 reboot, 3 crash */
#define MINV_IOC_RUN	  _IO('m', 6) /* on a vCPU's file; 0: see exit_reason; EINTR: a signal */

#endif
