// SPDX-License-Identifier: GPL-2.0-or-later
/* event_channel_op: binding, closing, sending. FIFO channels are not offered (Linux goes on with 2-level). */
#include "xen/call.h"

static u16 named_id(const struct call *c, domid_t id)
{
	return id == DOMID_SELF ? c->d->id : id;
}

/* The domain whose ports a call is about: the caller's, or any for dom0. */
static int ports_of(struct call *c, domid_t id, struct domain **d)
{
	*d = domain_named(c, id);
	if (!*d)
		return -ESRCH;
	return *d == c->d || c->d->hardware ? 0 : -EPERM;
}

static int alloc_unbound(struct call *c, struct evtchn_alloc_unbound *op)
{
	struct domain *d;
	struct port *p;
	int error = ports_of(c, op->dom, &d);

	if (!error)
		error = port_alloc(d, PORT_UNBOUND, 0, &op->port, &p);
	if (!error)
		p->remote = named_id(c, op->remote_dom);
	return error;
}

static int bind_interdomain(struct call *c, struct evtchn_bind_interdomain *op)
{
	struct domain *remote = domain_named(c, op->remote_dom);
	struct port *far, *near;
	int error;

	if (!remote)
		return -ESRCH;
	far = port_get(remote, op->remote_port);
	if (!far || far->state != PORT_UNBOUND || far->remote != c->d->id)
		return -EINVAL;
	error = port_alloc(c->d, PORT_INTERDOMAIN, 0, &op->local_port, &near);
	if (error)
		return error;
	near->remote = remote->id;
	near->remote_port = op->remote_port;
	far->state = PORT_INTERDOMAIN;
	far->remote = c->d->id;
	far->remote_port = op->local_port;
	/* what the far end sent while it was unbound was lost: look once */
	port_set_pending(c->d, op->local_port, near->vcpu);
	return 0;
}

