/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt driver of Diptych: a module that stock libvirtd loads in the place of its Xen driver,
 * so that xen:///system shows pairs as ordinary domains.  Everything about Xen and pairs is
 * libdiptych's work (../toolstack); here are only libvirt's objects and their life.
 *
 *	driver.c	   state of the driver, the table of entry points
 *	connect.c	   the connection: type, version, capabilities, node
 *	list.c		   listing, looking up, events
 *	inspect.c	   questions about one domain
 *	define.c	   persistent definitions
 *	lifecycle.c	   start and end that a client asks for
 *	follow.c	   pairs that start or end by themselves
 *	node.c		   the machine: CPUs and memory, from libxl
 *	console.c	   the serial console
 *	xml_accept.c	   which elements of domain XML mean something here
 *	xml_policy.c	   which values, and libvirt's parser options
 *	cpu.c		   vCPUs: number, pins, times, the scheduler
 *	memory.c	   memory: number and balloon
 *	devices.c	   disks and interfaces that come and go
 *	stats.c		   what they have done
 *	input.c		   keys, buttons, screenshot
 *	naming.c	   rename, metadata
 *	native.c	   xl.cfg to XML and back
 *	offer.c		   capabilities
 *	describe.c	   from libvirt's definition to libdiptych's and back
 *	pair.c		   libdiptych's calls
 *	pvh.c		   the same for PVH domains, by libxl
 *	xen.c		   libxl for one call
 *	watch.c		   the thread that hears of pairs that start or end by themselves
 *
 * Locking: the fields of struct driver do not change once the driver is initialised, but for
 * `running`, which is atomic.  A domain is changed only inside a job (virDomainObjBeginJob), and
 * its lock is let go while libdiptych is at work, so that listing never waits for a start.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <config.h>
#include <configmake.h>

#include <access/viraccessapicheck.h>
#include <conf/capabilities.h>
#include <conf/domain_conf.h>
#include <conf/domain_event.h>
#include <conf/virchrdev.h>
#include <conf/virdomainjob.h>
#include <conf/virdomainobjlist.h>
#include <datatypes.h>
#include <driver.h>
#include <internal.h>
#include <util/viralloc.h>
#include <util/virerror.h>
#include <util/virlog.h>
#include <util/virpidfile.h>
#include <util/virtypedparam.h>

#include <differs.h>

#define VIR_FROM_THIS VIR_FROM_LIBXL

#define CONFIG_DIR	SYSCONFDIR "/libvirt/diptych"
#define AUTOSTART_DIR	CONFIG_DIR "/autostart"
#define STATE_DIR	RUNSTATEDIR "/libvirt/diptych"
#define VCPUS_MAX	32u /* as libdiptych's check.c says */
#define PVH_VCPUS_MAX	128u
#define NAME_LENGTH_MAX 64u /* libdiptych's */

struct driver {
	int lock_fd;
	virCaps *caps;
	virDomainXMLOption *xmlopt;
	virDomainObjList *domains;
	virObjectEventState *events;
	virStateInhibitCallback inhibit; /* keeps libvirtd from its idle timeout */
	void *inhibit_opaque;
	gint running; /* active domains */
};

/* What is ours in a virDomainObj. */
struct domain_private {
	virChrdevs *consoles;
	time_t started;
};

extern struct driver *driver;

/* list.c: the domain of a client's handle, locked and referenced (virDomainObjEndAPI ends it). */
virDomainObj *domain_of(virDomainPtr dom);
/* The same where the client may do that (libvirt's ...EnsureACL), and in a job; domain_job_done. */
virDomainObj *domain_for(virDomainPtr dom, int (*allowed)(virConnectPtr, virDomainDef *));
virDomainObj *domain_for_flags(virDomainPtr dom,
			       int (*allowed)(virConnectPtr, virDomainDef *, unsigned int),
			       unsigned int flags);
virDomainObj *
in_job(virDomainObj *vm); /* NULL passes; ends the reference where the job is refused */
void domain_job_done(virDomainObj **vm);
virDomainPtr domain_handle(virConnectPtr conn, virDomainObj *vm);
/* libvirt's virCheckFlags, without its loss of a sign. */
int check_flags(const char *function, unsigned int flags, unsigned int known);
void event_queue(virDomainObj *vm, int type, int detail);

