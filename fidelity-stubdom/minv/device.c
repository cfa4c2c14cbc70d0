// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/minv: the device file, and the guest's memory map.  Calls go to the core as they are; the core
 * checks them, this driver only splits and copies.
 */
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/uaccess.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/sched.h>
#include <xen/xen.h>
#include "driver.h"

#define CALL_PAGES 512ull /* the most that the core takes in one call */

struct minv_info minv_info;

static int minv_open(struct inode *inode, struct file *file)
{
	int ret = (int)minv_hypercall(MINV_INFO, (unsigned long)&minv_info, 0, 0, 0);

	if (ret)
		return ret;
	return minv_info.abi_version == MINV_ABI_VERSION ? 0 : -EPROTO;
}

static int memory_map(const struct minv_memory *memory, bool map)
{
	u64 done, count;
	long ret;

	if (memory->count > MINV_GUEST_GFN_MAX)
		return -EINVAL;
	for (done = 0; done < memory->count; done += count) {
		/* Up to the next 2 MiB, so that the core sees whole large pages where there are any. */
		count = min(CALL_PAGES - ((memory->gfn + done) & (CALL_PAGES - 1)),
			    memory->count - done);
		ret = map ? minv_hypercall(MINV_MEMORY_MAP, memory->gfn + done, memory->page + done,
					   count, memory->flags)
			  : minv_hypercall(MINV_MEMORY_UNMAP, memory->gfn + done, count, 0, 0);
		if (ret)
			return (int)ret;
	}
	return 0;
}

static int memory_dirty(struct minv_dirty *dirty)
{
	if (dirty->count > CALL_PAGES)
		return -EINVAL;
	return (int)minv_hypercall(MINV_DIRTY, dirty->gfn, dirty->count,
				   (unsigned long)dirty->bitmap, 0);
}

static int guest_shutdown(unsigned long reason)
{
	struct sched_remote_shutdown shutdown = {
		.domain_id = (domid_t)minv_info.guest_domid,
		.reason = (unsigned int)reason,
	};

	if (reason != SHUTDOWN_poweroff && reason != SHUTDOWN_reboot && reason != SHUTDOWN_crash)
		return -EINVAL;
	return HYPERVISOR_sched_op(SCHEDOP_remote_shutdown, &shutdown);
}

static long minv_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct minv_memory memory;
	struct minv_dirty dirty;
	int ret;

	switch (command) {
	case MINV_IOC_INFO:
		return copy_to_user(user, &minv_info, sizeof(minv_info)) ? -EFAULT : 0;
	case MINV_IOC_MEMORY_MAP:
	case MINV_IOC_MEMORY_UNMAP:
		if (copy_from_user(&memory, user, sizeof(memory)))
			return -EFAULT;
		return memory_map(&memory, command == MINV_IOC_MEMORY_MAP);
	case MINV_IOC_DIRTY:
		if (copy_from_user(&dirty, user, sizeof(dirty)))
			return -EFAULT;
		ret = memory_dirty(&dirty);
		if (!ret && copy_to_user(user, &dirty, sizeof(dirty)))
			ret = -EFAULT;
		return ret;
	case MINV_IOC_VCPU_CREATE:
		return minv_vcpu_create(argument);
	case MINV_IOC_SHUTDOWN:
		return guest_shutdown(argument);
	}
	return -ENOTTY;
}

static const struct file_operations minv_fops = {
	.owner = THIS_MODULE,
	.open = minv_open,
	.mmap = minv_pool_mmap,
	.unlocked_ioctl = minv_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice minv_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "minv",
	.fops = &minv_fops,
};

static int __init minv_init(void)
{
	return xen_hvm_domain() ? misc_register(&minv_device) : 0;
}
device_initcall(minv_init);
