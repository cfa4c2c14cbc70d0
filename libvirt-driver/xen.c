/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl for one call: its context, and what it said when it failed. */
#include "xen.h"

#include <xentoollog.h>

VIR_LOG_INIT("diptych.xen");

static __thread char reason[256]; /* the first error since xen_open */

static void message(xentoollog_logger *logger G_GNUC_UNUSED, xentoollog_level level, int error,
		    const char *context G_GNUC_UNUSED, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);

	g_strchomp(text);
	if (level >= XTL_ERROR && !*reason)
		g_snprintf(reason, sizeof(reason), ": %s%s%s", text, error >= 0 ? ": " : "",
			   error >= 0 ? g_strerror(error) : "");
	if (level >= XTL_WARN)
		VIR_WARN("%s", text);
	else
		VIR_DEBUG("%s", text);
}

static void progress(xentoollog_logger *logger G_GNUC_UNUSED, const char *context G_GNUC_UNUSED,
		     const char *doing G_GNUC_UNUSED, int percent G_GNUC_UNUSED,
		     unsigned long done G_GNUC_UNUSED, unsigned long total G_GNUC_UNUSED)
{
}

static void destroy(xentoollog_logger *logger G_GNUC_UNUSED)
{
}

libxl_ctx *xen_open(void)
{
	static xentoollog_logger logger = { message, progress, destroy };
	static const libxl_childproc_hooks hooks = {
		/* libvirtd has children of its own. */
		.chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
	};
	libxl_ctx *context = NULL;

	*reason = '\0';
	if (libxl_ctx_alloc(&context, LIBXL_VERSION, 0, &logger) == 0) {
		libxl_childproc_setmode(context, &hooks, NULL);
		return context;
	}
	virReportError(VIR_ERR_OPERATION_FAILED, _("the hypervisor cannot be asked%s"), reason);
	return NULL;
}

int xen_failed(const char *what)
{
	virReportError(VIR_ERR_OPERATION_FAILED, "%s%s", what, reason);
	return -1;
}

int xen_scheduled(const virDomainObj *vm, uint32_t *domid, unsigned int *vcpu)
{
	struct diptych_pair pair;

	*domid = (uint32_t)vm->def->id;
	if (is_pvh(vm->def))
		return 0;
	if (!pair_find(vm->def->uuid, &pair)) {
		virReportError(VIR_ERR_OPERATION_INVALID, _("domain '%s' has just ended"),
			       vm->def->name);
		return -1;
	}
	*domid = pair.fidelity;
	if (vcpu && pair.fidelity_vcpus)
		*vcpu %= pair.fidelity_vcpus;
	diptych_pair_dispose(&pair);
	return 0;
}

int look_domain(const virDomainDef *def, bool settled, struct diptych_pair *found)
{
	return is_pvh(def) ? pvh_look(def->uuid, found) : pair_look(def->uuid, settled, found);
}

unsigned long long cpu_time(const virDomainObj *vm)
{
	struct diptych_pair pair;
	unsigned long long ns;

	if (look_domain(vm->def, false, &pair) <= 0)
		return 0;
	ns = pair.guest_ns + pair.fidelity_ns;
	diptych_pair_dispose(&pair);
	return ns;
}
