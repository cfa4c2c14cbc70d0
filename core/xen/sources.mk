# SPDX-License-Identifier: GPL-2.0-or-later
XEN_SOURCES = \
	xen/hypercall.c \
	xen/lifecycle.c \
	xen/evtchn.c \
	xen/evtchn_op.c \
	xen/grant.c \
	xen/grant_map.c \
	xen/memory_op.c \
	xen/reserve.c \
	xen/mapping.c \
	xen/version.c \
	xen/console_io.c \
	xen/platform_op.c \
	xen/time.c \
	xen/vcpu_op.c \
	xen/sched_op.c \
	xen/hvm_op.c \
	xen/policy.c \
	xen/hvm_context.c \
	xen/vcpu_context.c \
	xen/domctl.c \
	xen/domctl_life.c \
	xen/scheduling.c \
	xen/sysctl.c \
	xen/topology.c
