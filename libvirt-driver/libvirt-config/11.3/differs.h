/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt's internal functions look like in 11.3, where they differ from 9.0: its folder has the same names. */
#pragma once

/* Whether a call failed that cannot fail in this one. */
#define libvirt_failed(call) ((call), false)

static inline int pid_file(const char *folder, const char *name)
{
	return virPidFileAcquire(folder, name, getpid());
}

static inline virCapsGuestMachine **machines(const char *const *names, int count)
{
	return virCapabilitiesAllocMachines(names, &count);
}

static inline void net_release(virConnectPtr conn, virDomainDef *def G_GNUC_UNUSED,
			       virDomainNetDef *net)
{
	virDomainNetReleaseActualDevice(conn, net);
}

static inline virTypedParamList *list_new(void)
{
	return virTypedParamListNew();
}

/* Returns how many there are, or -1. */
static inline int list_steal(virTypedParamList *list, virTypedParameterPtr *params)
{
	int count;

	return virTypedParamListSteal(list, params, &count) < 0 ? -1 : count;
}