static bool virq_is_per_vcpu(u32 virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

static int bind_virq(struct call *c, struct evtchn_bind_virq *op)
{
	struct xen_domain *x = xen_of(c->d);
	struct port *p;
	int error;

	if (op->virq >= VIRQS || (!virq_is_per_vcpu(op->virq) && op->vcpu))
		return -EINVAL;
	if (!vcpu_of(c->d, op->vcpu))
		return -ENOENT;
	if (x->virq_port[op->vcpu][op->virq])
		return -EEXIST;
	error = port_alloc(c->d, PORT_VIRQ, op->vcpu, &op->port, &p);
	if (error)
		return error;
	p->bound = (u8)op->vcpu;
	p->virq = (u8)op->virq;
	x->virq_port[op->vcpu][op->virq] = (u16)op->port;
	return 0;
}

static int bind_ipi(struct call *c, struct evtchn_bind_ipi *op)
{
	struct port *p;

	if (!vcpu_of(c->d, op->vcpu))
		return -ENOENT;
	return port_alloc(c->d, PORT_IPI, op->vcpu, &op->port, &p);
}

static int bind_vcpu(struct call *c, const struct evtchn_bind_vcpu *op)
{
	struct port *p = port_get(c->d, op->port);

	if (!p)
		return -EINVAL;
	if (!vcpu_of(c->d, op->vcpu))
		return -ENOENT;
	if (p->state != PORT_UNBOUND && p->state != PORT_INTERDOMAIN &&
	    (p->state != PORT_VIRQ || virq_is_per_vcpu(p->virq)))
		return -EINVAL;
	p->vcpu = (u8)op->vcpu;
	return 0;
}

static int send(struct call *c, u32 port)
{
	const struct port *p = port_get(c->d, port), *peer;
	struct domain *remote;

	if (!p)
		return -EINVAL;
	switch (p->state) {
	case PORT_INTERDOMAIN:
		remote = domain_by_id(p->remote);
		peer = remote ? port_get(remote, p->remote_port) : NULL;
		if (peer)
			port_set_pending(remote, p->remote_port, peer->vcpu);
		return 0;
	case PORT_IPI:
		port_set_pending(c->d, port, p->vcpu);
		return 0;
	case PORT_UNBOUND:
		return 0; /* the peer is gone or not there yet */
	default:
		return -EINVAL;
	}
}

static int status(struct call *c, struct evtchn_status *op)
{
	struct domain *d;
	const struct port *p;
	int error = ports_of(c, op->dom, &d);

	if (error)
		return error;
	if (!op->port || op->port >= d->max_ports)
		return -EINVAL;
	p = port_get(d, op->port);
	op->vcpu = p ? p->vcpu : 0;
	switch (p ? p->state : PORT_FREE) {
	case PORT_UNBOUND:
		op->status = EVTCHNSTAT_unbound;
		op->u.unbound.dom = p->remote;
		break;
	case PORT_INTERDOMAIN:
		op->status = EVTCHNSTAT_interdomain;
		op->u.interdomain.dom = p->remote;
		op->u.interdomain.port = p->remote_port;
		break;
	case PORT_VIRQ:
		op->status = EVTCHNSTAT_virq;
		op->u.virq = p->virq;
		break;
	case PORT_IPI:
		op->status = EVTCHNSTAT_ipi;
		break;
	default:
		op->status = EVTCHNSTAT_closed;
		break;
	}
	return 0;
}

static int reset(struct call *c, const struct evtchn_reset *op)
{
	struct domain *d;
	int error = ports_of(c, op->dom, &d);

	if (error)
		return error;
	for (u32 i = 1; i < d->max_ports; i++)
		if (port_get(d, i))
			port_close(d, i);
	return 0;
}

static int unmask(struct call *c, u32 port)
{
	const struct port *p = port_get(c->d, port);

	if (!p)
		return -EINVAL;
	port_unmask(c->d, port, p->vcpu);
	return 0;
}

static int close_port(struct call *c, u32 port)
{
	const struct port *p = port_get(c->d, port);

	if (!p || p->state == PORT_FREE)
		return -EINVAL;
	port_close(c->d, port);
	return 0;
}

/* (command, structure).  What is allocated before a result cannot be written back is the caller's to lose. */
s64 do_event_channel_op(struct call *c)
{
	u64 gva = c->arg[1];
	union {
		struct evtchn_alloc_unbound alloc_unbound;
		struct evtchn_bind_interdomain bind_interdomain;
		struct evtchn_bind_virq bind_virq;
		struct evtchn_bind_ipi bind_ipi;
		struct evtchn_bind_vcpu bind_vcpu;
		struct evtchn_send send;
		struct evtchn_close close;
		struct evtchn_status status;
		struct evtchn_unmask unmask;
		struct evtchn_reset reset;
	} op;
	u64 size;
	int result;

#define CASE(number, member)                               \
	case number:                                       \
		size = sizeof(op.member);                  \
		if (copy_from_guest(c->v, &op, gva, size)) \
		return -EFAULT

	switch (c->arg[0]) {
		CASE(EVTCHNOP_send, send);
		return send(c, op.send.port);
		CASE(EVTCHNOP_unmask, unmask);
		return unmask(c, op.unmask.port);
		CASE(EVTCHNOP_close, close);
		return close_port(c, op.close.port);
		CASE(EVTCHNOP_bind_vcpu, bind_vcpu);
		return bind_vcpu(c, &op.bind_vcpu);
		CASE(EVTCHNOP_reset, reset);
		return reset(c, &op.reset);
		CASE(EVTCHNOP_alloc_unbound, alloc_unbound);
		result = alloc_unbound(c, &op.alloc_unbound);
		break;
		CASE(EVTCHNOP_bind_interdomain, bind_interdomain);
		result = bind_interdomain(c, &op.bind_interdomain);
		break;
		CASE(EVTCHNOP_bind_virq, bind_virq);
		result = bind_virq(c, &op.bind_virq);
		break;
		CASE(EVTCHNOP_bind_ipi, bind_ipi);
		result = bind_ipi(c, &op.bind_ipi);
		break;
		CASE(EVTCHNOP_status, status);
		result = status(c, &op.status);
		break;
	default:
		return -ENOSYS;
	}
#undef CASE
	if (!result && copy_to_guest(c->v, gva, &op, size))
		result = -EFAULT;
	return result;
}
