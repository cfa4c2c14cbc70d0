// SPDX-License-Identifier: GPL-2.0-or-later
/* A vCPU's registers as `xl dump-core` and xenctx ask for them, of a domain that is not sealed. */
#include "xen/call.h"

#define CONTEXT_PAGES ((sizeof(struct vcpu_guest_context) + PAGE_SIZE - 1) / PAGE_SIZE)

static void user_regs(const struct vcpu *v, struct cpu_user_regs *r)
{
	const struct vmcb *b = v->vmcb;
	const u64 *g = v->regs.r;

	r->rax = b->rax, r->rbx = g[RBX], r->rcx = g[RCX], r->rdx = g[RDX];
	r->rsi = g[RSI], r->rdi = g[RDI], r->rbp = g[RBP], r->rsp = b->rsp;
	r->r8 = g[R8], r->r9 = g[R9], r->r10 = g[R10], r->r11 = g[R11];
	r->r12 = g[R12], r->r13 = g[R13], r->r14 = g[R14], r->r15 = g[R15];
	r->rip = b->rip, r->rflags = b->rflags;
	r->cs = b->cs.selector, r->ss = b->ss.selector, r->ds = b->ds.selector;
	r->es = b->es.selector, r->fs = b->fs.selector, r->gs = b->gs.selector;
}

/* d is paused meanwhile: another CPU may be in the vCPU. */
int vcpu_context_get(struct call *c, struct domain *d, const struct xen_domctl_vcpucontext *op)
{
	const struct vcpu *v = vcpu_of(d, op->vcpu);
	struct vcpu_guest_context *to;
	int error;

	if (!v || d->passive)
		return -EINVAL;
	if (v->start != START_UP)
		return -ENODATA;
	to = pages_alloc(CONTEXT_PAGES);
	if (!to)
		return -ENOMEM;
	domain_pause(d);
	user_regs(v, &to->user_regs);
	to->flags = VGCF_online;
	/* else it is still in the registers of the CPU that ran it last */
	if (cpus[v->cpu]->loaded != v) {
		to->flags |= VGCF_i387_valid;
		memcpy(&to->fpu_ctxt, v->fpu, sizeof(to->fpu_ctxt));
		memcpy(to->debugreg, v->dr, sizeof(v->dr));
	}
	to->debugreg[6] = v->vmcb->dr6, to->debugreg[7] = v->vmcb->dr7;
	to->ctrlreg[0] = v->vmcb->cr0, to->ctrlreg[2] = v->vmcb->cr2;
	to->ctrlreg[3] = v->vmcb->cr3, to->ctrlreg[4] = v->vmcb->cr4;
	to->fs_base = v->vmcb->fs.base;
	to->gs_base_kernel = v->vmcb->cpl ? v->vmcb->kernel_gs_base : v->vmcb->gs.base;
	to->gs_base_user = v->vmcb->cpl ? v->vmcb->gs.base : v->vmcb->kernel_gs_base;
	domain_unpause(d);
	error = copy_to_guest(c->v, handle_address(op->ctxt), to, sizeof(*to));
	pages_free(to, CONTEXT_PAGES);
	return error;
}
