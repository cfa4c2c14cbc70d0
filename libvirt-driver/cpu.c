/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vCPUs: where they run, on whose time, and for how long.  A real guest's vCPU runs on its
 * partner's, so that pins, weights and times are those of the fidelity domain.
 */
#include "xen.h"

#include <libxl_utils.h>

#include <util/virstring.h>
#include <util/virtypedparam.h>

VIR_LOG_INIT("diptych.cpu");

#define LIVE_OR_CONFIG (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* How many, and asked for ---------------------------------------------------------------------- */

static int set_config_vcpus(virDomainObj *vm, virDomainDef *def, unsigned int count, bool most)
{
	g_autoptr(virDomainDef) changed = virDomainDefCopy(def, driver->xmlopt, NULL, false);

	if (!changed)
		return -1;
	if (most) {
		if (virDomainDefGetVcpus(changed) > count &&
		    virDomainDefSetVcpus(changed, count) < 0)
			return -1;
		if (virDomainDefSetVcpusMax(changed, count, driver->xmlopt) < 0)
			return -1;
	} else if (virDomainDefSetVcpus(changed, count) < 0) {
		return -1;
	}
	return definition_replace(vm, &changed);
}

static int set_live_vcpus(virDomainObj *vm, virDomainDef *def, unsigned int count)
{
	if (!is_pvh(def)) {
		virReportError(VIR_ERR_OPERATION_UNSUPPORTED, "%s",
			       _("vcpu: a running real guest keeps its vCPUs; use --config"));
		return -1;
	}
	if (!count || count > virDomainDefGetVcpusMax(def)) {
		virReportError(VIR_ERR_INVALID_ARG,
			       _("vcpu: %u is not between 1 and the maximum, %u"), count,
			       virDomainDefGetVcpusMax(def));
		return -1;
	}
	if (pvh_set_vcpus((uint32_t)def->id, virDomainDefGetVcpusMax(def), count) < 0 ||
	    virDomainDefSetVcpus(def, count) < 0)
		return -1;
	save_status(vm);
	return 0;
}

int domain_set_vcpus_flags(virDomainPtr dom, unsigned int count, unsigned int flags)
{
	bool most = flags & VIR_DOMAIN_VCPU_MAXIMUM;
	virDomainDef *live, *config;
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, LIVE_OR_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM) < 0)
		return -1;
	vm = in_job(domain_for_flags(dom, virDomainSetVcpusFlagsEnsureACL, flags));
	if (!vm)
		return -1;
	if (virDomainObjGetDefs(vm, flags & LIVE_OR_CONFIG, &live, &config) < 0)
		goto out;
	if (live && most) {
		virReportError(VIR_ERR_INVALID_ARG, "%s",
			       _("vcpu: the maximum of a running domain stays; use --config"));
		goto out;
	}
	if ((live && set_live_vcpus(vm, live, count) < 0) ||
	    (config && set_config_vcpus(vm, config, count, most) < 0))
		goto out;
	ret = 0;
out:
	domain_job_done(&vm);
	return ret;
}

int domain_set_vcpus(virDomainPtr dom, unsigned int count)
{
	return domain_set_vcpus_flags(dom, count, VIR_DOMAIN_AFFECT_LIVE);
}

/* Where and how long --------------------------------------------------------------------------- */

/* libxl's records of a running domain's vCPUs; libxl_vcpuinfo_list_free. */
static libxl_vcpuinfo *list(const virDomainObj *vm, int *count, int *cpus)
{
	libxl_vcpuinfo *found;
	libxl_ctx *context;
	uint32_t domid;

	if (xen_scheduled(vm, &domid, NULL) < 0)
		return NULL;
	context = xen_open();
	if (!context)
		return NULL;
	found = libxl_list_vcpu(context, domid, count, cpus);
	if (!found)
		xen_failed(_("cannot list the domain's vCPUs"));
	libxl_ctx_free(context);
	return found;
}

