/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State of the driver from the start of libvirtd to its end, and what it offers to libvirt. */
#include "pair.h"

#include <util/virfile.h>
#include <util/viruuid.h>

VIR_LOG_INIT("diptych.driver");

struct driver *driver; /* NULL: off */

static int state_cleanup(void)
{
	if (!driver)
		return -1;
	watch_stop();
	pair_close();
	virObjectUnref(driver->domains);
	virObjectUnref(driver->events);
	virObjectUnref(driver->xmlopt);
	virObjectUnref(driver->caps);
	if (driver->lock_fd >= 0)
		virPidFileRelease(STATE_DIR, "driver", driver->lock_fd);
	g_clear_pointer(&driver, g_free);
	return 0;
}

static int make_folders(void)
{
	static const char *const folders[] = { CONFIG_DIR, AUTOSTART_DIR, STATE_DIR };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(folders); i++) {
		if (g_mkdir_with_parents(folders[i], 0700) < 0) {
			virReportSystemError(errno, _("cannot create '%s'"), folders[i]);
			return -1;
		}
	}
	return 0;
}

static int load(void)
{
	/* Status first: a definition that is loaded after it finds its domain active. */
	if (virDomainObjListLoadAllConfigs(driver->domains, STATE_DIR, NULL, true, driver->xmlopt,
					   NULL, NULL) < 0)
		return -1;
	return virDomainObjListLoadAllConfigs(driver->domains, CONFIG_DIR, AUTOSTART_DIR, false,
					      driver->xmlopt, NULL, NULL);
}

/*
 * An error here would stop the whole of libvirtd, networks and storage with it, so that whatever is
 * wrong with us is said in the log and the driver is left out.
 */
static virDrvStateInitResult skip(const char *why)
{
	VIR_ERROR(_("Diptych driver disabled: %s: %s"), why, virGetLastErrorMessage());
	virResetLastError();
	state_cleanup();
	return VIR_DRV_STATE_INIT_SKIPPED;
}

static virDrvStateInitResult state_initialize(bool privileged, const char *root,
					      bool monolithic G_GNUC_UNUSED,
					      virStateInhibitCallback inhibit, void *opaque)
{
	if (root || !privileged || !pair_host_usable())
		return VIR_DRV_STATE_INIT_SKIPPED;

	driver = g_new0(struct driver, 1);
	driver->lock_fd = -1;
	driver->inhibit = inhibit;
	driver->inhibit_opaque = opaque;
	driver->caps = capabilities_new();
	driver->xmlopt = xml_options_new();
	driver->domains = virDomainObjListNew();
	driver->events = virObjectEventStateNew();
	if (!driver->xmlopt || !driver->domains || !driver->events)
		return skip("libvirt's objects");
	if (make_folders() < 0)
		return skip("folders");
	driver->lock_fd = pid_file(STATE_DIR, "driver");
	if (driver->lock_fd < 0)
		return skip("another driver is at work");
	if (pair_open() < 0)
		return skip("libdiptych cannot be used");
	if (load() < 0)
		return skip("definitions");

	/* Take stock, then compare, then listen: nothing that happens meanwhile is missed. */
	if (watch_open() < 0)
		return skip("no events of pairs");
	follow_reconnect();
	if (watch_run() < 0)
		return skip("no thread");
	lifecycle_autostart();
	return VIR_DRV_STATE_INIT_COMPLETE;
}

/* Definitions that somebody changed on disk: SIGHUP. */
static int state_reload(void)
{
	if (!driver)
		return 0;
	return virDomainObjListLoadAllConfigs(driver->domains, CONFIG_DIR, AUTOSTART_DIR, false,
					      driver->xmlopt, NULL, NULL);
}

