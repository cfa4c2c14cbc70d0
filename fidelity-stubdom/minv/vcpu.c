// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One vCPU of the real guest: its shared pages and the run loop.
 *
 * The core leaves FPU and DR0 to DR3 alone, they belong to the pair: the guest's are loaded before the
 * first run and saved only on the way to user space or to another task.  XCR0 it switches itself: here it
 * is this kernel's, whatever the guest's.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/asm.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include "driver.h"

#define VCPU_PAGES 3
#define COMPONENTS 7 /* x87, SSE, AVX; what XCR0 has not, XSAVE and XRSTOR leave out */

struct vcpu {
	unsigned long id;
	struct mutex lock; /* one runner */
	void *pages[VCPU_PAGES];
};

static struct minv_state *vcpu_state(struct vcpu *vcpu)
{
	return vcpu->pages[0];
}

/* A bad image (MXCSR, the header's bits), which user space may have written, leaves the registers as they were. */
static void fpu_load(const void *image)
{
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		asm volatile("1: xrstor64 %0\n2:\n" _ASM_EXTABLE(1b, 2b)
			     :
			     : "m"(*(const char(*)[PAGE_SIZE])image), "a"(COMPONENTS), "d"(0));
	else
		asm volatile("1: fxrstor64 %0\n2:\n" _ASM_EXTABLE(1b, 2b)
			     :
			     : "m"(*(const char(*)[512])image));
}

static void fpu_save(void *image)
{
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		asm volatile("xsave64 %0"
			     : "+m"(*(char(*)[PAGE_SIZE])image)
			     : "a"(COMPONENTS), "d"(0));
	else
		asm volatile("fxsave64 %0" : "=m"(*(char(*)[512])image));
}

static void guest_registers_load(struct vcpu *vcpu)
{
	const struct minv_debug *debug = vcpu->pages[2];

	kernel_fpu_begin();
	fpu_load(vcpu->pages[1]);
	set_debugreg(debug->dr[0], 0);
	set_debugreg(debug->dr[1], 1);
	set_debugreg(debug->dr[2], 2);
	set_debugreg(debug->dr[3], 3);
}

static void guest_registers_save(struct vcpu *vcpu)
{
	struct minv_debug *debug = vcpu->pages[2];
	unsigned long value;

	get_debugreg(value, 0);
	debug->dr[0] = value;
	get_debugreg(value, 1);
	debug->dr[1] = value;
	get_debugreg(value, 2);
	debug->dr[2] = value;
	get_debugreg(value, 3);
	debug->dr[3] = value;
	fpu_save(vcpu->pages[1]);
	/* The registers are nobody's now: Linux loads all components of a task before its user space goes on. */
	kernel_fpu_end();
}

/* Runs until something else than an event of this domain ends it, or other work waits here. */
static int run_while_alone(struct vcpu *vcpu)
{
	struct minv_state *state = vcpu_state(vcpu);
	int ret = 0;

	guest_registers_load(vcpu);
	do {
		local_irq_disable();
		WRITE_ONCE(state->exit_reason, MINV_EXIT_EVENT);
		/* With interrupts off from this look on: what comes later is pending, and the run returns. */
		if (!signal_pending(current) && !need_resched())
			ret = (int)minv_hypercall(MINV_RUN, vcpu->id, 0, 0, 0);
		local_irq_enable();
	} while (!ret && READ_ONCE(state->exit_reason) == MINV_EXIT_EVENT &&
		 !READ_ONCE(state->immediate_exit) && !signal_pending(current) && !need_resched());
	guest_registers_save(vcpu);
	return ret;
}

static int vcpu_run(struct vcpu *vcpu)
{
	struct minv_state *state = vcpu_state(vcpu);
	int ret;

	if (mutex_lock_interruptible(&vcpu->lock))
		return -EINTR;
	for (;;) {
		ret = run_while_alone(vcpu);
		if (ret)
			break;
		if (READ_ONCE(state->exit_reason) == MINV_EXIT_PAUSED)
			schedule_timeout_interruptible(HZ /
						       50); /* nobody tells when it is unpaused */
		else if (READ_ONCE(state->exit_reason) != MINV_EXIT_EVENT ||
			 READ_ONCE(state->immediate_exit))
			break;
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	}
	mutex_unlock(&vcpu->lock);
	return ret;
}

static long vcpu_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return command == MINV_IOC_RUN ? vcpu_run(file->private_data) : -ENOTTY;
}

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vcpu *vcpu = file->private_data;
	unsigned long i;
	int ret = 0;

	if (vma->vm_pgoff + vma_pages(vma) > VCPU_PAGES)
		return -EINVAL;
	for (i = 0; i < vma_pages(vma) && !ret; i++)
		ret = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE,
				     virt_to_page(vcpu->pages[vma->vm_pgoff + i]));
	return ret;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.mmap = vcpu_mmap,
	.unlocked_ioctl = vcpu_ioctl,
	.llseek = noop_llseek,
};

/* The core keeps the state page for good, so a vCPU is never freed: its file may be closed, no more. */
int minv_vcpu_create(unsigned long id)
{
	struct vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL);
	int i, ret;

	if (!vcpu)
		return -ENOMEM;
	vcpu->id = id;
	mutex_init(&vcpu->lock);
	for (i = 0; i < VCPU_PAGES; i++) {
		vcpu->pages[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!vcpu->pages[i]) {
			ret = -ENOMEM;
			goto fail;
		}
	}
	ret = (int)minv_hypercall(MINV_VCPU_CREATE, id, __pa(vcpu->pages[0]) >> PAGE_SHIFT, 0, 0);
	if (ret)
		goto fail;
	return anon_inode_getfd("minv-vcpu", &vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
fail:
	for (i = 0; i < VCPU_PAGES; i++)
		free_page((unsigned long)vcpu->pages[i]);
	kfree(vcpu);
	return ret;
}