static void copy_map(const libxl_bitmap *from, int cpus, unsigned char *to, int bytes)
{
	int i;

	memset(to, 0, (size_t)bytes);
	for (i = 0; i < cpus && i < 8 * bytes; i++) {
		if (libxl_bitmap_test(from, i))
			to[i / 8] |= (unsigned char)(1u << (i % 8));
	}
}

static void show(virVcpuInfoPtr info, unsigned int number, const libxl_vcpuinfo *vcpu)
{
	info->number = number;
	info->state = !vcpu->online   ? VIR_VCPU_OFFLINE
		      : vcpu->running ? VIR_VCPU_RUNNING
				      : VIR_VCPU_BLOCKED;
	info->cpuTime = vcpu->vcpu_time;
	info->cpu = vcpu->online ? (int)vcpu->cpu : VIR_VCPU_INFO_CPU_OFFLINE;
}

int domain_get_vcpus(virDomainPtr dom, virVcpuInfoPtr info, int most, unsigned char *maps,
		     int bytes)
{
	virDomainObj *vm = domain_for(dom, virDomainGetVcpusEnsureACL);
	libxl_vcpuinfo *vcpus = NULL;
	int i, count = 0, cpus, ret = -1;

	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) == 0)
		vcpus = list(vm, &count, &cpus);
	if (vcpus) {
		ret = count ? MIN(most, (int)virDomainDefGetVcpusMax(vm->def)) : 0;
		for (i = 0; i < ret; i++) {
			const libxl_vcpuinfo *by = &vcpus[i % count]; /* a partner may have fewer */

			if (info)
				show(&info[i], (unsigned int)i, by);
			if (maps && bytes > 0)
				copy_map(&by->cpumap, cpus, maps + i * bytes, bytes);
		}
		libxl_vcpuinfo_list_free(vcpus, count);
	}
	virDomainObjEndAPI(&vm);
	return ret;
}

/* The pins of a definition: all CPUs where there is none. */
static int defined_pins(virDomainDef *def, int most, unsigned char *maps, int bytes)
{
	int i, count = MIN(most, (int)virDomainDefGetVcpusMax(def));

	for (i = 0; i < count; i++) {
		virBitmap *mask = virDomainDefGetVcpu(def, (unsigned int)i)->cpumask;

		if (!mask)
			mask = def->cpumask;
		if (mask)
			virBitmapToDataBuf(mask, maps + i * bytes, (size_t)bytes);
		else
			memset(maps + i * bytes, 0xff, (size_t)bytes);
	}
	return count;
}

int domain_get_vcpu_pin_info(virDomainPtr dom, int most, unsigned char *maps, int bytes,
			     unsigned int flags)
{
	virDomainObj *vm;
	virDomainDef *def;
	int ret = -1;

	if (check_flags(__func__, flags, LIVE_OR_CONFIG) < 0)
		return -1;
	vm = domain_for(dom, virDomainGetVcpuPinInfoEnsureACL);
	if (!vm)
		return -1;
	def = virDomainObjGetOneDef(vm, flags);
	if (def)
		ret = defined_pins(def, most, maps, bytes);
	virDomainObjEndAPI(&vm);
	return ret;
}

static int pin(libxl_ctx *context, uint32_t domid, unsigned int vcpu, const virBitmap *map)
{
	libxl_bitmap cpus;
	ssize_t cpu = -1;
	int error;

	libxl_bitmap_init(&cpus);
	error = libxl_cpu_bitmap_alloc(context, &cpus, 0);
	while (!error && (cpu = virBitmapNextSetBit((virBitmap *)map, cpu)) >= 0)
		libxl_bitmap_set(&cpus, (int)cpu);
	if (!error)
		error = libxl_set_vcpuaffinity(context, domid, vcpu, &cpus, NULL);
	libxl_bitmap_dispose(&cpus);
	return error ? xen_failed(_("cannot pin the vCPU to these CPUs")) : 0;
}

