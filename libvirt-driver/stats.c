/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain's disks and interfaces have done.  dom0's backends count; those of a pair libdiptych
 * finds, as what was plugged in has whatever number was free.
 */
#include "xen.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <util/virfile.h>
#include <util/virmacaddr.h>
#include <util/virnetdevtap.h>
#include <util/virtypedparam.h>
#include <util/virutil.h>

VIR_LOG_INIT("diptych.stats");

#define VBD_FIRST  51712u /* xvda, as Xen numbers block devices */
#define VBD_STEP   16u
#define SECTOR	   512ull
#define VBD_FOLDER "/sys/bus/xen-backend/devices"

/* Disks ---------------------------------------------------------------------------------------- */

static int disk_index(virDomainObj *vm, const char *path)
{
	int index = virDomainDiskIndexByName(vm->def, path, false);

	if (index < 0)
		virReportError(VIR_ERR_INVALID_ARG, _("invalid path: %s"), path);
	return index;
}

int domain_get_block_info(virDomainPtr dom, const char *path, virDomainBlockInfoPtr info,
			  unsigned int flags)
{
	VIR_AUTOCLOSE fd = -1;
	const char *source;
	virDomainObj *vm;
	struct stat st;
	int index, ret = -1;
	off_t end;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = domain_for(dom, virDomainGetBlockInfoEnsureACL);
	if (!vm)
		return -1;
	index = disk_index(vm, path);
	if (index < 0)
		goto out;
	source = virDomainDiskGetSource(vm->def->disks[index]);
	if (!source) {
		virReportError(VIR_ERR_INVALID_ARG, _("disk '%s' has no medium"), path);
		goto out;
	}
	fd = open(source, O_RDONLY | O_CLOEXEC);
	end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (end < 0 || fstat(fd, &st) < 0) {
		virReportSystemError(errno, _("cannot read '%s'"), source);
		goto out;
	}
	info->capacity = info->physical = (unsigned long long)end;
	info->allocation = S_ISBLK(st.st_mode) ? info->capacity
					       : (unsigned long long)st.st_blocks * SECTOR;
	ret = 0;
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

static int counter(const char *folder, const char *name, uint64_t *value)
{
	unsigned long long read = 0;
	int ret = virFileReadValueUllong(&read, "%s/statistics/%s", folder, name);

	*value = read;
	return ret;
}

static int pvh_disk_stats(const virDomainDef *def, const char *target,
			  struct diptych_disk_stats *stats)
{
	unsigned int number = VBD_FIRST + VBD_STEP * (unsigned int)virDiskNameToIndex(target);
	g_autofree char *folder = g_strdup_printf(VBD_FOLDER "/vbd-%d-%u", def->id, number);

	if (counter(folder, "rd_req", &stats->read_requests) < 0 ||
	    counter(folder, "wr_req", &stats->write_requests) < 0 ||
	    counter(folder, "f_req", &stats->flush_requests) < 0 ||
	    counter(folder, "rd_sect", &stats->read_bytes) < 0 ||
	    counter(folder, "wr_sect", &stats->write_bytes) < 0) {
		virReportError(VIR_ERR_OPERATION_FAILED, _("disk '%s': its backend has no %s"),
			       target, folder);
		return -1;
	}
	stats->read_bytes *= SECTOR;
	stats->write_bytes *= SECTOR;
	return 0;
}

/* A disk without a medium has no backend, and has done nothing. */
static int disk_stats(const virDomainDef *def, size_t index, struct diptych_disk_stats *stats)
{
	const char *target = def->disks[index]->dst;

	memset(stats, 0, sizeof(*stats));
	if (!virDomainDiskGetSource(def->disks[index]))
		return 0;
	return is_pvh(def) ? pvh_disk_stats(def, target, stats)
			   : pair_disk_stats((uint32_t)def->id, target, stats);
}

/* "" or NULL: all disks together, as libvirt has it. */
static int stats_of(virDomainPtr dom, const char *path, struct diptych_disk_stats *sum,
		    int (*allowed)(virConnectPtr, virDomainDef *))
{
	virDomainObj *vm = domain_for(dom, allowed);
	struct diptych_disk_stats one;
	int index = -1, ret = -1;
	size_t i;

	if (!vm)
		return -1;
	memset(sum, 0, sizeof(*sum));
	if (virDomainObjCheckActive(vm) < 0)
		goto out;
	if (path && *path) {
		index = disk_index(vm, path);
		if (index < 0)
			goto out;
	}
	for (i = 0; i < vm->def->ndisks; i++) {
		if (index >= 0 && i != (size_t)index)
			continue;
		if (disk_stats(vm->def, i, &one) < 0)
			goto out;
		sum->read_requests += one.read_requests;
		sum->read_bytes += one.read_bytes;
		sum->write_requests += one.write_requests;
		sum->write_bytes += one.write_bytes;
		sum->flush_requests += one.flush_requests;
	}
	ret = 0;
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_block_stats(virDomainPtr dom, const char *path, virDomainBlockStatsPtr stats)
{
	struct diptych_disk_stats block;

	if (stats_of(dom, path, &block, virDomainBlockStatsEnsureACL) < 0)
		return -1;
	stats->rd_req = (long long)block.read_requests;
	stats->rd_bytes = (long long)block.read_bytes;
	stats->wr_req = (long long)block.write_requests;
	stats->wr_bytes = (long long)block.write_bytes;
	stats->errs = -1;
	return 0;
}

int domain_block_stats_flags(virDomainPtr dom, const char *path, virTypedParameterPtr params,
			     int *count, unsigned int flags)
{
	struct diptych_disk_stats block;
	const struct {
		const char *name;
		const uint64_t *value;
	} all[] = {
		{ VIR_DOMAIN_BLOCK_STATS_READ_REQ, &block.read_requests },
		{ VIR_DOMAIN_BLOCK_STATS_READ_BYTES, &block.read_bytes },
		{ VIR_DOMAIN_BLOCK_STATS_WRITE_REQ, &block.write_requests },
		{ VIR_DOMAIN_BLOCK_STATS_WRITE_BYTES, &block.write_bytes },
		{ VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ, &block.flush_requests },
	};
	size_t i;

	if (check_flags(__func__, flags, VIR_TYPED_PARAM_STRING_OKAY) < 0 ||
	    stats_of(dom, path, &block, virDomainBlockStatsFlagsEnsureACL) < 0)
		return -1;
	if (!*count) {
		*count = G_N_ELEMENTS(all);
		return 0;
	}
	*count = MIN(*count, (int)G_N_ELEMENTS(all));
	for (i = 0; i < (size_t)*count; i++) {
		if (virTypedParameterAssign(&params[i], all[i].name, VIR_TYPED_PARAM_LLONG,
					    (long long)*all[i].value) < 0)
			return -1;
	}
	return 0;
}

/* Interfaces ----------------------------------------------------------------------------------- */

/* dom0 sends what the guest receives: the counters change places. */
static int net_stats(const char *name, virDomainInterfaceStatsPtr stats)
{
	return virNetDevTapInterfaceStats(name, stats, true);
}

int domain_interface_stats(virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats)
{
	virDomainObj *vm = domain_for(dom, virDomainInterfaceStatsEnsureACL);
	virDomainNetDef *net;
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) == 0 && (net = virDomainNetFind(vm->def, device)))
		ret = net_stats(net->ifname, stats);
	virDomainObjEndAPI(&vm);
	return ret;
}

