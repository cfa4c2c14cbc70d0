/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user writes about a domain: its name, title, description and metadata. */
#include "xen.h"

#include <util/virfile.h>

VIR_LOG_INIT("diptych.naming");

#define LIVE_OR_CONFIG (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

char *domain_get_metadata(virDomainPtr dom, int type, const char *uri, unsigned int flags)
{
	virDomainObj *vm = domain_for(dom, virDomainGetMetadataEnsureACL);
	char *text;

	if (!vm)
		return NULL;
	text = virDomainObjGetMetadata(vm, type, uri, flags);
	virDomainObjEndAPI(&vm);
	return text;
}

int domain_set_metadata(virDomainPtr dom, int type, const char *text, const char *key,
			const char *uri, unsigned int flags)
{
	virDomainObj *vm;
	int ret;

	if (check_flags(__func__, flags, LIVE_OR_CONFIG) < 0)
		return -1;
	vm = in_job(domain_for_flags(dom, virDomainSetMetadataEnsureACL, flags));
	if (!vm)
		return -1;
	ret = virDomainObjSetMetadata(vm, type, text, key, uri, driver->xmlopt, STATE_DIR,
				      CONFIG_DIR, flags);
	if (ret == 0)
		virObjectEventStateQueue(driver->events,
					 virDomainEventMetadataChangeNewFromObj(vm, type, uri));
	domain_job_done(&vm);
	return ret;
}

/* libvirt holds the list of domains; the files are ours.  The new one is there before the old goes. */
static int rename_files(virDomainObj *vm, const char *to, unsigned int flags G_GNUC_UNUSED,
			void *opaque G_GNUC_UNUSED)
{
	g_autofree char *old_file = virDomainConfigFile(CONFIG_DIR, vm->def->name);
	g_autofree char *old_link = virDomainConfigFile(AUTOSTART_DIR, vm->def->name);
	g_autofree char *new_file = virDomainConfigFile(CONFIG_DIR, to);
	g_autofree char *new_link = virDomainConfigFile(AUTOSTART_DIR, to);
	g_autofree char *old_name = vm->def->name;

	vm->def->name = g_strdup(to);
	if (virDomainDefSave(vm->def, driver->xmlopt, CONFIG_DIR) < 0)
		goto undo;
	if (vm->autostart && symlink(new_file, new_link) < 0) {
		virReportSystemError(errno, _("cannot create '%s'"), new_link);
		goto undo;
	}
	virObjectEventStateQueue(driver->events,
				 virDomainEventLifecycleNew(-1, old_name, vm->def->uuid,
							    VIR_DOMAIN_EVENT_UNDEFINED,
							    VIR_DOMAIN_EVENT_UNDEFINED_RENAMED));
	if (unlink(old_file) < 0 || (vm->autostart && unlink(old_link) < 0))
		VIR_WARN("Cannot remove %s: %s", old_file, g_strerror(errno));
	event_queue(vm, VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED);
	return 0;
undo:
	unlink(new_link);
	unlink(new_file);
	g_free(vm->def->name);
	vm->def->name = g_steal_pointer(&old_name);
	return -1;
}

int domain_rename(virDomainPtr dom, const char *to, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = in_job(domain_for(dom, virDomainRenameEnsureACL));
	if (!vm)
		return -1;
	if (virDomainObjIsActive(vm))
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("cannot rename an active domain"));
	else if (!vm->persistent)
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("cannot rename a transient domain"));
	else if (strpbrk(to, "/") || *to == '.' || !*to || strlen(to) > NAME_LENGTH_MAX)
		virReportError(VIR_ERR_XML_ERROR, _("name '%s' cannot be a domain's"), to);
	else
		ret = virDomainObjListRename(driver->domains, vm, to, flags, rename_files, NULL);
	domain_job_done(&vm);
	return ret;
}
