/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection: xen:///system, what it is and what it can do. */
#include "driver.h"

#include <util/virfile.h>
#include <util/virutil.h>

VIR_LOG_INIT("diptych.connect");

virDrvOpenStatus connect_open(virConnectPtr conn, virConnectAuthPtr auth G_GNUC_UNUSED,
			      virConf *conf G_GNUC_UNUSED, unsigned int flags)
{
	const char *path = conn->uri->path;

	if (check_flags(__func__, flags, VIR_CONNECT_RO) < 0)
		return VIR_DRV_OPEN_ERROR;
	if (!driver) {
		virReportError(VIR_ERR_INTERNAL_ERROR, "%s",
			       _("the Diptych driver is off: this is not dom0 of a running core"));
		return VIR_DRV_OPEN_ERROR;
	}
	if (path && *path && STRNEQ(path, "/") && STRNEQ(path, "/system")) {
		virReportError(VIR_ERR_INTERNAL_ERROR,
			       _("unexpected Xen URI path '%s', try xen:///system"), path);
		return VIR_DRV_OPEN_ERROR;
	}
	if (virConnectOpenEnsureACL(conn) < 0)
		return VIR_DRV_OPEN_ERROR;
	conn->privateData = driver;
	return VIR_DRV_OPEN_SUCCESS;
}

int connect_close(virConnectPtr conn)
{
	conn->privateData = NULL;
	return 0;
}

int connect_uri_probe(char **uri)
{
	if (driver)
		*uri = g_strdup("xen:///system");
	return driver ? 1 : 0;
}

const char *connect_get_type(virConnectPtr conn)
{
	if (virConnectGetTypeEnsureACL(conn) < 0)
		return NULL;
	return "Xen"; /* what clients know; it is Xen's interface after all */
}

/* The version of Xen whose interface is spoken: clients decide by it what they may ask for. */
int connect_get_version(virConnectPtr conn, unsigned long *version)
{
	unsigned int major, minor;

	if (virConnectGetVersionEnsureACL(conn) < 0 ||
	    virFileReadValueUint(&major, "/sys/hypervisor/version/major") < 0 ||
	    virFileReadValueUint(&minor, "/sys/hypervisor/version/minor") < 0)
		return -1;
	*version = major * 1000000ul + minor * 1000ul;
	return 0;
}

char *connect_get_hostname(virConnectPtr conn)
{
	if (virConnectGetHostnameEnsureACL(conn) < 0)
		return NULL;
	return virGetHostname();
}

/* The client talks to the daemon by whatever transport it chose; daemon and driver are one process. */
int connect_is_true(virConnectPtr conn G_GNUC_UNUSED)
{
	return 1;
}

int connect_is_false(virConnectPtr conn G_GNUC_UNUSED)
{
	return 0;
}

int connect_supports_feature(virConnectPtr conn, int feature)
{
	int supported;

	if (virConnectSupportsFeatureEnsureACL(conn) < 0)
		return -1;
	if (virDriverFeatureIsGlobal((virDrvFeature)feature, &supported))
		return supported;
	return 0; /* the rest is migration */
}
