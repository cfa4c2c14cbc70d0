// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUs of a pair.  A guest runs on its fidelity domain's time, so that is what is pinned, weighed and
 * capped: vCPU n of the guest by vCPU n of its partner, modulo how many that has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxl_utils.h>

#include "context.h"

static int find_pair(struct diptych *c, uint32_t guest, struct diptych_pair *pair)
{
	int error = diptych_lookup_id(c, guest, pair);

	if (!error && (pair->fidelity == DIPTYCH_NO_DOMAIN || pair->state == DIPTYCH_DYING)) {
		error = fail(c, ESRCH, "guest %s is being taken apart", pair->name);
		diptych_pair_dispose(pair);
	}
	return error;
}

static unsigned int runs_on(const struct diptych_pair *pair, unsigned int vcpu)
{
	return pair->fidelity_vcpus ? vcpu % pair->fidelity_vcpus : vcpu;
}

static int look_at_vcpu(struct diptych *c, const struct diptych_pair *pair, unsigned int number,
			struct diptych_vcpu *vcpu)
{
	xc_vcpuinfo_t guest, fidelity;
	xc_cpumap_t map;
	size_t size;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->number = number;
	if (xc_vcpu_getinfo(c->xc, pair->guest, number, &guest))
		return fail(c, errno, "the hypervisor does not tell of vCPU %u: %s", number,
			    strerror(errno));
	vcpu->guest_ns = guest.cpu_time;
	number = runs_on(pair, number);
	if (xc_vcpu_getinfo(c->xc, pair->fidelity, number, &fidelity))
		return 0; /* it is gone */
	vcpu->online = fidelity.online;
	vcpu->running = fidelity.running || guest.running;
	vcpu->blocked = fidelity.blocked;
	vcpu->cpu = fidelity.cpu;
	vcpu->fidelity_ns = fidelity.cpu_time;
	map = xc_cpumap_alloc(c->xc);
	if (!map)
		return fail(c, ENOMEM, "out of memory");
	size = (size_t)xc_get_cpumap_size(c->xc);
	if (!xc_vcpu_getaffinity(c->xc, pair->fidelity, (int)number, map, NULL,
				 XEN_VCPUAFFINITY_HARD))
		memcpy(vcpu->affinity, map,
		       size < sizeof(vcpu->affinity) ? size : sizeof(vcpu->affinity));
	free(map);
	return 0;
}

int diptych_vcpus(struct diptych *context, uint32_t guest, struct diptych_vcpu **vcpus,
		  size_t *count)
{
	struct diptych_pair pair;
	unsigned int i;
	int error = find_pair(context, guest, &pair);

	*vcpus = NULL;
	*count = 0;
	if (error)
		return error;
	*vcpus = calloc(pair.vcpus + 1, sizeof(**vcpus));
	if (!*vcpus)
		error = fail(context, ENOMEM, "out of memory");
	for (i = 0; *vcpus && !error && i < pair.vcpus; i++)
		error = look_at_vcpu(context, &pair, i, &(*vcpus)[i]);
	if (!error) {
		*count = pair.vcpus;
	} else {
		free(*vcpus);
		*vcpus = NULL;
	}
	diptych_pair_dispose(&pair);
	return error;
}

int diptych_vcpu_pin(struct diptych *context, uint32_t guest, unsigned int vcpu,
		     const uint8_t *cpus, size_t size)
{
	struct diptych_pair pair;
	libxl_bitmap map;
	size_t i;
	int error = find_pair(context, guest, &pair);

	if (error)
		return error;
	libxl_bitmap_init(&map);
	clear_xen_error(context);
	if (libxl_cpu_bitmap_alloc(context->libxl, &map, 0)) {
		error = fail(context, ENOMEM, "out of memory");
	} else {
		libxl_bitmap_set_none(&map);
		for (i = 0; i < size * 8 && i < map.size * 8u; i++)
			if (cpus[i / 8] & 1u << i % 8)
				libxl_bitmap_set(&map, (int)i);
		if (vcpu >= pair.vcpus)
			error = fail(context, EINVAL, "guest %s has no vCPU %u", pair.name, vcpu);
		else if (libxl_set_vcpuaffinity(context->libxl, pair.fidelity, runs_on(&pair, vcpu),
						&map, NULL))
			error = fail(context, EINVAL, "vCPU %u of guest %s cannot be pinned%s",
				     vcpu, pair.name, xen_error(context));
	}
	libxl_bitmap_dispose(&map);
	diptych_pair_dispose(&pair);
	return error;
}

static int params_get(struct diptych *c, const struct diptych_pair *pair,
		      libxl_domain_sched_params *params)
{
	clear_xen_error(c);
	if (libxl_domain_sched_params_get(c->libxl, pair->fidelity, params))
		return fail(c, EIO, "the hypervisor does not tell how guest %s is scheduled%s",
			    pair->name, xen_error(c));
	return 0;
}

int diptych_sched_get(struct diptych *context, uint32_t guest, unsigned int *weight,
		      unsigned int *cap)
{
	libxl_domain_sched_params params;
	struct diptych_pair pair;
	int error = find_pair(context, guest, &pair);

	if (error)
		return error;
	libxl_domain_sched_params_init(&params);
	error = params_get(context, &pair, &params);
	if (!error) {
		*weight = (unsigned int)params.weight;
		*cap = (unsigned int)params.cap;
	}
	libxl_domain_sched_params_dispose(&params);
	diptych_pair_dispose(&pair);
	return error;
}

int diptych_sched_set(struct diptych *context, uint32_t guest, unsigned int weight, int cap)
{
	libxl_domain_sched_params params;
	struct diptych_pair pair;
	int error = find_pair(context, guest, &pair);

	if (error)
		return error;
	libxl_domain_sched_params_init(&params);
	error = params_get(context, &pair, &params);
	if (weight)
		params.weight = (int)weight;
	if (cap >= 0)
		params.cap = cap;
	if (!error && (weight > UINT16_MAX ||
		       libxl_domain_sched_params_set(context->libxl, pair.fidelity, &params)))
		error = fail(context, EINVAL, "guest %s cannot have weight %d and cap %d%s",
			     pair.name, params.weight, params.cap, xen_error(context));
	libxl_domain_sched_params_dispose(&params);
	diptych_pair_dispose(&pair);
	return error;
}