static int pin_live(const virDomainObj *vm, unsigned int vcpu, const virBitmap *map)
{
	libxl_ctx *context;
	uint32_t domid;
	int ret;

	if (xen_scheduled(vm, &domid, &vcpu) < 0)
		return -1;
	context = xen_open();
	if (!context)
		return -1;
	ret = pin(context, domid, vcpu, map);
	libxl_ctx_free(context);
	return ret;
}

void cpu_apply_pins(virDomainObj *vm)
{
	unsigned int i;

	for (i = 0; i < virDomainDefGetVcpusMax(vm->def); i++) {
		virBitmap *mask = virDomainDefGetVcpu(vm->def, i)->cpumask;

		if (!mask)
			mask = vm->def->cpumask;
		if (mask && pin_live(vm, i, mask) < 0) {
			VIR_WARN("Domain %s: vCPU %u is not pinned: %s", vm->def->name, i,
				 virGetLastErrorMessage());
			virResetLastError();
		}
	}
}

static int check_vcpu(virDomainDef *def, unsigned int vcpu)
{
	if (!def || virDomainDefGetVcpu(def, vcpu))
		return 0;
	virReportError(VIR_ERR_INVALID_ARG, _("vcpu %u: the domain has %u"), vcpu,
		       virDomainDefGetVcpusMax(def));
	return -1;
}

static void keep_pin(virDomainDef *def, unsigned int vcpu, virBitmap *map)
{
	virDomainVcpuDef *to = virDomainDefGetVcpu(def, vcpu);

	virBitmapFree(to->cpumask);
	to->cpumask = virBitmapNewCopy(map);
}

int domain_pin_vcpu_flags(virDomainPtr dom, unsigned int vcpu, unsigned char *bits, int bytes,
			  unsigned int flags)
{
	g_autoptr(virBitmap) map = NULL;
	virDomainDef *live, *config;
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, LIVE_OR_CONFIG) < 0)
		return -1;
	vm = in_job(domain_for_flags(dom, virDomainPinVcpuFlagsEnsureACL, flags));
	if (!vm)
		return -1;
	map = virBitmapNewData(bits, bytes);
	if (virDomainObjGetDefs(vm, flags, &live, &config) < 0)
		goto out;
	if (virBitmapIsAllClear(map)) {
		virReportError(VIR_ERR_INVALID_ARG, "%s", _("vcpupin: no CPU is named"));
		goto out;
	}
	if (check_vcpu(live, vcpu) < 0 || check_vcpu(config, vcpu) < 0 ||
	    (live && pin_live(vm, vcpu, map) < 0))
		goto out;
	if (live) {
		keep_pin(live, vcpu, map);
		save_status(vm);
	}
	if (config)
		keep_pin(config, vcpu, map);
	ret = config ? definition_save(vm) : 0;
out:
	domain_job_done(&vm);
	return ret;
}

int domain_pin_vcpu(virDomainPtr dom, unsigned int vcpu, unsigned char *bits, int bytes)
{
	return domain_pin_vcpu_flags(dom, vcpu, bits, bytes, VIR_DOMAIN_AFFECT_LIVE);
}

/*
 * Time of the whole domain only: the hypervisor keeps none by physical CPU.  libvirt's protocol: no
 * parameters asked for, their number is the answer; ncpus 0, the number of CPUs is.
 */
int domain_get_cpu_stats(virDomainPtr dom, virTypedParameterPtr params, unsigned int count,
			 int first, unsigned int cpus, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, VIR_TYPED_PARAM_STRING_OKAY) < 0)
		return -1;
	vm = domain_for(dom, virDomainGetCPUStatsEnsureACL);
	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) < 0)
		goto out;
	if (first != -1) {
		virReportError(VIR_ERR_OPERATION_UNSUPPORTED, "%s",
			       _("cpu-stats: by CPU there is none; use --total"));
	} else if (!count || !cpus) {
		ret = 1;
	} else if (virTypedParameterAssign(params, VIR_DOMAIN_CPU_STATS_CPUTIME,
					   VIR_TYPED_PARAM_ULLONG, cpu_time(vm)) == 0) {
		ret = 1;
	}
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

