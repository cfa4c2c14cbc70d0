/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory a domain has, and how it is changed: by its balloon while it runs. */
#include "xen.h"

VIR_LOG_INIT("diptych.memory");

#define LIVE_OR_CONFIG (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static int set_config(virDomainObj *vm, virDomainDef *def, unsigned long long kib, bool most)
{
	g_autoptr(virDomainDef) changed = virDomainDefCopy(def, driver->xmlopt, NULL, false);

	if (!changed)
		return -1;
	if (most) {
		virDomainDefSetMemoryTotal(changed, kib);
		/* What may not differ for a real guest follows. */
		if (changed->mem.cur_balloon > kib ||
		    changed->mem.cur_balloon == virDomainDefGetMemoryTotal(def))
			changed->mem.cur_balloon = kib;
	} else {
		changed->mem.cur_balloon = kib;
	}
	return definition_replace(vm, &changed);
}

static int set_live(virDomainObj *vm, virDomainDef *def, unsigned long long kib)
{
	int ret;

	if (kib > virDomainDefGetMemoryTotal(def)) {
		virReportError(VIR_ERR_INVALID_ARG,
			       _("memory: %llu KiB are more than the domain's maximum, %llu"), kib,
			       virDomainDefGetMemoryTotal(def));
		return -1;
	}
	virObjectUnlock(vm);
	ret = is_pvh(def) ? pvh_set_memory((uint32_t)def->id, kib)
			  : pair_set_memory((uint32_t)def->id, kib);
	virObjectLock(vm);
	if (ret == 0) {
		def->mem.cur_balloon = kib;
		save_status(vm);
	}
	return ret;
}

int domain_set_memory_flags(virDomainPtr dom, unsigned long kib, unsigned int flags)
{
	bool most = flags & VIR_DOMAIN_MEM_MAXIMUM;
	virDomainDef *live, *config;
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, LIVE_OR_CONFIG | VIR_DOMAIN_MEM_MAXIMUM) < 0)
		return -1;
	vm = in_job(domain_for_flags(dom, virDomainSetMemoryFlagsEnsureACL, flags));
	if (!vm)
		return -1;
	if (virDomainObjGetDefs(vm, flags & LIVE_OR_CONFIG, &live, &config) < 0)
		goto out;
	if (live && most) {
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("memory: the maximum of a running domain stays; use --config"));
		goto out;
	}
	if ((live && set_live(vm, live, kib) < 0) ||
	    (config && set_config(vm, config, kib, most) < 0))
		goto out;
	ret = 0;
out:
	domain_job_done(&vm);
	return ret;
}

int domain_set_memory(virDomainPtr dom, unsigned long kib)
{
	return domain_set_memory_flags(dom, kib, VIR_DOMAIN_AFFECT_LIVE);
}

/* Of a running domain too, what is meant is the definition: libvirt's older call has no flags. */
int domain_set_max_memory(virDomainPtr dom, unsigned long kib)
{
	return domain_set_memory_flags(dom, kib, VIR_DOMAIN_MEM_MAXIMUM);
}

int domain_memory_stats(virDomainPtr dom, virDomainMemoryStatPtr stats, unsigned int most,
			unsigned int flags)
{
	struct diptych_pair pair;
	unsigned int count = 0;
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = domain_for(dom, virDomainMemoryStatsEnsureACL);
	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) < 0)
		goto out;
	if (count < most)
		stats[count++] = (virDomainMemoryStatStruct){ VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON,
							      vm->def->mem.cur_balloon };
	/* Of the machine: both panels. */
	if (count < most && look_domain(vm->def, false, &pair) > 0) {
		stats[count++] =
			(virDomainMemoryStatStruct){ VIR_DOMAIN_MEMORY_STAT_RSS,
						     pair.pool_kib + pair.fidelity_memory_kib };
		diptych_pair_dispose(&pair);
	}
	ret = (int)count;
out:
	virDomainObjEndAPI(&vm);
	return ret;
}
