// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HVM context: the records by which libxenguest gives a new PVH domain its first registers.
 *
 * The stream is HEADER, then CPU and MTRR records, then END.  A set call puts all vCPUs down; one with
 * a CPU record brings that vCPU up again with the registers in it.
 */
#include "xen/call.h"

#define CONTEXT_PAGES 16u
#define CR0_RESERVED  0xffffffff00000000ull
#define EFER_ALLOWED  (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define MTRR_CAP      (NUM_VARIABLE | 1u << 8 | 1u << 10) /* fixed ranges, write combining */
#define NUM_VARIABLE  8u

struct record {
	struct hvm_save_descriptor d;
	u8 body[];
};

static void segment_get(const struct vmcb_segment *s, u32 *sel, u32 *limit, u64 *base,
			u32 *attributes)
{
	*sel = s->selector;
	*limit = s->limit;
	*base = s->base;
	*attributes = s->attributes;
}

static struct vmcb_segment segment_of(u32 sel, u32 limit, u64 base, u32 attributes)
{
	return (struct vmcb_segment){
		.selector = (u16)sel, .attributes = attributes & 0xfff, .limit = limit, .base = base
	};
}

static void cpu_save(const struct vcpu *v, struct hvm_hw_cpu *r)
{
	const struct vmcb *b = v->vmcb;
	const u64 *g = v->regs.r;

	memset(r, 0, sizeof(*r));
	memcpy(r->fpu_regs, v->fpu, sizeof(r->fpu_regs));
	r->rax = b->rax, r->rsp = b->rsp, r->rip = b->rip, r->rflags = b->rflags;
	r->rbx = g[RBX], r->rcx = g[RCX], r->rdx = g[RDX], r->rbp = g[RBP];
	r->rsi = g[RSI], r->rdi = g[RDI], r->r8 = g[R8], r->r9 = g[R9], r->r10 = g[R10];
	r->r11 = g[R11], r->r12 = g[R12], r->r13 = g[R13], r->r14 = g[R14], r->r15 = g[R15];
	r->cr0 = b->cr0, r->cr2 = b->cr2, r->cr3 = b->cr3, r->cr4 = b->cr4;
	r->dr0 = v->dr[0], r->dr1 = v->dr[1], r->dr2 = v->dr[2], r->dr3 = v->dr[3];
	r->dr6 = b->dr6, r->dr7 = b->dr7;
#define SEG(x) segment_get(&b->x, &r->x##_sel, &r->x##_limit, &r->x##_base, &r->x##_arbytes)
	SEG(cs), SEG(ds), SEG(es), SEG(fs), SEG(gs), SEG(ss), SEG(tr), SEG(ldtr);
#undef SEG
	r->idtr_limit = b->idtr.limit, r->idtr_base = b->idtr.base;
	r->gdtr_limit = b->gdtr.limit, r->gdtr_base = b->gdtr.base;
	r->sysenter_cs = b->sysenter_cs, r->sysenter_esp = b->sysenter_esp;
	r->sysenter_eip = b->sysenter_eip;
	r->shadow_gs = b->kernel_gs_base;
	r->msr_lstar = b->lstar, r->msr_star = b->star, r->msr_cstar = b->cstar;
	r->msr_syscall_mask = b->sfmask;
	r->msr_efer = b->efer & ~EFER_SVME;
	r->msr_tsc_aux = v->tsc_aux;
	r->flags = XEN_X86_FPU_INITIALISED;
}

static int cpu_check(const struct hvm_hw_cpu *r)
{
	if (r->cr0 & CR0_RESERVED || r->msr_efer & ~EFER_ALLOWED || r->cr4 & CR4_LA57)
		return -EINVAL;
	return r->pending_valid ? -EOPNOTSUPP : 0;
}

/* Down -> up, runnable once nobody pauses the domain, with the record's registers; the FPU stays as
 * reset left it (an image with reserved bits would fault in the core). */
