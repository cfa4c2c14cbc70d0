/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing and looking up domains, and telling clients what happens to them. */
#include "driver.h"

#include <util/viruuid.h>

VIR_LOG_INIT("diptych.list");

int check_flags(const char *function, unsigned int flags, unsigned int known)
{
	if (!(flags & ~known))
		return 0;
	virReportError(VIR_ERR_INVALID_ARG, _("unsupported flags (0x%x) in function %s"),
		       flags & ~known, function);
	return -1;
}

static virDomainObj *found(virDomainObj *vm, const unsigned char *uuid)
{
	char text[VIR_UUID_STRING_BUFLEN];

	if (!vm) {
		virUUIDFormat(uuid, text);
		virReportError(VIR_ERR_NO_DOMAIN, _("no domain with matching uuid '%s'"), text);
	}
	return vm;
}

virDomainObj *domain_of(virDomainPtr dom)
{
	return found(virDomainObjListFindByUUID(driver->domains, dom->uuid), dom->uuid);
}

virDomainObj *domain_for(virDomainPtr dom, int (*allowed)(virConnectPtr, virDomainDef *))
{
	virDomainObj *vm = domain_of(dom);

	if (vm && allowed(dom->conn, vm->def) < 0)
		virDomainObjEndAPI(&vm);
	return vm;
}

virDomainObj *domain_for_flags(virDomainPtr dom,
			       int (*allowed)(virConnectPtr, virDomainDef *, unsigned int),
			       unsigned int flags)
{
	virDomainObj *vm = domain_of(dom);

	if (vm && allowed(dom->conn, vm->def, flags) < 0)
		virDomainObjEndAPI(&vm);
	return vm;
}

virDomainObj *in_job(virDomainObj *vm)
{
	if (vm && virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		virDomainObjEndAPI(&vm);
	return vm;
}

void domain_job_done(virDomainObj **vm)
{
	virDomainObjEndJob(*vm);
	virDomainObjEndAPI(vm);
}

virDomainPtr domain_handle(virConnectPtr conn, virDomainObj *vm)
{
	return virGetDomain(conn, vm->def->name, vm->def->uuid, vm->def->id);
}

void event_queue(virDomainObj *vm, int type, int detail)
{
	virObjectEventStateQueue(driver->events,
				 virDomainEventLifecycleNewFromObj(vm, type, detail));
}

int connect_list_domains(virConnectPtr conn, int *ids, int max)
{
	if (virConnectListDomainsEnsureACL(conn) < 0)
		return -1;
	return virDomainObjListGetActiveIDs(driver->domains, ids, max,
					    virConnectListDomainsCheckACL, conn);
}

int connect_num_of_domains(virConnectPtr conn)
{
	if (virConnectNumOfDomainsEnsureACL(conn) < 0)
		return -1;
	return virDomainObjListNumOfDomains(driver->domains, true, virConnectNumOfDomainsCheckACL,
					    conn);
}

int connect_list_defined_domains(virConnectPtr conn, char **const names, int max)
{
	memset(names, 0, sizeof(*names) * (size_t)max);
	if (virConnectListDefinedDomainsEnsureACL(conn) < 0)
		return -1;
	return virDomainObjListGetInactiveNames(driver->domains, names, max,
						virConnectListDefinedDomainsCheckACL, conn);
}

int connect_num_of_defined_domains(virConnectPtr conn)
{
	if (virConnectNumOfDefinedDomainsEnsureACL(conn) < 0)
		return -1;
	return virDomainObjListNumOfDomains(driver->domains, false,
					    virConnectNumOfDefinedDomainsCheckACL, conn);
}

int connect_list_all_domains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags)
{
	if (check_flags(__func__, flags, VIR_CONNECT_LIST_DOMAINS_FILTERS_ALL) < 0)
		return -1;
	if (virConnectListAllDomainsEnsureACL(conn) < 0)
		return -1;
	return virDomainObjListExport(driver->domains, conn, domains,
				      virConnectListAllDomainsCheckACL, flags);
}

virDomainPtr domain_lookup_by_id(virConnectPtr conn, int id)
{
	virDomainObj *vm = virDomainObjListFindByID(driver->domains, id);
	virDomainPtr dom = NULL;

	if (!vm) {
		virReportError(VIR_ERR_NO_DOMAIN, _("no domain with matching id %d"), id);
		return NULL;
	}
	if (virDomainLookupByIDEnsureACL(conn, vm->def) == 0)
		dom = domain_handle(conn, vm);
	virDomainObjEndAPI(&vm);
	return dom;
}

virDomainPtr domain_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid)
{
	virDomainObj *vm = found(virDomainObjListFindByUUID(driver->domains, uuid), uuid);
	virDomainPtr dom = NULL;

	if (!vm)
		return NULL;
	if (virDomainLookupByUUIDEnsureACL(conn, vm->def) == 0)
		dom = domain_handle(conn, vm);
	virDomainObjEndAPI(&vm);
	return dom;
}

virDomainPtr domain_lookup_by_name(virConnectPtr conn, const char *name)
{
	virDomainObj *vm = virDomainObjListFindByName(driver->domains, name);
	virDomainPtr dom = NULL;

	if (!vm) {
		virReportError(VIR_ERR_NO_DOMAIN, _("no domain with matching name '%s'"), name);
		return NULL;
	}
	if (virDomainLookupByNameEnsureACL(conn, vm->def) == 0)
		dom = domain_handle(conn, vm);
	virDomainObjEndAPI(&vm);
	return dom;
}

int connect_event_register(virConnectPtr conn, virConnectDomainEventCallback callback, void *opaque,
			   virFreeCallback release)
{
	if (virConnectDomainEventRegisterEnsureACL(conn) < 0)
		return -1;
	return virDomainEventStateRegister(conn, driver->events, callback, opaque, release) < 0 ? -1
												: 0;
}

int connect_event_deregister(virConnectPtr conn, virConnectDomainEventCallback callback)
{
	if (virConnectDomainEventDeregisterEnsureACL(conn) < 0)
		return -1;
	return virDomainEventStateDeregister(conn, driver->events, callback) < 0 ? -1 : 0;
}

int connect_event_register_any(virConnectPtr conn, virDomainPtr dom, int event,
			       virConnectDomainEventGenericCallback callback, void *opaque,
			       virFreeCallback release)
{
	int id;

	if (virConnectDomainEventRegisterAnyEnsureACL(conn) < 0)
		return -1;
	if (virDomainEventStateRegisterID(conn, driver->events, dom, event, callback, opaque,
					  release, &id) < 0)
		return -1;
	return id;
}

int connect_event_deregister_any(virConnectPtr conn, int callback)
{
	if (virConnectDomainEventDeregisterAnyEnsureACL(conn) < 0)
		return -1;
	return virObjectEventStateDeregisterID(conn, driver->events, callback, true) < 0 ? -1 : 0;
}