static virHypervisorDriver hypervisor_driver = {
	.name = "Xen",
	.connectURIProbe = connect_uri_probe,
	.connectOpen = connect_open,
	.connectClose = connect_close,
	.connectGetType = connect_get_type,
	.connectGetVersion = connect_get_version,
	.connectGetHostname = connect_get_hostname,
	.connectGetMaxVcpus = connect_get_max_vcpus,
	.connectGetCapabilities = connect_get_capabilities,
	.connectGetDomainCapabilities = connect_get_domain_capabilities,
	.connectDomainXMLFromNative = connect_domain_xml_from_native,
	.connectDomainXMLToNative = connect_domain_xml_to_native,
	.connectGetAllDomainStats = connect_get_all_domain_stats,
	.connectSupportsFeature = connect_supports_feature,
	.connectIsEncrypted = connect_is_false,
	.connectIsSecure = connect_is_true,
	.connectIsAlive = connect_is_true,
	.nodeGetInfo = node_get_info,
	.nodeGetFreeMemory = node_get_free_memory,
	.nodeGetCellsFreeMemory = node_get_cells_free_memory,
	.nodeGetCPUMap = node_get_cpu_map,
	.connectListDomains = connect_list_domains,
	.connectNumOfDomains = connect_num_of_domains,
	.connectListDefinedDomains = connect_list_defined_domains,
	.connectNumOfDefinedDomains = connect_num_of_defined_domains,
	.connectListAllDomains = connect_list_all_domains,
	.connectDomainEventRegister = connect_event_register,
	.connectDomainEventDeregister = connect_event_deregister,
	.connectDomainEventRegisterAny = connect_event_register_any,
	.connectDomainEventDeregisterAny = connect_event_deregister_any,
	.domainLookupByID = domain_lookup_by_id,
	.domainLookupByUUID = domain_lookup_by_uuid,
	.domainLookupByName = domain_lookup_by_name,
	.domainGetOSType = domain_get_os_type,
	.domainGetMaxMemory = domain_get_max_memory,
	.domainGetInfo = domain_get_info,
	.domainGetState = domain_get_state,
	.domainGetControlInfo = domain_get_control_info,
	.domainGetXMLDesc = domain_get_xml_desc,
	.domainGetVcpusFlags = domain_get_vcpus_flags,
	.domainGetMaxVcpus = domain_get_max_vcpus,
	.domainIsActive = domain_is_active,
	.domainIsPersistent = domain_is_persistent,
	.domainIsUpdated = domain_is_updated,
	.domainHasManagedSaveImage = domain_has_managed_save_image,
	.domainDefineXML = domain_define_xml,
	.domainDefineXMLFlags = domain_define_xml_flags,
	.domainUndefine = domain_undefine,
	.domainUndefineFlags = domain_undefine_flags,
	.domainGetAutostart = domain_get_autostart,
	.domainSetAutostart = domain_set_autostart,
	.domainCreateXML = domain_create_xml,
	.domainCreate = domain_create,
	.domainCreateWithFlags = domain_create_with_flags,
	.domainDestroy = domain_destroy,
	.domainDestroyFlags = domain_destroy_flags,
	.domainShutdown = domain_shutdown,
	.domainShutdownFlags = domain_shutdown_flags,
	.domainReboot = domain_reboot,
	.domainSuspend = domain_suspend,
	.domainResume = domain_resume,
	.domainReset = domain_reset,
	.domainInjectNMI = domain_inject_nmi,
	.domainSendKey = domain_send_key,
	.domainScreenshot = domain_screenshot,
	.domainSetVcpus = domain_set_vcpus,
	.domainSetVcpusFlags = domain_set_vcpus_flags,
	.domainGetVcpus = domain_get_vcpus,
	.domainGetVcpuPinInfo = domain_get_vcpu_pin_info,
	.domainPinVcpu = domain_pin_vcpu,
	.domainPinVcpuFlags = domain_pin_vcpu_flags,
	.domainGetCPUStats = domain_get_cpu_stats,
	.domainGetSchedulerType = domain_get_scheduler_type,
	.domainGetSchedulerParameters = domain_get_scheduler_parameters,
	.domainGetSchedulerParametersFlags = domain_get_scheduler_parameters_flags,
	.domainSetSchedulerParameters = domain_set_scheduler_parameters,
	.domainSetSchedulerParametersFlags = domain_set_scheduler_parameters_flags,
	.domainSetMemory = domain_set_memory,
	.domainSetMemoryFlags = domain_set_memory_flags,
	.domainSetMaxMemory = domain_set_max_memory,
	.domainMemoryStats = domain_memory_stats,
	.domainAttachDevice = domain_attach_device,
	.domainAttachDeviceFlags = domain_attach_device_flags,
	.domainDetachDevice = domain_detach_device,
	.domainDetachDeviceFlags = domain_detach_device_flags,
	.domainUpdateDeviceFlags = domain_update_device_flags,
	.domainGetBlockInfo = domain_get_block_info,
	.domainBlockStats = domain_block_stats,
	.domainBlockStatsFlags = domain_block_stats_flags,
	.domainInterfaceStats = domain_interface_stats,
	.domainInterfaceAddresses = domain_interface_addresses,
	.domainRename = domain_rename,
	.domainGetMetadata = domain_get_metadata,
	.domainSetMetadata = domain_set_metadata,
	.domainOpenConsole = domain_open_console,
};

static virConnectDriver connect_driver = {
	.localOnly = true,
	.uriSchemes = (const char *[]){ "xen", NULL },
	.hypervisorDriver = &hypervisor_driver,
};

static virStateDriver state_driver = {
	.name = "Diptych",
	.stateInitialize = state_initialize,
	.stateCleanup = state_cleanup,
	.stateReload = state_reload,
};

/* By this name libvirtd knows the module in the slot of its Xen driver. */
int libxlRegister(void);
__attribute__((visibility("default"))) int libxlRegister(void)
{
	if (virRegisterConnectDriver(&connect_driver, true) < 0 ||
	    virRegisterStateDriver(&state_driver) < 0)
		return -1;
	return 0;
}