static void cpu_load(struct vcpu *v, const struct hvm_hw_cpu *r)
{
	struct vmcb *b = v->vmcb;
	u64 *g = v->regs.r;

	vcpu_reset_pvh(v, r->rip, r->rbx);
	b->rax = r->rax, b->rsp = r->rsp, b->rip = r->rip, b->rflags = r->rflags | 2;
	g[RBX] = r->rbx, g[RCX] = r->rcx, g[RDX] = r->rdx, g[RBP] = r->rbp;
	g[RSI] = r->rsi, g[RDI] = r->rdi, g[R8] = r->r8, g[R9] = r->r9, g[R10] = r->r10;
	g[R11] = r->r11, g[R12] = r->r12, g[R13] = r->r13, g[R14] = r->r14, g[R15] = r->r15;
	b->cr0 = r->cr0 | CR0_ET, b->cr2 = r->cr2, b->cr3 = r->cr3, b->cr4 = r->cr4;
	b->dr6 = r->dr6 & 0xffffffff, b->dr7 = r->dr7 & 0xffffffff;
#define SEG(x) b->x = segment_of(r->x##_sel, r->x##_limit, r->x##_base, r->x##_arbytes)
	SEG(cs), SEG(ds), SEG(es), SEG(fs), SEG(gs), SEG(ss), SEG(tr), SEG(ldtr);
#undef SEG
	b->idtr = segment_of(0, r->idtr_limit, r->idtr_base, 0);
	b->gdtr = segment_of(0, r->gdtr_limit, r->gdtr_base, 0);
	b->cpl = (u8)(b->ss.attributes >> 5 & 3);
	b->sysenter_cs = r->sysenter_cs, b->sysenter_esp = r->sysenter_esp;
	b->sysenter_eip = r->sysenter_eip;
	b->kernel_gs_base = r->shadow_gs;
	b->lstar = r->msr_lstar, b->star = r->msr_star, b->cstar = r->msr_cstar;
	b->sfmask = r->msr_syscall_mask;
	b->efer = r->msr_efer | EFER_SVME;
	v->tsc_aux = r->msr_tsc_aux & 0xffffffff;
	v->dr[0] = r->dr0, v->dr[1] = r->dr1, v->dr[2] = r->dr2, v->dr[3] = r->dr3;
	sched_changed(v);
}

static void mtrr_save(const struct vcpu *v, struct hvm_hw_mtrr *r)
{
	_Static_assert(sizeof(r->msr_mtrr_var) == sizeof(v->mtrr_var), "vcpu.h");
	_Static_assert(sizeof(r->msr_mtrr_fixed) == sizeof(v->mtrr_fixed), "vcpu.h");
	memset(r, 0, sizeof(*r));
	r->msr_pat_cr = v->vmcb->g_pat;
	memcpy(r->msr_mtrr_var, v->mtrr_var, sizeof(r->msr_mtrr_var));
	memcpy(r->msr_mtrr_fixed, v->mtrr_fixed, sizeof(r->msr_mtrr_fixed));
	r->msr_mtrr_cap = MTRR_CAP;
	r->msr_mtrr_def_type = v->mtrr_def_type;
}

/* The ranges are storage only: nested paging maps everything write-back.  PAT stays as reset left it
 * unless every entry names a type that exists. */
static void mtrr_load(struct vcpu *v, const struct hvm_hw_mtrr *r)
{
	u64 pat = r->msr_pat_cr;

	memcpy(v->mtrr_var, r->msr_mtrr_var, sizeof(v->mtrr_var));
	memcpy(v->mtrr_fixed, r->msr_mtrr_fixed, sizeof(v->mtrr_fixed));
	v->mtrr_def_type = r->msr_mtrr_def_type & 0xcff;
	for (u32 i = 0; i < 8; i++) {
		u8 type = (u8)(pat >> i * 8);

		if (type > 7 || type == 2 || type == 3)
			return;
	}
	v->vmcb->g_pat = pat;
}

static int put(struct call *c, u64 *gva, u16 type, u16 instance, const void *body, u32 length)
{
	struct hvm_save_descriptor d = { .typecode = type, .instance = instance, .length = length };

	if (store(c, *gva, &d) || (length && copy_to_guest(c->v, *gva + sizeof(d), body, length)))
		return -EFAULT;
	*gva += sizeof(d) + length;
	return 0;
}

