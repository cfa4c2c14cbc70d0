// SPDX-License-Identifier: GPL-2.0-or-later
/* console_io: dom0's text to the serial line and the ring, and the line's input to dom0. */
#include "xen/call.h"

#define PIECE	    128u
#define WRITE_CHUNK 1024u /* a slow serial line: let others run in between */

/* (command, count, buffer) */
s64 do_console_io(struct call *c)
{
	u64 count = c->arg[1] & 0xffffffff, done = 0;
	char piece[PIECE];
	u32 n;

	if (!c->d->hardware)
		return -EPERM;
	switch (c->arg[0]) {
	case CONSOLEIO_write:
		while (done < count) {
			if (done == WRITE_CHUNK) {
				c->arg[1] = count - done;
				c->arg[2] += done;
				return CALL_AGAIN;
			}
			n = (u32)min_u64(count - done, PIECE);
			if (copy_from_guest(c->v, piece, c->arg[2] + done, n))
				return -EFAULT;
			console_write(piece, n);
			done += n;
		}
		return 0;
	case CONSOLEIO_read:
		while (done < count) {
			int byte = -1;

			for (n = 0; n < PIECE && done + n < count; n++) {
				byte = console_read();
				if (byte < 0)
					break;
				piece[n] = (char)byte;
			}
			if (n && copy_to_guest(c->v, c->arg[2] + done, piece, n))
				return -EFAULT;
			done += n;
			if (byte < 0)
				break;
		}
		return (s64)done;
	default:
		return -ENOSYS;
	}
}