/* Who leases addresses on a bridge of the administrator's, dom0 does not know; what dom0 has heard
 * on the wire it does. */
int domain_interface_addresses(virDomainPtr dom, virDomainInterfacePtr **interfaces,
			       unsigned int source, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = domain_for_flags(dom, virDomainInterfaceAddressesEnsureACL, source);
	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) < 0)
		goto out;
	switch (source) {
	case VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE:
		ret = virDomainNetDHCPInterfaces(vm->def, interfaces);
		break;
	case VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP:
		ret = virDomainNetARPInterfaces(vm->def, interfaces);
		break;
	default:
		virReportError(VIR_ERR_ARGUMENT_UNSUPPORTED, _("source %u: only lease and arp"),
			       source);
	}
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

/* domstats ------------------------------------------------------------------------------------- */

static int add_state(virDomainObj *vm, virTypedParamList *list)
{
	int reason;
	int state = (int)virDomainObjGetState(vm, &reason);

	return libvirt_failed(virTypedParamListAddInt(list, state, "state.state")) ||
			       libvirt_failed(virTypedParamListAddInt(list, reason, "state.reason"))
		       ? -1
		       : 0;
}

static int add_cpu(virDomainObj *vm, virTypedParamList *list)
{
	if (!virDomainObjIsActive(vm))
		return 0;
	return libvirt_failed(virTypedParamListAddULLong(list, cpu_time(vm), "cpu.time")) ? -1 : 0;
}

