/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine below: its CPUs and memory as the hypervisor counts them.  dom0 sees only its own. */
#include "driver.h"

#include <libxl.h>

#include <util/virstring.h>

VIR_LOG_INIT("diptych.node");

#define KIB_PER_PAGE 4u

static int physical(libxl_physinfo *info)
{
	libxl_ctx *context = NULL;
	int ret = -1;

	libxl_physinfo_init(info);
	if (libxl_ctx_alloc(&context, LIBXL_VERSION, 0, NULL) == 0 &&
	    libxl_get_physinfo(context, info) == 0)
		ret = 0;
	else
		virReportError(VIR_ERR_OPERATION_FAILED, "%s",
			       _("the hypervisor does not tell about the machine"));
	libxl_ctx_free(context);
	return ret;
}

int node_get_info(virConnectPtr conn, virNodeInfoPtr node)
{
	libxl_physinfo info;
	unsigned int per_socket;

	if (virNodeGetInfoEnsureACL(conn) < 0 || physical(&info) < 0)
		return -1;
	memset(node, 0, sizeof(*node));
	per_socket = info.cores_per_socket * info.threads_per_core;
	ignore_value(virStrcpyStatic(node->model, virArchToString(driver->caps->host.arch)));
	node->memory = info.total_pages * KIB_PER_PAGE;
	node->cpus = info.nr_cpus;
	node->mhz = info.cpu_khz / 1000;
	node->nodes = info.nr_nodes ? info.nr_nodes : 1;
	node->threads = info.threads_per_core;
	node->cores = info.cores_per_socket;
	/* Sockets per node, rounded up: libvirt's clients multiply all of it. */
	node->sockets = per_socket ? (info.nr_cpus + per_socket * node->nodes - 1) /
					     (per_socket * node->nodes)
				   : 1;
	libxl_physinfo_dispose(&info);
	return 0;
}

unsigned long long node_get_free_memory(virConnectPtr conn)
{
	libxl_physinfo info;
	unsigned long long bytes;

	if (virNodeGetFreeMemoryEnsureACL(conn) < 0 || physical(&info) < 0)
		return 0;
	bytes = (info.free_pages + info.scrub_pages) * KIB_PER_PAGE * 1024;
	libxl_physinfo_dispose(&info);
	return bytes;
}
