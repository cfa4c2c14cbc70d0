/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt's internal functions look like in 9.0, where they differ from 11.3: its folder has the same names. */
#pragma once

/* Whether a call failed that cannot fail in the other one. */
#define libvirt_failed(call) ((call) < 0)

static inline int pid_file(const char *folder, const char *name)
{
	return virPidFileAcquire(folder, name, false, getpid());
}

static inline virCapsGuestMachine **machines(const char *const *names, int count)
{
	return virCapabilitiesAllocMachines(names, count);
}

static inline void net_release(virConnectPtr conn, virDomainDef *def, virDomainNetDef *net)
{
	virDomainNetReleaseActualDevice(conn, def, net);
}

static inline virTypedParamList *list_new(void)
{
	return g_new0(virTypedParamList, 1);
}

/* Returns how many there are. */
static inline int list_steal(virTypedParamList *list, virTypedParameterPtr *params)
{
	return (int)virTypedParamListStealParams(list, params);
}