static int add_balloon(virDomainObj *vm, virTypedParamList *list)
{
	if (libvirt_failed(
		    virTypedParamListAddULLong(list, vm->def->mem.cur_balloon, "balloon.current")))
		return -1;
	return libvirt_failed(virTypedParamListAddULLong(list, virDomainDefGetMemoryTotal(vm->def),
							 "balloon.maximum"))
		       ? -1
		       : 0;
}

static int add_vcpu(virDomainObj *vm, virTypedParamList *list)
{
	if (libvirt_failed(
		    virTypedParamListAddUInt(list, virDomainDefGetVcpus(vm->def), "vcpu.current")))
		return -1;
	return libvirt_failed(virTypedParamListAddUInt(list, virDomainDefGetVcpusMax(vm->def),
						       "vcpu.maximum"))
		       ? -1
		       : 0;
}

static int add_net(virDomainObj *vm, virTypedParamList *list)
{
	virDomainInterfaceStatsStruct stats;
	size_t i;

	if (!virDomainObjIsActive(vm))
		return 0;
	if (libvirt_failed(
		    virTypedParamListAddUInt(list, (unsigned int)vm->def->nnets, "net.count")))
		return -1;
	for (i = 0; i < vm->def->nnets; i++) {
		const char *name = vm->def->nets[i]->ifname;

		if (!name)
			continue;
		if (libvirt_failed(virTypedParamListAddString(list, name, "net.%zu.name", i)))
			return -1;
		if (net_stats(name, &stats) < 0) {
			virResetLastError();
			continue;
		}
#define ADD(field, key)                                                                  \
	libvirt_failed(virTypedParamListAddULLong(list, (unsigned long long)stats.field, \
						  "net.%zu." key, i))
		if (ADD(rx_bytes, "rx.bytes") || ADD(rx_packets, "rx.pkts") ||
		    ADD(rx_errs, "rx.errs") || ADD(rx_drop, "rx.drop") ||
		    ADD(tx_bytes, "tx.bytes") || ADD(tx_packets, "tx.pkts") ||
		    ADD(tx_errs, "tx.errs") || ADD(tx_drop, "tx.drop"))
			return -1;
#undef ADD
	}
	return 0;
}

static int add_block(virDomainObj *vm, virTypedParamList *list)
{
	struct diptych_disk_stats block;
	size_t i;

	if (!virDomainObjIsActive(vm))
		return 0;
	if (libvirt_failed(
		    virTypedParamListAddUInt(list, (unsigned int)vm->def->ndisks, "block.count")))
		return -1;
	for (i = 0; i < vm->def->ndisks; i++) {
		const char *source = virDomainDiskGetSource(vm->def->disks[i]);

		if (libvirt_failed(virTypedParamListAddString(list, vm->def->disks[i]->dst,
							      "block.%zu.name", i)) ||
		    (source &&
		     libvirt_failed(virTypedParamListAddString(list, source, "block.%zu.path", i))))
			return -1;
		if (disk_stats(vm->def, i, &block) < 0) {
			virResetLastError();
			continue;
		}
#define ADD(field, key) \
	libvirt_failed(virTypedParamListAddULLong(list, block.field, "block.%zu." key, i))
		if (ADD(read_requests, "rd.reqs") || ADD(read_bytes, "rd.bytes") ||
		    ADD(write_requests, "wr.reqs") || ADD(write_bytes, "wr.bytes") ||
		    ADD(flush_requests, "fl.reqs"))
			return -1;
#undef ADD
	}
	return 0;
}

