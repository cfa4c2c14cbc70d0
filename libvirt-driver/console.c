/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The serial console: the pty that xenconsoled keeps for the fidelity domain, as a libvirt stream. */
#include "xen.h"

VIR_LOG_INIT("diptych.console");

/* NULL: the first.  The one serial port may also be asked for as console, libvirt's alias for it. */
static virDomainChrDef *find(virDomainDef *def, const char *device)
{
	virDomainChrDef *port = def->nserials			? def->serials[0]
				: is_pvh(def) && def->nconsoles ? def->consoles[0]
								: NULL;
	size_t i;

	if (!port || !device || STREQ_NULLABLE(port->info.alias, device))
		return port;
	for (i = 0; i < def->nconsoles; i++) {
		if (STREQ_NULLABLE(def->consoles[i]->info.alias, device))
			return port;
	}
	return NULL;
}

int domain_open_console(virDomainPtr dom, const char *device, virStreamPtr stream,
			unsigned int flags)
{
	struct domain_private *private;
	virDomainChrDef *chr;
	virDomainObj *vm;
	int opened, ret = -1;

	if (check_flags(__func__, flags, VIR_DOMAIN_CONSOLE_SAFE | VIR_DOMAIN_CONSOLE_FORCE) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainOpenConsoleEnsureACL(dom->conn, vm->def) < 0 ||
	    virDomainObjCheckActive(vm) < 0)
		goto out;
	chr = find(vm->def, device);
	if (!chr) {
		virReportError(VIR_ERR_INTERNAL_ERROR, _("cannot find console device '%s'"),
			       device ? device : "serial0");
		goto out;
	}
	if (!chr->source->data.file.path) {
		virReportError(VIR_ERR_OPERATION_FAILED, "%s", _("the console has no pty"));
		goto out;
	}
	private = vm->privateData;
	opened = virChrdevOpen(private->consoles, chr->source, stream,
			       flags & VIR_DOMAIN_CONSOLE_FORCE);
	if (opened == 1)
		virReportError(VIR_ERR_OPERATION_FAILED, "%s",
			       _("Active console session exists for this domain"));
	ret = opened == 0 ? 0 : -1;
out:
	virDomainObjEndAPI(&vm);
	return ret;
}
