/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port access of a PVH domain, and of dom0 to the core's own UART: there is no
 * device.  Reads give all-ones, writes vanish (contract 1.9).
 */
#include "lib.h"
#include "vcpu/vcpu.h"

#define IOIO_IN	     (1ull << 0)
#define IOIO_STRING  (1ull << 2)
#define IOIO_REP     (1ull << 3)
#define IOIO_SIZE(i) ((i) >> 4 & 7) /* 1, 2 or 4 bytes */
#define PORT_PIT_2   0x42 /* 0 ends Linux's calibration loop after 6 reads instead of 100,000 */
#define PORT_DEBUG   0xe9

/* Early text of a domain that has no console yet. Not said unless asked for: a domain could keep the UART busy with it. */
static void debug_byte(u16 domid, char c)
{
	static char line[120];
	static size_t n;
	static u16 whose;

	if (whose != domid || c == '\n' || n == sizeof(line) - 1) {
		line[n] = 0;
		if (n)
			printk(LOG_G_DEBUG "d%u: %s\n", whose, line);
		n = 0;
		whose = domid;
	}
	/* What a terminal would take for a command is left out. */
	if (c == '\t' || (c >= ' ' && c < 0x7f))
		line[n++] = c;
}

void port_access(struct vcpu *v, u16 domid)
{
	u64 info = v->vmcb->exit_info_1;
	u16 port = (u16)(info >> 16);

	if (info & IOIO_STRING) {
		if (info & IOIO_REP)
			v->regs.r[RCX] = 0;
	} else if (info & IOIO_IN) {
		u64 mask = IOIO_SIZE(info) == 1 ? 0xff : IOIO_SIZE(info) == 2 ? 0xffff : 0xffffffff;
		u64 value = port == PORT_PIT_2 ? 0 : mask;

		/* A 32-bit result clears the upper half. */
		v->vmcb->rax = mask == 0xffffffff ? value : (v->vmcb->rax & ~mask) | value;
	} else if (port == PORT_DEBUG) {
		debug_byte(domid, (char)v->vmcb->rax);
	}
	vcpu_go_on(v, v->vmcb->exit_info_2);
}
