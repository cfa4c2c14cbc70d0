/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Persistent definitions: files below CONFIG_DIR, and links to those that start with the machine. */
#include "driver.h"

#include <conf/domain_validate.h>
#include <util/virfile.h>

VIR_LOG_INIT("diptych.define");

/* In libvirt's list, locked and in a job.  The job comes first where the domain is known already:
 * while it is being started its definition must not be exchanged. */
virDomainObj *domain_add(virDomainDef **def, unsigned int flags, virDomainDef **old)
{
	virDomainObj *known = virDomainObjListFindByUUID(driver->domains, (*def)->uuid);
	virDomainObj *vm;

	if (known) {
		if (virDomainObjBeginJob(known, VIR_JOB_MODIFY) < 0) {
			virDomainObjEndAPI(&known);
			return NULL;
		}
		virObjectUnlock(known);
	}
	vm = virDomainObjListAdd(driver->domains, def, driver->xmlopt, flags, old);
	if (vm && vm == known) {
		virObjectUnref(known);
		return vm;
	}
	if (known) {
		virObjectLock(known);
		virDomainObjEndJob(known);
		virDomainObjEndAPI(&known);
	}
	if (vm && virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0) {
		virDomainObjListRemove(driver->domains, vm);
		virDomainObjEndAPI(&vm);
	}
	return vm;
}

virDomainPtr domain_define_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags)
{
	unsigned int parse = VIR_DOMAIN_DEF_PARSE_INACTIVE;
	g_autoptr(virDomainDef) def = NULL;
	g_autoptr(virDomainDef) old = NULL;
	virDomainPtr dom = NULL;
	virDomainObj *vm;
	virDomainDef *persistent;

	if (check_flags(__func__, flags, VIR_DOMAIN_DEFINE_VALIDATE) < 0)
		return NULL;
	if (flags & VIR_DOMAIN_DEFINE_VALIDATE)
		parse |= VIR_DOMAIN_DEF_PARSE_VALIDATE_SCHEMA;
	if (xml_accept(xml) < 0)
		return NULL;
	def = virDomainDefParseString(xml, driver->xmlopt, NULL, parse);
	if (!def || virDomainDefineXMLFlagsEnsureACL(conn, def) < 0)
		return NULL;
	vm = domain_add(&def, 0, &old);
	if (!vm)
		return NULL;

	vm->persistent = 1;
	persistent = vm->newDef ? vm->newDef : vm->def;
	if (virDomainDefSave(persistent, driver->xmlopt, CONFIG_DIR) < 0) {
		if (old) {
			/* As it was before. */
			if (virDomainObjIsActive(vm))
				vm->newDef = g_steal_pointer(&old);
			else
				vm->def = g_steal_pointer(&old);
			virDomainDefFree(persistent);
		} else {
			vm->persistent = 0;
			if (!virDomainObjIsActive(vm))
				virDomainObjListRemove(driver->domains, vm);
		}
		goto out;
	}
	event_queue(vm, VIR_DOMAIN_EVENT_DEFINED,
		    old ? VIR_DOMAIN_EVENT_DEFINED_UPDATED : VIR_DOMAIN_EVENT_DEFINED_ADDED);
	dom = domain_handle(conn, vm);
out:
	virDomainObjEndJob(vm);
	virDomainObjEndAPI(&vm);
	return dom;
}

virDomainPtr domain_define_xml(virConnectPtr conn, const char *xml)
{
	return domain_define_xml_flags(conn, xml, 0);
}

int definition_save(virDomainObj *vm)
{
	return virDomainDefSave(vm->newDef ? vm->newDef : vm->def, driver->xmlopt, CONFIG_DIR);
}

int definition_replace(virDomainObj *vm, virDomainDef **def)
{
	if (virDomainDefValidate(*def, 0, driver->xmlopt, NULL) < 0 ||
	    virDomainDefSave(*def, driver->xmlopt, CONFIG_DIR) < 0)
		return -1;
	virDomainObjAssignDef(vm, def, false, NULL);
	event_queue(vm, VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_UPDATED);
	return 0;
}

int domain_undefine_flags(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	/* There is never a saved image, a snapshot, a checkpoint or NVRAM to be asked about. */
	if (check_flags(__func__, flags,
			VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
				VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA |
				VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainUndefineFlagsEnsureACL(dom->conn, vm->def) < 0 ||
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		goto out;
	if (!vm->persistent) {
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("cannot undefine transient domain"));
		goto end;
	}
	if (virDomainDeleteConfig(CONFIG_DIR, AUTOSTART_DIR, vm) < 0)
		goto end;
	event_queue(vm, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
	vm->persistent = 0;
	if (virDomainObjIsActive(vm))
		g_clear_pointer(&vm->newDef, virDomainDefFree);
	else
		virDomainObjListRemove(driver->domains, vm);
	ret = 0;
end:
	virDomainObjEndJob(vm);
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_undefine(virDomainPtr dom)
{
	return domain_undefine_flags(dom, 0);
}

int domain_get_autostart(virDomainPtr dom, int *autostart)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainGetAutostartEnsureACL(dom->conn, vm->def) == 0) {
		*autostart = vm->autostart;
		ret = 0;
	}
	virDomainObjEndAPI(&vm);
	return ret;
}

static int link_autostart(virDomainObj *vm, bool on)
{
	g_autofree char *file = virDomainConfigFile(CONFIG_DIR, vm->def->name);
	g_autofree char *link = virDomainConfigFile(AUTOSTART_DIR, vm->def->name);

	if (!on) {
		if (unlink(link) == 0 || errno == ENOENT)
			return 0;
		virReportSystemError(errno, _("cannot remove '%s'"), link);
		return -1;
	}
	if (g_mkdir_with_parents(AUTOSTART_DIR, 0700) == 0 && symlink(file, link) == 0)
		return 0;
	virReportSystemError(errno, _("cannot create '%s'"), link);
	return -1;
}

int domain_set_autostart(virDomainPtr dom, int autostart)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainSetAutostartEnsureACL(dom->conn, vm->def) < 0 ||
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		goto out;
	if (!vm->persistent) {
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("cannot set autostart for transient domain"));
	} else if (vm->autostart == !!autostart || link_autostart(vm, autostart) == 0) {
		vm->autostart = !!autostart;
		ret = 0;
	}
	virDomainObjEndJob(vm);
out:
	virDomainObjEndAPI(&vm);
	return ret;
}
