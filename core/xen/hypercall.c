// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entry of every Xen hypercall: who may call, which file answers, how a long call goes on, and
 * multicall, by which libxenctrl wraps every memory_op.
 *
 * 64-bit convention: number in RAX, arguments RDI RSI RDX R10 R8, result in RAX.
 */
#include "xen/call.h"

#define VMMCALL_LENGTH 3u
#define CS_LONG	       (1u << 9)

/* Multicall entries that one pass runs; each may be a whole chunk of a memory_op, so that time ends it as well. */
#define MULTICALL_CHUNK 16
#define MULTICALL_NS	200000

static s64 do_multicall(struct call *c);

static s64 dispatch(u64 nr, struct call *c)
{
	switch (nr) {
	case __HYPERVISOR_platform_op:
		return do_platform_op(c);
	case __HYPERVISOR_memory_op:
		return do_memory_op(c);
	case __HYPERVISOR_multicall:
		return do_multicall(c);
	case __HYPERVISOR_set_timer_op:
		return do_set_timer_op(c);
	case __HYPERVISOR_xen_version:
		return do_xen_version(c);
	case __HYPERVISOR_console_io:
		return do_console_io(c);
	case __HYPERVISOR_grant_table_op:
		return do_grant_table_op(c);
	case __HYPERVISOR_vm_assist:
		return do_vm_assist(c);
	case __HYPERVISOR_vcpu_op:
		return do_vcpu_op(c);
	case __HYPERVISOR_sched_op:
		return do_sched_op(c);
	case __HYPERVISOR_event_channel_op:
		return do_event_channel_op(c);
	case __HYPERVISOR_physdev_op:
		return do_physdev_op(c);
	case __HYPERVISOR_hvm_op:
		return do_hvm_op(c);
	case __HYPERVISOR_sysctl:
		return do_sysctl(c);
	case __HYPERVISOR_domctl:
		return do_domctl(c);
	default:
		return -ENOSYS;
	}
}

/*
 * (list, count).  An entry that must go on keeps its progress in its own args, in the caller's
 * memory, and the registers name it as the first still to do.
 */
/* Not inlined: dispatch() would make room for an entry at each call. */
__attribute__((noinline)) static s64 do_multicall(struct call *c)
{
	u64 list = c->arg[0], count = c->arg[1] & 0xffffffff, done = 0,
	    end = now_ns() + MULTICALL_NS;
	s64 result = 0;

	while (done < count) {
		u64 at = list + done * sizeof(struct multicall_entry);
		struct multicall_entry entry;
		struct call inner = { .v = c->v, .d = c->d };

		if (done == MULTICALL_CHUNK || (done && now_ns() > end)) {
			result = CALL_AGAIN;
			break;
		}
		if (fetch(c, &entry, at))
			return -EFAULT;
		memcpy(inner.arg, entry.args, sizeof(inner.arg));
		/* nested lists would recurse on the one stack */
		result = entry.op == __HYPERVISOR_multicall ? -EINVAL : dispatch(entry.op, &inner);
		if (result == CALL_AGAIN) {
			if (copy_to_guest(c->v, at + offsetof(struct multicall_entry, args),
					  inner.arg, sizeof(inner.arg)))
				return -EFAULT;
			break;
		}
		entry.result = (u64)result;
		if (copy_to_guest(c->v, at + offsetof(struct multicall_entry, result),
				  &entry.result, sizeof(entry.result)))
			return -EFAULT;
		done++;
	}
	if (result != CALL_AGAIN)
		return 0;
	c->arg[0] = list + done * sizeof(struct multicall_entry);
	c->arg[1] = count - done;
	return CALL_AGAIN;
}

static bool is_64_bit(const struct vmcb *b)
{
	return (b->efer & EFER_LMA) && (b->cs.attributes & CS_LONG);
}

bool hypercall_own(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;

	if (b->cpl)
		b->rax = (u64)-EPERM;
	else if (b->rax == __HYPERVISOR_xen_version && v->regs.r[RDI] == XENVER_version &&
		 is_64_bit(b))
		b->rax = XEN_VERSION;
	else
		return false;
	vcpu_skip(v, VMMCALL_LENGTH);
	return true;
}

void hypercall(struct vcpu *v)
{
	static const u8 registers[5] = { RDI, RSI, RDX, R10, R8 };
	struct vmcb *b = v->vmcb;
	struct call c;
	s64 result;

	if (b->cpl) {
		result = -EPERM;
	} else if (!is_64_bit(b)) {
		result = -ENOSYS; /* the compatibility ABI is not offered */
	} else {
		c.v = v;
		c.d = v->domain;
		c.arg[0] = v->regs.r[RDI];
		c.arg[1] = v->regs.r[RSI];
		c.arg[2] = v->regs.r[RDX];
		c.arg[3] = v->regs.r[R10];
		c.arg[4] = v->regs.r[R8];
		result = dispatch(b->rax, &c);
		if (result == CALL_AGAIN) {
			for (u32 i = 0; i < 5; i++)
				v->regs.r[registers[i]] = c.arg[i];
			return;
		}
	}
	b->rax = (u64)result;
	vcpu_skip(v, VMMCALL_LENGTH);
}