/* define.c: adds a definition, or replaces one; locked, referenced and in a job. */
virDomainObj *domain_add(virDomainDef **def, unsigned int flags, virDomainDef **old);
/* In a job: what stands on disk is replaced by `def`, which is checked before, or saved as it is. */
int definition_replace(virDomainObj *vm, virDomainDef **def);
int definition_save(virDomainObj *vm);
/* lifecycle.c: a running domain's state, for the daemon's next life. */
void save_status(virDomainObj *vm);

/* Entry points, by the names that libvirt gives them. */
virDrvOpenStatus connect_open(virConnectPtr conn, virConnectAuthPtr auth, virConf *conf,
			      unsigned int flags);
int connect_close(virConnectPtr conn);
int connect_uri_probe(char **uri);
const char *connect_get_type(virConnectPtr conn);
int connect_get_version(virConnectPtr conn, unsigned long *version);
char *connect_get_hostname(virConnectPtr conn);
int connect_get_max_vcpus(virConnectPtr conn, const char *type);
char *connect_get_capabilities(virConnectPtr conn);
int connect_is_true(virConnectPtr conn);
int connect_is_false(virConnectPtr conn);
int connect_supports_feature(virConnectPtr conn, int feature);
int node_get_info(virConnectPtr conn, virNodeInfoPtr info);
unsigned long long node_get_free_memory(virConnectPtr conn);
int node_get_cells_free_memory(virConnectPtr conn, unsigned long long *bytes, int first, int most);
int node_get_cpu_map(virConnectPtr conn, unsigned char **map, unsigned int *online,
		     unsigned int flags);
virCaps *capabilities_new(void);
char *connect_get_domain_capabilities(virConnectPtr conn, const char *emulator, const char *arch,
				      const char *machine, const char *type, unsigned int flags);
char *connect_domain_xml_from_native(virConnectPtr conn, const char *format, const char *text,
				     unsigned int flags);
char *connect_domain_xml_to_native(virConnectPtr conn, const char *format, const char *xml,
				   unsigned int flags);

int connect_list_domains(virConnectPtr conn, int *ids, int max);
int connect_num_of_domains(virConnectPtr conn);
int connect_list_defined_domains(virConnectPtr conn, char **const names, int max);
int connect_num_of_defined_domains(virConnectPtr conn);
int connect_list_all_domains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags);
virDomainPtr domain_lookup_by_id(virConnectPtr conn, int id);
virDomainPtr domain_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid);
virDomainPtr domain_lookup_by_name(virConnectPtr conn, const char *name);
int connect_event_register(virConnectPtr conn, virConnectDomainEventCallback callback, void *opaque,
			   virFreeCallback release);
int connect_event_deregister(virConnectPtr conn, virConnectDomainEventCallback callback);
int connect_event_register_any(virConnectPtr conn, virDomainPtr dom, int event,
			       virConnectDomainEventGenericCallback callback, void *opaque,
			       virFreeCallback release);
int connect_event_deregister_any(virConnectPtr conn, int callback);

char *domain_get_os_type(virDomainPtr dom);
unsigned long long domain_get_max_memory(virDomainPtr dom);
int domain_get_info(virDomainPtr dom, virDomainInfoPtr info);
int domain_get_state(virDomainPtr dom, int *state, int *reason, unsigned int flags);
int domain_get_control_info(virDomainPtr dom, virDomainControlInfoPtr info, unsigned int flags);
char *domain_get_xml_desc(virDomainPtr dom, unsigned int flags);
int domain_get_vcpus_flags(virDomainPtr dom, unsigned int flags);
int domain_get_max_vcpus(virDomainPtr dom);
int domain_is_active(virDomainPtr dom);
int domain_is_persistent(virDomainPtr dom);
int domain_is_updated(virDomainPtr dom);
int domain_has_managed_save_image(virDomainPtr dom, unsigned int flags);

virDomainPtr domain_define_xml(virConnectPtr conn, const char *xml);
virDomainPtr domain_define_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags);
int domain_undefine(virDomainPtr dom);
int domain_undefine_flags(virDomainPtr dom, unsigned int flags);
int domain_get_autostart(virDomainPtr dom, int *autostart);
int domain_set_autostart(virDomainPtr dom, int autostart);

