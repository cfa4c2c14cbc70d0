// SPDX-License-Identifier: GPL-2.0-or-later
/* sysctl: dom0 about the machine. */
#include "xen/call.h"

#include "vcpu/counts.h"

#define PIECE 128u

/* The ring from an index on (0: its oldest byte); what was overwritten since is skipped. */
static int read_console(struct call *c, struct xen_sysctl_readconsole *op)
{
	u64 at = handle_address(op->buffer);
	u32 index = op->incremental ? op->index : 0, done = 0;
	char piece[PIECE];

	while (done < op->count) {
		u32 n = (u32)console_ring_read(&index, piece, min_u64(op->count - done, PIECE));

		if (!n)
			break;
		if (copy_to_guest(c->v, at + done, piece, n))
			return -EFAULT;
		done += n;
	}
	if (op->clear && done) /* what did not fit stays for the next call */
		console_ring_clear(index);
	op->index = index;
	op->count = done;
	return 0;
}

static int domain_list(struct call *c, struct xen_sysctl_getdomaininfolist *op)
{
	struct xen_domctl_getdomaininfo info;
	u64 at = handle_address(op->buffer);
	struct domain *d;

	op->num_domains = 0;
	for (d = domain_from(op->first_domain); d && op->num_domains < op->max_domains;
	     d = domain_from(d->id + 1ull)) {
		domain_info(d, &info);
		if (store(c, at + op->num_domains * sizeof(info), &info))
			return -EFAULT;
		op->num_domains++;
	}
	return 0;
}

static void dump_domains(void)
{
	for_each_domain (d) {
		printk("d%u: life %u paused %u shut down %u/%u pages %lu/%lu partner %u target "
		       "%u\n",
		       d->id, d->life, d->pause_count, d->shut_down, d->shutdown_code, d->tot_pages,
		       d->max_pages, d->partner, d->target);
		for_each_vcpu (d, v)
			printk("d%uv%u: start %u blocked %u ran %lu ns rip %lx timer "
			       "%lu poll %lx "
			       "upcall %u\n",
			       d->id, v->id, v->start, v->blocked, vcpu_time(v),
			       /* a sealed domain's is nobody's business */
			       d->hardware || !domains_seal ? v->vmcb->rip : 0, v->timer_ns,
			       v->poll_deadline_ns, events_pending(v));
	}
}

static void dump_ports(void)
{
	static const char *const names[] = { "free", "unbound", "interdomain", "virq", "ipi" };

	for_each_domain (d)
		for (u32 i = 1; i < d->max_ports; i++) {
			const struct port *p = port_get(d, i);

			if (p && p->state != PORT_FREE)
				printk("d%u port %u: %s vcpu %u remote d%u port %u virq %u%s\n",
				       d->id, i, names[p->state], p->vcpu, p->remote,
				       p->remote_port, p->virq,
				       port_is_pending(d, i) ? " pending" : "");
		}
}

static void say_invariant(void)
{
	u64 clause = protect_invariant();

	printk("the protection layer's invariant %s (clause %lu)\n", clause ? "is BROKEN" : "holds",
	       clause);
}

static int debug_keys(struct call *c, const struct xen_sysctl_debug_keys *op)
{
	for (u32 i = 0; i < op->nr_keys && i < 64; i++) {
		char key;

		if (fetch(c, &key, handle_address(op->keys) + i))
			return -EFAULT;
		if (key == 'q')
			dump_domains();
		else if (key == 'e')
			dump_ports();
		else if (key == 'x')
			exit_counts_print();
		else if (key == 'i')
			say_invariant();
		else
			printk("debug keys: q domains, e event channels, x exits, i invariant\n");
	}
	return 0;
}

/* (structure) */
s64 do_sysctl(struct call *c)
{
	struct xen_sysctl op;
	int result = 0;

	if (fetch(c, &op, c->arg[0]))
		return -EFAULT;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	if (!c->d->hardware)
		return -EPERM;
	switch (op.cmd) {
	case XEN_SYSCTL_readconsole:
		result = read_console(c, &op.u.readconsole);
		break;
	case XEN_SYSCTL_physinfo:
		sysctl_physinfo(&op.u.physinfo);
		break;
	case XEN_SYSCTL_sched_id:
		op.u.sched_id.sched_id = XEN_SCHEDULER_CREDIT;
		break;
	case XEN_SYSCTL_getdomaininfolist:
		result = domain_list(c, &op.u.getdomaininfolist);
		break;
	case XEN_SYSCTL_debug_keys:
		result = debug_keys(c, &op.u.debug_keys);
		break;
	case XEN_SYSCTL_cputopoinfo:
		result = sysctl_cputopo(c, &op.u.cputopoinfo);
		break;
	case XEN_SYSCTL_numainfo:
		result = sysctl_numa(c, &op.u.numainfo);
		break;
	case XEN_SYSCTL_pcitopoinfo:
		result = sysctl_pcitopo(c, &op.u.pcitopoinfo);
		break;
	case XEN_SYSCTL_cpupool_op:
		result = sysctl_cpupool(c, &op.u.cpupool_op);
		break;
	case XEN_SYSCTL_scheduler_op:
		result = sysctl_scheduler(&op.u.scheduler_op);
		break;
	case XEN_SYSCTL_get_cpu_levelling_caps:
		op.u.cpu_levelling_caps.caps = 0;
		break;
	case XEN_SYSCTL_get_cpu_featureset:
		result = policy_featureset(c, &op.u.cpu_featureset);
		break;
	case XEN_SYSCTL_get_cpu_policy:
		result = policy_system(c, &op.u.cpu_policy);
		break;
	default:
		return -ENOSYS;
	}
	/* a feature set that is cut short says how long it is */
	if ((!result || result == -ENOBUFS) && store(c, c->arg[0], &op))
		return -EFAULT;
	return result;
}