static u32 context_size(const struct domain *d)
{
	u32 n = 0, i;

	for (i = 0; i < DOMAIN_VCPUS; i++)
		n += d->vcpus[i] != NULL;
	return (u32)(2 * sizeof(struct hvm_save_descriptor) + sizeof(struct hvm_save_header) +
		     n * (2 * sizeof(struct hvm_save_descriptor) + sizeof(struct hvm_hw_cpu) +
			  sizeof(struct hvm_hw_mtrr)));
}

int hvm_context_get(struct call *c, struct domain *d, struct xen_domctl_hvmcontext *op)
{
	struct hvm_save_header header = { .magic = HVM_FILE_MAGIC,
					  .version = HVM_FILE_VERSION,
					  .changeset = 0,
					  .gtsc_khz = (u32)core_clock.khz };
	struct hvm_hw_cpu cpu;
	struct hvm_hw_mtrr mtrr;
	u64 at = handle_address(op->buffer);
	u32 size = context_size(d), out[4];
	int error;

	if (!at) {
		op->size = size;
		return 0;
	}
	if (op->size < size)
		return -ENOSPC;
	policy_lookup(d, 1, 0, out);
	header.cpuid = out[0];
	error = put(c, &at, HVM_SAVE_CODE(HEADER), 0, &header, sizeof(header));
	for_each_vcpu (d, v)
		if (!error) {
			cpu_save(v, &cpu);
			error = put(c, &at, HVM_SAVE_CODE(CPU), (u16)v->id, &cpu, sizeof(cpu));
		}
	for_each_vcpu (d, v)
		if (!error) {
			mtrr_save(v, &mtrr);
			error = put(c, &at, HVM_SAVE_CODE(MTRR), (u16)v->id, &mtrr, sizeof(mtrr));
		}
	if (!error)
		error = put(c, &at, HVM_SAVE_CODE(END), 0, NULL, 0);
	op->size = size;
	return error;
}

/* One walk over the stream; without commit it only checks.  What it does not know it refuses: a record
 * that is dropped in silence is a domain that starts wrong. */
static int walk(struct domain *d, const u8 *stream, u32 size, bool commit)
{
	u32 at = 0;
	bool first = true;

	for (;;) {
		const struct record *r = (const struct record *)(stream + at);
		struct vcpu *v;
		struct hvm_save_header header;

		if (size - at < sizeof(r->d) || size - at - sizeof(r->d) < r->d.length)
			return -EINVAL;
		if (first != (r->d.typecode == HVM_SAVE_CODE(HEADER)))
			return -EINVAL;
		first = false;
		v = vcpu_of(d, r->d.instance);
		switch (r->d.typecode) {
		case HVM_SAVE_CODE(HEADER):
			if (r->d.length != sizeof(header))
				return -EINVAL;
			memcpy(&header, r->body, sizeof(header));
			if (header.magic != HVM_FILE_MAGIC || header.version != HVM_FILE_VERSION)
				return -EINVAL;
			break;
		case HVM_SAVE_CODE(END):
			return 0;
		case HVM_SAVE_CODE(CPU):
			if (!v || r->d.length != sizeof(struct hvm_hw_cpu) ||
			    cpu_check((const void *)r->body))
				return -EINVAL;
			if (commit)
				cpu_load(v, (const void *)r->body);
			break;
		case HVM_SAVE_CODE(MTRR):
			if (!v || r->d.length != sizeof(struct hvm_hw_mtrr))
				return -EINVAL;
			if (commit)
				mtrr_load(v, (const void *)r->body);
			break;
		default:
			return -EOPNOTSUPP;
		}
		at += (u32)sizeof(r->d) + r->d.length;
	}
}

int hvm_context_set(struct call *c, struct domain *d, struct xen_domctl_hvmcontext *op)
{
	u8 *stream;
	int error;

	if (op->size > CONTEXT_PAGES * PAGE_SIZE)
		return -E2BIG;
	stream = pages_alloc(CONTEXT_PAGES);
	if (!stream)
		return -ENOMEM;
	error = -EFAULT;
	if (!copy_from_guest(c->v, stream, handle_address(op->buffer), op->size))
		error = walk(d, stream, op->size, false);
	if (!error) {
		for_each_vcpu (d, v) {
			v->start = START_DOWN;
			sched_changed(v);
		}
		error = walk(d, stream, op->size, true);
	}
	pages_free(stream, CONTEXT_PAGES);
	return error;
}
