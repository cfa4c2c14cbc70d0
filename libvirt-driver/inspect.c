/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions about one domain; nothing here changes anything. */
#include "xen.h"

VIR_LOG_INIT("diptych.inspect");

char *domain_get_os_type(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	char *type = NULL;

	if (!vm)
		return NULL;
	if (virDomainGetOSTypeEnsureACL(dom->conn, vm->def) == 0)
		type = g_strdup(virDomainOSTypeToString(vm->def->os.type));
	virDomainObjEndAPI(&vm);
	return type;
}

unsigned long long domain_get_max_memory(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	unsigned long long kib = 0;

	if (!vm)
		return 0;
	if (virDomainGetMaxMemoryEnsureACL(dom->conn, vm->def) == 0)
		kib = virDomainDefGetMemoryTotal(vm->def);
	virDomainObjEndAPI(&vm);
	return kib;
}

int domain_get_info(virDomainPtr dom, virDomainInfoPtr info)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainGetInfoEnsureACL(dom->conn, vm->def) < 0)
		goto out;
	info->state = (unsigned char)virDomainObjGetState(vm, NULL);
	info->maxMem = virDomainDefGetMemoryTotal(vm->def);
	info->memory = vm->def->mem.cur_balloon;
	info->nrVirtCpu = (unsigned short)virDomainDefGetVcpus(vm->def);
	info->cpuTime = virDomainObjIsActive(vm) ? cpu_time(vm) : 0;
	ret = 0;
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_get_state(virDomainPtr dom, int *state, int *reason, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainGetStateEnsureACL(dom->conn, vm->def) == 0) {
		*state = (int)virDomainObjGetState(vm, reason);
		ret = 0;
	}
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_get_control_info(virDomainPtr dom, virDomainControlInfoPtr info, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainGetControlInfoEnsureACL(dom->conn, vm->def) < 0 ||
	    virDomainObjCheckActive(vm) < 0)
		goto out;
	memset(info, 0, sizeof(*info));
	info->state = vm->job->active ? VIR_DOMAIN_CONTROL_JOB : VIR_DOMAIN_CONTROL_OK;
	ret = 0;
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

char *domain_get_xml_desc(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	virDomainDef *def;
	char *xml = NULL;

	if (check_flags(__func__, flags, VIR_DOMAIN_XML_COMMON_FLAGS) < 0)
		return NULL;
	vm = domain_of(dom);
	if (!vm)
		return NULL;
	if (virDomainGetXMLDescEnsureACL(dom->conn, vm->def, flags) == 0) {
		def = (flags & VIR_DOMAIN_XML_INACTIVE) && vm->newDef ? vm->newDef : vm->def;
		xml = virDomainDefFormat(def, driver->xmlopt,
					 virDomainDefFormatConvertXMLFlags(flags));
	}
	virDomainObjEndAPI(&vm);
	return xml;
}

int domain_get_vcpus_flags(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	virDomainDef *def;
	int ret = -1;

	if (check_flags(__func__, flags,
			VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG |
				VIR_DOMAIN_VCPU_MAXIMUM) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainGetVcpusFlagsEnsureACL(dom->conn, vm->def, flags) < 0)
		goto out;
	def = virDomainObjGetOneDef(vm,
				    flags & (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG));
	if (!def)
		goto out;
	ret = (int)((flags & VIR_DOMAIN_VCPU_MAXIMUM) ? virDomainDefGetVcpusMax(def)
						      : virDomainDefGetVcpus(def));
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_get_max_vcpus(virDomainPtr dom)
{
	return domain_get_vcpus_flags(dom, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM);
}

int domain_is_active(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainIsActiveEnsureACL(dom->conn, vm->def) == 0)
		ret = virDomainObjIsActive(vm) ? 1 : 0;
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_is_persistent(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainIsPersistentEnsureACL(dom->conn, vm->def) == 0)
		ret = vm->persistent ? 1 : 0;
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_is_updated(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainIsUpdatedEnsureACL(dom->conn, vm->def) == 0)
		ret = vm->updated ? 1 : 0;
	virDomainObjEndAPI(&vm);
	return ret;
}

/* Nothing is ever saved here; virt-manager asks all the same, and wants an answer. */
int domain_has_managed_save_image(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainHasManagedSaveImageEnsureACL(dom->conn, vm->def) == 0)
		ret = 0;
	virDomainObjEndAPI(&vm);
	return ret;
}