virDomainPtr domain_create_xml(virConnectPtr conn, const char *xml, unsigned int flags);
int domain_create(virDomainPtr dom);
int domain_create_with_flags(virDomainPtr dom, unsigned int flags);
int domain_destroy(virDomainPtr dom);
int domain_destroy_flags(virDomainPtr dom, unsigned int flags);
int domain_shutdown(virDomainPtr dom);
int domain_shutdown_flags(virDomainPtr dom, unsigned int flags);
int domain_reboot(virDomainPtr dom, unsigned int flags);
int domain_suspend(virDomainPtr dom);
int domain_resume(virDomainPtr dom);

int domain_reset(virDomainPtr dom, unsigned int flags);
int domain_inject_nmi(virDomainPtr dom, unsigned int flags);
int domain_send_key(virDomainPtr dom, unsigned int codeset, unsigned int hold_ms,
		    unsigned int *codes, int count, unsigned int flags);
char *domain_screenshot(virDomainPtr dom, virStreamPtr stream, unsigned int screen,
			unsigned int flags);

int domain_set_vcpus(virDomainPtr dom, unsigned int count);
int domain_set_vcpus_flags(virDomainPtr dom, unsigned int count, unsigned int flags);
int domain_get_vcpus(virDomainPtr dom, virVcpuInfoPtr info, int most, unsigned char *maps,
		     int bytes);
int domain_get_vcpu_pin_info(virDomainPtr dom, int most, unsigned char *maps, int bytes,
			     unsigned int flags);
int domain_pin_vcpu(virDomainPtr dom, unsigned int vcpu, unsigned char *bits, int bytes);
int domain_pin_vcpu_flags(virDomainPtr dom, unsigned int vcpu, unsigned char *bits, int bytes,
			  unsigned int flags);
int domain_get_cpu_stats(virDomainPtr dom, virTypedParameterPtr params, unsigned int count,
			 int first, unsigned int cpus, unsigned int flags);
char *domain_get_scheduler_type(virDomainPtr dom, int *count);
int domain_get_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int *count);
int domain_get_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int *count,
					  unsigned int flags);
int domain_set_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int count);
int domain_set_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int count,
					  unsigned int flags);

int domain_set_memory(virDomainPtr dom, unsigned long kib);
int domain_set_memory_flags(virDomainPtr dom, unsigned long kib, unsigned int flags);
int domain_set_max_memory(virDomainPtr dom, unsigned long kib);
int domain_memory_stats(virDomainPtr dom, virDomainMemoryStatPtr stats, unsigned int most,
			unsigned int flags);

int domain_attach_device(virDomainPtr dom, const char *xml);
int domain_attach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags);
int domain_detach_device(virDomainPtr dom, const char *xml);
int domain_detach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags);
int domain_update_device_flags(virDomainPtr dom, const char *xml, unsigned int flags);

int domain_get_block_info(virDomainPtr dom, const char *path, virDomainBlockInfoPtr info,
			  unsigned int flags);
int domain_block_stats(virDomainPtr dom, const char *path, virDomainBlockStatsPtr stats);
int domain_block_stats_flags(virDomainPtr dom, const char *path, virTypedParameterPtr params,
			     int *count, unsigned int flags);
int domain_interface_stats(virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats);
int domain_interface_addresses(virDomainPtr dom, virDomainInterfacePtr **interfaces,
			       unsigned int source, unsigned int flags);
int connect_get_all_domain_stats(virConnectPtr conn, virDomainPtr *domains, unsigned int count,
				 unsigned int wanted, virDomainStatsRecordPtr **records,
				 unsigned int flags);

int domain_rename(virDomainPtr dom, const char *to, unsigned int flags);
char *domain_get_metadata(virDomainPtr dom, int type, const char *uri, unsigned int flags);
int domain_set_metadata(virDomainPtr dom, int type, const char *text, const char *key,
			const char *uri, unsigned int flags);

int domain_open_console(virDomainPtr dom, const char *device, virStreamPtr stream,
			unsigned int flags);

/* Once at the start of the daemon; then what watch.c hears. */
void lifecycle_autostart(void);
void follow_reconnect(void);
void follow_started(const unsigned char *uuid, uint32_t guest);
void follow_ended(const unsigned char *uuid, uint32_t guest, int end);
void follow_preserved(void);
void follow_pvh(void);

/* watch.c.  What happens after watch_open is heard once watch_run was called. */
int watch_open(void);
int watch_run(void);
void watch_stop(void);

/* xml_accept.c: 0, or -1 with an error that names the first element or attribute we do not know. */
int xml_accept(const char *xml);
int xml_accept_device(const char *xml);

/* xml_policy.c */
virDomainXMLOption *xml_options_new(void);

#endif