/* The scheduler -------------------------------------------------------------------------------- */

char *domain_get_scheduler_type(virDomainPtr dom, int *count)
{
	virDomainObj *vm = domain_for(dom, virDomainGetSchedulerTypeEnsureACL);

	if (!vm)
		return NULL;
	virDomainObjEndAPI(&vm);
	if (count)
		*count = 2;
	return g_strdup("credit");
}

/* One call with the scheduler's parameters; `change` NULL: only asks. */
static int scheduler(virDomainObj *vm, libxl_domain_sched_params *params,
		     const libxl_domain_sched_params *change)
{
	libxl_ctx *context;
	uint32_t domid;
	int error;

	if (virDomainObjCheckActive(vm) < 0 || xen_scheduled(vm, &domid, NULL) < 0)
		return -1;
	context = xen_open();
	if (!context)
		return -1;
	error = libxl_domain_sched_params_get(context, domid, params);
	if (!error && change) {
		if (change->weight >= 0)
			params->weight = change->weight;
		if (change->cap >= 0)
			params->cap = change->cap;
		error = libxl_domain_sched_params_set(context, domid, params);
	}
	libxl_ctx_free(context);
	return error ? xen_failed(change ? _("the scheduler refuses the parameters")
					 : _("the scheduler does not tell its parameters"))
		     : 0;
}

int domain_get_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int *count,
					  unsigned int flags)
{
	libxl_domain_sched_params found;
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, VIR_DOMAIN_AFFECT_LIVE | VIR_TYPED_PARAM_STRING_OKAY) < 0)
		return -1;
	vm = domain_for(dom, virDomainGetSchedulerParametersFlagsEnsureACL);
	if (!vm)
		return -1;
	libxl_domain_sched_params_init(&found);
	if (scheduler(vm, &found, NULL) == 0 &&
	    (*count < 1 ||
	     virTypedParameterAssign(&params[0], VIR_DOMAIN_SCHEDULER_WEIGHT, VIR_TYPED_PARAM_UINT,
				     (unsigned int)found.weight) == 0) &&
	    (*count < 2 ||
	     virTypedParameterAssign(&params[1], VIR_DOMAIN_SCHEDULER_CAP, VIR_TYPED_PARAM_UINT,
				     (unsigned int)found.cap) == 0)) {
		*count = MIN(*count, 2);
		ret = 0;
	}
	libxl_domain_sched_params_dispose(&found);
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_get_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int *count)
{
	return domain_get_scheduler_parameters_flags(dom, params, count, 0);
}

int domain_set_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int count,
					  unsigned int flags)
{
	libxl_domain_sched_params found, change = { .weight = -1, .cap = -1 };
	virDomainObj *vm;
	int i, ret;

	if (check_flags(__func__, flags, VIR_DOMAIN_AFFECT_LIVE) < 0 ||
	    virTypedParamsValidate(params, count, VIR_DOMAIN_SCHEDULER_WEIGHT, VIR_TYPED_PARAM_UINT,
				   VIR_DOMAIN_SCHEDULER_CAP, VIR_TYPED_PARAM_UINT, NULL) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (params[i].value.ui > UINT16_MAX) {
			virReportError(VIR_ERR_INVALID_ARG, _("schedinfo: %s %u is above %d"),
				       params[i].field, params[i].value.ui, UINT16_MAX);
			return -1;
		}
		if (STREQ(params[i].field, VIR_DOMAIN_SCHEDULER_WEIGHT))
			change.weight = (int)params[i].value.ui;
		else
			change.cap = (int)params[i].value.ui;
	}
	vm = in_job(domain_for_flags(dom, virDomainSetSchedulerParametersFlagsEnsureACL, flags));
	if (!vm)
		return -1;
	libxl_domain_sched_params_init(&found);
	ret = scheduler(vm, &found, &change);
	libxl_domain_sched_params_dispose(&found);
	domain_job_done(&vm);
	return ret;
}

int domain_set_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int count)
{
	return domain_set_scheduler_parameters_flags(dom, params, count, 0);
}
