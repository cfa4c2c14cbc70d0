// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Event channels, 2-level ABI: the ports of a domain and how a notification gets to a vCPU.
 *
 * A port's pending bit is in the domain's shared info; its word is marked in the selector of the
 * vCPU that it notifies, and that vCPU's upcall becomes pending.  A bit that is already set, or
 * masked, goes no further: the guest looks at it when it unmasks.
 */
#include "xen/call.h"

struct port *port_get(const struct domain *d, u64 port)
{
	struct port *page;

	if (!port || port >= d->max_ports)
		return NULL;
	page = d->port_pages[port / PORTS_PER_PAGE];
	return page ? &page[port % PORTS_PER_PAGE] : NULL;
}

int port_alloc(struct domain *d, u8 state, u32 vcpu, u32 *port, struct port **p)
{
	struct xen_domain *x = xen_of(d);

	if (!x || d->life != LIFE_ALIVE)
		return -EINVAL;
	for (u32 i = x->port_hint; i < d->max_ports; i++) {
		struct port **page = &d->port_pages[i / PORTS_PER_PAGE];

		if (!*page)
			*page = pages_alloc(1);
		if (!*page)
			return -ENOMEM;
		*p = &(*page)[i % PORTS_PER_PAGE];
		if ((*p)->state == PORT_FREE) {
			**p = (struct port){ .state = state, .vcpu = (u8)vcpu };
			x->port_hint = *port = i;
			return 0;
		}
	}
	return -ENOSPC;
}

void upcall(struct vcpu *v, u64 words)
{
	void *window;
	struct vcpu_info *info = vcpu_info_open(v, &window);
	u64 before;

	if (!info)
		return;
	before = __atomic_fetch_or(&info->evtchn_pending_sel, words, __ATOMIC_SEQ_CST);
	if (words & ~before)
		__atomic_store_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	window_close(window);
	v->upcall_due = true;
	v->poll_deadline_ns = 0;
	vcpu_wake(v);
}

/* A pending port ends a poll for it even while it is masked: that is what a poll is for. */
static void wake_pollers(struct domain *d, u32 port)
{
	for_each_vcpu (d, v)
		if (v->poll_deadline_ns && (v->poll_port == port || v->poll_port == ~0ull)) {
			v->poll_deadline_ns = 0;
			vcpu_wake(v);
		}
}

void port_set_pending(struct domain *d, u32 port, u32 vcpu)
{
	struct shared_info *shared = own_frame_open(d, d->shared_info_mfn);
	struct vcpu *v = vcpu_of(d, vcpu);
	u64 bit = 1ull << (port % 64);
	u32 word = port / 64;
	bool deliver;

	if (!shared)
		return;
	deliver = !(__atomic_fetch_or(&shared->evtchn_pending[word], bit, __ATOMIC_SEQ_CST) & bit);
	deliver = deliver && !(__atomic_load_n(&shared->evtchn_mask[word], __ATOMIC_SEQ_CST) & bit);
	window_close(shared);
	if (deliver && v)
		upcall(v, 1ull << word);
	wake_pollers(d, port);
}

void port_clear_pending(struct domain *d, u32 port)
{
	struct shared_info *shared = own_frame_open(d, d->shared_info_mfn);

	if (!shared)
		return;
	__atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(1ull << (port % 64)),
			   __ATOMIC_SEQ_CST);
	window_close(shared);
}

bool port_is_pending(struct domain *d, u32 port)
{
	struct shared_info *shared = own_frame_open(d, d->shared_info_mfn);
	bool pending;

	if (!shared)
		return false;
	pending = READ_ONCE(shared->evtchn_pending[port / 64]) >> (port % 64) & 1;
	window_close(shared);
	return pending;
}

/* A port that became pending while it was masked is notified now. */
void port_unmask(struct domain *d, u32 port, u32 vcpu)
{
	struct shared_info *shared = own_frame_open(d, d->shared_info_mfn);
	struct vcpu *v = vcpu_of(d, vcpu);
	u64 bit = 1ull << (port % 64), before, pending;

	if (!shared)
		return;
	before = __atomic_fetch_and(&shared->evtchn_mask[port / 64], ~bit, __ATOMIC_SEQ_CST);
	pending = __atomic_load_n(&shared->evtchn_pending[port / 64], __ATOMIC_SEQ_CST);
	window_close(shared);
	if ((before & bit) && (pending & bit) && v)
		upcall(v, 1ull << port / 64);
}

/* Any state -> free. The peer of an interdomain port waits for this domain again. */
void port_close(struct domain *d, u32 port)
{
	struct xen_domain *x = xen_of(d);
	struct port *p = port_get(d, port), *peer;
	struct domain *remote;

	if (!p || !x || p->state == PORT_FREE)
		return;
	switch (p->state) {
	case PORT_INTERDOMAIN:
		remote = domain_by_id(p->remote);
		peer = remote ? port_get(remote, p->remote_port) : NULL;
		if (peer && peer != p && peer->state == PORT_INTERDOMAIN && peer->remote == d->id &&
		    peer->remote_port == port) {
			peer->state = PORT_UNBOUND;
			peer->remote = d->id;
			peer->remote_port = 0;
		}
		break;
	case PORT_VIRQ:
		x->virq_port[p->bound][p->virq] = 0;
		break;
	default:
		break;
	}
	*p = (struct port){ .state = PORT_FREE };
	port_clear_pending(d, port);
	if (port < x->port_hint)
		x->port_hint = port;
}

static void virq_send(struct vcpu *v, u32 virq)
{
	struct xen_domain *x = xen_of(v->domain);
	u32 port = x ? x->virq_port[v->id][virq] : 0;
	const struct port *p = port_get(v->domain, port);

	/* a global VIRQ's port may notify another vCPU than the one whose table names it */
	if (p && p->state == PORT_VIRQ)
		port_set_pending(v->domain, port, p->vcpu);
}

void virq_global(u32 virq)
{
	struct domain *dom0 = domain_by_id(0);
	struct vcpu *v = dom0 ? vcpu_of(dom0, 0) : NULL;

	if (v)
		virq_send(v, virq);
}

void events_deliver_global(void)
{
	if (!domain_events_due)
		return;
	domain_events_due = false;
	virq_global(VIRQ_DOM_EXC);
}

void events_deliver(struct vcpu *v)
{
	u32 due = v->virqs_due;

	v->poll_deadline_ns = 0; /* it runs: whatever it polled for, it looks again */
	events_deliver_global();
	if (due & 1u << VIRQ_TIMER) {
		v->virqs_due = due & ~(1u << VIRQ_TIMER);
		virq_send(v, VIRQ_TIMER);
	}
}

void events_console_input(void)
{
	virq_global(VIRQ_CONSOLE);
}

bool events_pending(struct vcpu *v)
{
	void *window;
	struct vcpu_info *info;
	bool pending;

	if (v->domain->passive)
		return false;
	info = vcpu_info_open(v, &window);
	if (!info)
		return false;
	pending = READ_ONCE(info->evtchn_upcall_pending);
	window_close(window);
	v->upcall_due = pending;
	return pending;
}

u8 events_vector(struct vcpu *v)
{
	u64 callback = v->domain->hvm_params[HVM_PARAM_CALLBACK_IRQ];

	if (callback >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR || (callback & 0xff) < 16)
		return 0;
	return (u8)callback;
}
