/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port accesses.  The plain forms are complete in the exit; string forms go through the emulator. */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "minv-int.h"

int minv_handle_io(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;
	unsigned int size = state->exit.io.size;
	uint16_t port = state->exit.io.port;
	bool in = state->exit.io.in;
	uint32_t data = (uint32_t)state->gpr[R_EAX];

	if (state->exit.io.string)
		return minv_handle_string_io(cpu);
	/* RIP first: the device may stop the vCPU or take its registers. */
	minv_set_rip(cpu, state->exit.io.next_rip);
	if (in)
		data = 0;
	address_space_rw(&address_space_io, port, MEMTXATTRS_UNSPECIFIED, &data, size, !in);
	if (in && size == 4)
		minv_set_gpr(cpu, R_EAX, data);
	else if (in)
		minv_set_gpr(cpu, R_EAX, deposit64(state->gpr[R_EAX], 0, (int)size * 8, data));
	return 0;
}