static const struct {
	unsigned int bit;
	int (*add)(virDomainObj *vm, virTypedParamList *list);
} groups[] = {
	{ VIR_DOMAIN_STATS_STATE, add_state },	   { VIR_DOMAIN_STATS_CPU_TOTAL, add_cpu },
	{ VIR_DOMAIN_STATS_BALLOON, add_balloon }, { VIR_DOMAIN_STATS_VCPU, add_vcpu },
	{ VIR_DOMAIN_STATS_INTERFACE, add_net },   { VIR_DOMAIN_STATS_BLOCK, add_block },
};

static virDomainStatsRecordPtr record(virConnectPtr conn, virDomainObj *vm, unsigned int wanted)
{
	g_autoptr(virTypedParamList) list = list_new();
	virDomainStatsRecordPtr made;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(groups); i++) {
		if (wanted & groups[i].bit && groups[i].add(vm, list) < 0)
			return NULL;
	}
	made = g_new0(virDomainStatsRecord, 1);
	made->dom = domain_handle(conn, vm);
	if (!made->dom) {
		g_free(made);
		return NULL;
	}
	made->nparams = list_steal(list, &made->params);
	return made;
}

static int wanted_groups(unsigned int *wanted, bool enforce)
{
	unsigned int all = 0;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(groups); i++)
		all |= groups[i].bit;
	if (!*wanted) {
		*wanted = all;
	} else if (*wanted & ~all && enforce) {
		virReportError(VIR_ERR_ARGUMENT_UNSUPPORTED,
			       _("domstats: groups 0x%x are not supported by Diptych"),
			       *wanted & ~all);
		return -1;
	}
	return 0;
}

int connect_get_all_domain_stats(virConnectPtr conn, virDomainPtr *domains, unsigned int count,
				 unsigned int wanted, virDomainStatsRecordPtr **records,
				 unsigned int flags)
{
	unsigned int filter = flags & (VIR_CONNECT_LIST_DOMAINS_FILTERS_ACTIVE |
				       VIR_CONNECT_LIST_DOMAINS_FILTERS_PERSISTENT |
				       VIR_CONNECT_LIST_DOMAINS_FILTERS_STATE);
	virDomainStatsRecordPtr *made;
	virDomainObj **vms = NULL;
	size_t found = 0, i;
	int ret = -1;

	if (check_flags(__func__, flags,
			filter | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS |
				VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT) < 0 ||
	    virConnectGetAllDomainStatsEnsureACL(conn) < 0 ||
	    wanted_groups(&wanted, flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS) < 0)
		return -1;
	if (count) {
		if (virDomainObjListConvert(driver->domains, conn, domains, count, &vms, &found,
					    virConnectGetAllDomainStatsCheckACL, filter, true) < 0)
			return -1;
	} else {
		virDomainObjListCollect(driver->domains, conn, &vms, &found,
					virConnectGetAllDomainStatsCheckACL, filter);
	}
	made = g_new0(virDomainStatsRecordPtr, found + 1);
	for (i = 0; i < found; i++) {
		virObjectLock(vms[i]);
		made[i] = record(conn, vms[i], wanted);
		virObjectUnlock(vms[i]);
		if (!made[i])
			break;
	}
	if (i == found) {
		*records = g_steal_pointer(&made);
		ret = (int)found;
	}
	virDomainStatsRecordListFree(made);
	virObjectListFreeCount(vms, found);
	return ret;
}
