/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine below: its CPUs and memory as the hypervisor counts them.  dom0 sees only its own. */
#include "xen.h"

#include <util/virstring.h>

VIR_LOG_INIT("diptych.node");

#define KIB_PER_PAGE 4u

static int physical(libxl_physinfo *info)
{
	libxl_ctx *context = xen_open();
	int ret = -1;

	libxl_physinfo_init(info);
	if (!context)
		return -1;
	if (libxl_get_physinfo(context, info) == 0)
		ret = 0;
	else
		xen_failed(_("the hypervisor does not tell about the machine"));
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

/* One cell: the core knows no NUMA. */
int node_get_cells_free_memory(virConnectPtr conn, unsigned long long *bytes, int first, int most)
{
	libxl_physinfo info;

	if (virNodeGetCellsFreeMemoryEnsureACL(conn) < 0 || physical(&info) < 0)
		return -1;
	if (first == 0 && most > 0)
		bytes[0] = (info.free_pages + info.scrub_pages) * KIB_PER_PAGE * 1024;
	libxl_physinfo_dispose(&info);
	if (first == 0)
		return most > 0;
	virReportError(VIR_ERR_INVALID_ARG, _("start cell %d out of range (0-0)"), first);
	return -1;
}

int node_get_cpu_map(virConnectPtr conn, unsigned char **map, unsigned int *online,
		     unsigned int flags)
{
	g_autoptr(virBitmap) all = NULL;
	libxl_physinfo info;
	int bytes, count;

	if (check_flags(__func__, flags, 0) < 0 || virNodeGetCPUMapEnsureACL(conn) < 0 ||
	    physical(&info) < 0)
		return -1;
	count = (int)info.nr_cpus;
	libxl_physinfo_dispose(&info);
	all = virBitmapNew((size_t)count);
	virBitmapSetAll(all);
	if (map && libvirt_failed(virBitmapToData(all, map, &bytes)))
		return -1;
	if (online)
		*online = (unsigned int)count;
	return count;
}
