/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's end of the channels to a fidelity domain, and QMP over one of them. */
#ifndef DIPTYCH_CHANNEL_H
#define DIPTYCH_CHANNEL_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

struct diptych;
struct diptych_pair;
struct libxenvchan;

struct channel {
	struct libxenvchan *ring;
	int lock;
};

int64_t clock_ms(void);

/* Once: -EWOULDBLOCK, somebody else has it; -ENXIO, nobody serves it now.  Nothing is reported. */
int channel_try(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *name,
		struct channel *channel);
/* Until clock_ms() is `until`; failures are reported. */
int channel_open(struct diptych *c, const struct diptych_pair *pair, const char *name,
		 int64_t until, struct channel *channel);
void channel_close(struct channel *channel);
/* Whether something has come until then; false at once when the other side closes. */
bool channel_speaks(struct channel *channel, int64_t until);
/* How many bytes came, 0 when the other side has closed, -ETIMEDOUT. */
int channel_read(struct channel *channel, void *to, size_t size, int64_t until);
/* All of it: 0, -EPIPE, -ETIMEDOUT. */
int channel_write(struct channel *channel, const char *from, size_t size, int64_t until);

/* qmp.c: QEMU's monitor. */
struct qmp {
	struct diptych *c;
	struct channel channel;
	char *buffer;	   /* what came and was not yet read as a message: */
	size_t from, held; /* so many bytes from there */
	int error;	   /* of a lost connection: what comes now may answer an earlier command */
};
int qmp_open(struct diptych *c, const struct diptych_pair *pair, struct qmp *qmp);
/* *answer (may be NULL) is the text of the return value, by malloc.  -EREMOTEIO: QEMU refused. */
int qmp_run(struct qmp *qmp, char **answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void qmp_close(struct qmp *qmp);

#endif
