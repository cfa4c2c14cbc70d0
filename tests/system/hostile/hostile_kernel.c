// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel module of the system test dom0-hostile: does at ring 0 what no driver would, and survives where
 * the processor or the hypervisor answers with an exception.  Never load it anywhere else.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/asm.h>
#include <asm/desc.h>

#include "hostile_kernel.h"

/* An exception of the instruction at 1 goes on at 2 and leaves an error in "fault". */
/* clang-format off */
#define CAUGHT _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[fault])
/* clang-format on */

/* One instruction with every register as asked; h->fault when it raised an exception. */
#define INSTRUCTION(name, bytes)                                                                  \
	static void name(struct hostile *h)                                                       \
	{                                                                                         \
		register u64 r8 __asm__("r8") = h->r8, r10 __asm__("r10") = h->r10;               \
		int fault = 0;                                                                    \
                                                                                                  \
		__asm__ volatile("1: .byte " bytes "\n2:\n" CAUGHT                                \
				 : [fault] "+r"(fault), "+a"(h->rax), "+b"(h->rbx), "+c"(h->rcx), \
				   "+d"(h->rdx), "+S"(h->rsi), "+D"(h->rdi), "+r"(r8), "+r"(r10)  \
				 :                                                                \
				 : "memory", "cc");                                               \
		h->fault = fault;                                                                 \
	}

INSTRUCTION(do_vmmcall, "0x0f,0x01,0xd9")
INSTRUCTION(do_vmcall, "0x0f,0x01,0xc1")
INSTRUCTION(do_vmrun, "0x0f,0x01,0xd8")
INSTRUCTION(do_vmload, "0x0f,0x01,0xda")
INSTRUCTION(do_vmsave, "0x0f,0x01,0xdb")
INSTRUCTION(do_stgi, "0x0f,0x01,0xdc")
INSTRUCTION(do_clgi, "0x0f,0x01,0xdd")
INSTRUCTION(do_skinit, "0x0f,0x01,0xde")
INSTRUCTION(do_invlpga, "0x0f,0x01,0xdf")
INSTRUCTION(do_monitor, "0x0f,0x01,0xc8")
INSTRUCTION(do_mwait, "0x0f,0x01,0xc9")
INSTRUCTION(do_xsetbv, "0x0f,0x01,0xd1")
INSTRUCTION(do_rdpmc, "0x0f,0x33")
INSTRUCTION(do_rdpru, "0x0f,0x01,0xfd")
INSTRUCTION(do_invd, "0x0f,0x08")
INSTRUCTION(do_wbinvd, "0x0f,0x09")
INSTRUCTION(do_rsm, "0x0f,0xaa")
INSTRUCTION(do_rdmsr, "0x0f,0x32")
INSTRUCTION(do_wrmsr, "0x0f,0x30")

/* As its user has it, cached or not: Linux refuses the other. */
static void __iomem *mapped(u64 physical, u64 size)
{
	void __iomem *at = ioremap_cache(physical, size);

	return at ? at : ioremap(physical, size);
}

static void do_physical(struct hostile *h, bool write)
{
	u64 __iomem *at = mapped(h->rax, sizeof(u64));
	u64 value = h->rdx;
	int fault = 0;

	if (!at) {
		h->fault = -ENOMEM;
		return;
	}
	if (write)
		__asm__ volatile("1: movq %[value], (%[at])\n2:\n" CAUGHT
				 : [fault] "+r"(fault)
				 : [value] "r"(value), [at] "r"(at)
				 : "memory");
	else
		__asm__ volatile("1: movq (%[at]), %[value]\n2:\n" CAUGHT
				 : [fault] "+r"(fault), [value] "+r"(value)
				 : [at] "r"(at)
				 : "memory");
	h->fault = fault;
	h->rdx = value;
	iounmap(at);
}

static void do_read(struct hostile *h)
{
	do_physical(h, false);
}

static void do_write(struct hostile *h)
{
	do_physical(h, true);
}

static void do_cr3(struct hostile *h)
{
	local_irq_disable();
	__asm__ volatile("movq %0, %%cr3" : : "r"(h->rax) : "memory");
}

static void do_idt(struct hostile *h)
{
	struct desc_ptr p = { .size = 4095, .address = (unsigned long)mapped(h->rax, 4096) };

	local_irq_disable();
	__asm__ volatile("lidt %0; ud2" : : "m"(p));
}

static void do_stack(struct hostile *h)
{
	u64 stack = (u64)mapped(h->rax, 4096) + 4096;

	local_irq_disable();
	__asm__ volatile("movq %0, %%rsp; ud2" : : "r"(stack));
}

static void do_halt(struct hostile *h)
{
	local_irq_disable();
	__asm__ volatile("hlt");
}

static void (*const table[HOSTILE_WHATS])(struct hostile *) = {
	[HOSTILE_VMMCALL] = do_vmmcall, [HOSTILE_VMCALL] = do_vmcall,
	[HOSTILE_VMRUN] = do_vmrun,	[HOSTILE_VMLOAD] = do_vmload,
	[HOSTILE_VMSAVE] = do_vmsave,	[HOSTILE_STGI] = do_stgi,
	[HOSTILE_CLGI] = do_clgi,	[HOSTILE_SKINIT] = do_skinit,
	[HOSTILE_INVLPGA] = do_invlpga, [HOSTILE_MONITOR] = do_monitor,
	[HOSTILE_MWAIT] = do_mwait,	[HOSTILE_XSETBV] = do_xsetbv,
	[HOSTILE_RDPMC] = do_rdpmc,	[HOSTILE_RDPRU] = do_rdpru,
	[HOSTILE_INVD] = do_invd,	[HOSTILE_WBINVD] = do_wbinvd,
	[HOSTILE_RSM] = do_rsm,		[HOSTILE_RDMSR] = do_rdmsr,
	[HOSTILE_WRMSR] = do_wrmsr,	[HOSTILE_READ] = do_read,
	[HOSTILE_WRITE] = do_write,	[HOSTILE_CR3] = do_cr3,
	[HOSTILE_IDT] = do_idt,		[HOSTILE_STACK] = do_stack,
	[HOSTILE_HALT] = do_halt,
};

static long hostile_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct hostile h;

	if (command != HOSTILE_DO)
		return -ENOTTY;
	if (copy_from_user(&h, (void __user *)argument, sizeof(h)))
		return -EFAULT;
	if (h.what >= HOSTILE_WHATS)
		return -EINVAL;
	h.fault = 0;
	table[h.what](&h);
	return copy_to_user((void __user *)argument, &h, sizeof(h)) ? -EFAULT : 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hostile_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hostile",
	.fops = &operations,
};

module_misc_device(device);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("System test dom0-hostile");
