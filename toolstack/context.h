/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of libdiptych: the context, and what the files of the library need of each other.  Nothing
 * here is exported.
 */
#ifndef DIPTYCH_CONTEXT_H
#define DIPTYCH_CONTEXT_H

#include <libxl.h>
#include <xenctrl.h>
#include <xenstore.h>
#include <xentoollog.h>

#include "libdiptych.h"

#define PAGES_PER_MIB 256u

struct events;

struct diptych {
	xentoollog_logger logger; /* first: libxl hands back a pointer to it */
	xc_interface *xc;
	struct xs_handle *xs;
	libxl_ctx *libxl;
	struct events *events; /* NULL until the first call that wants them */
	diptych_log_fn *log;
	void *log_user;
	diptych_progress_fn *progress;
	void *progress_user;
	char error[1024];
	char xen_error[512]; /* first error that Xen's libraries reported since clear_xen_error */
};

/* context.c: keep the text, log it, return -error. */
int fail(struct diptych *c, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void note(struct diptych *c, enum diptych_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void progress(struct diptych *c, const char *what, unsigned int percent);
void clear_xen_error(struct diptych *c);
const char *xen_error(const struct diptych *c); /* ": text", or "" when none was reported */

/* Text from a domain that is not trusted: nothing is left that a terminal or a log's reader would act on. */
static inline void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			*text = '?';
}

/* tree.c: xenstore.  Reads return strings by malloc, NULL when there is no such node. */
#define TREE_PATH 256
char *tree_read(struct diptych *c, const char *path, ...) __attribute__((format(printf, 2, 3)));
bool tree_read_id(struct diptych *c, uint32_t *id, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
bool tree_read_u64(struct diptych *c, uint64_t *value, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
void tree_remove(struct diptych *c, const char *path, ...) __attribute__((format(printf, 2, 3)));
int tree_write_pair(struct diptych *c, const struct diptych_desc *desc, uint32_t guest,
		    uint32_t fidelity, char *const *argv);
void tree_remove_pair(struct diptych *c, uint32_t guest);
/* Domain ids that the index of pairs holds, by malloc. */
int tree_index(struct diptych *c, uint32_t **guests, size_t *count);
void tree_index_remove(struct diptych *c, uint32_t guest);
/* Lets `xl console GUEST` find the pty. */
void tree_write_console(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *tty);

/* Devices of a pair by their numbers in the fidelity domain; -1: none. */
int tree_disk_slot(struct diptych *c, uint32_t fidelity, const char *target);
int tree_disc_slot(struct diptych *c, uint32_t fidelity, int slot); /* itself, or its disc's */
int tree_nic_slot(struct diptych *c, uint32_t fidelity, const uint8_t mac[6]);
int tree_free_slot(struct diptych *c, uint32_t fidelity, const char *kind, int most);
int tree_write_disk(struct diptych *c, uint32_t fidelity, int slot, const char *target);
int tree_write_disc(struct diptych *c, uint32_t fidelity, int drive, int slot);
int tree_write_nic(struct diptych *c, uint32_t fidelity, int slot, const uint8_t mac[6]);
void tree_write_target(struct diptych *c, uint32_t guest, uint64_t kib);
void tree_write_vnc(struct diptych *c, uint32_t guest, const char *address, unsigned int port);
int tree_rename(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *name);

/* list.c */
/* diptych_lookup_id, but that there is no such pair is no failure to be told of. */
int pair_find(struct diptych *c, uint32_t domid, struct diptych_pair *pair);
bool domain_info(struct diptych *c, uint32_t domid, xc_domaininfo_t *info);
void uuid_text(const uint8_t uuid[16], char text[37]);
bool uuid_is_zero(const uint8_t uuid[16]);

/* guest.c, fidelity.c: the two panels. */
unsigned int guest_video_mib(const struct diptych_desc *desc);
uint64_t guest_pool_pages(const struct diptych_desc *desc);
int guest_build(struct diptych *c, const struct diptych_desc *desc, uint32_t *domid);
int guest_destroy(struct diptych *c, uint32_t domid);
uint64_t fidelity_memory_kib(const struct diptych_desc *desc);
unsigned int fidelity_vcpus(const struct diptych_desc *desc);
int fidelity_build(struct diptych *c, const struct diptych_desc *desc, const uint8_t uuid[16],
		   uint32_t *domid);
int fidelity_destroy(struct diptych *c, uint32_t domid);
/* Whether libxl has something in that slot, whole or not. */
bool fidelity_has_disk(struct diptych *c, uint32_t domid, int slot);
bool fidelity_has_nic(struct diptych *c, uint32_t domid, int slot);
/* Removing: 0 also when there is none. */
int fidelity_add_disk(struct diptych *c, uint32_t domid, const struct diptych_disk *disk, int slot);
int fidelity_remove_disk(struct diptych *c, uint32_t domid, int slot);
int fidelity_add_nic(struct diptych *c, uint32_t domid, const struct diptych_nic *nic, int slot);
int fidelity_remove_nic(struct diptych *c, uint32_t domid, int slot);

/* loop.c: a descriptor of the device, to be kept until its user has it; negative errno, reported. */
int loop_attach(struct diptych *c, const char *path, bool readonly, char device[32]);

/* create.c: diptych_create by a caller that holds record_lock. */
#define PAIR_AGAIN 0x100u /* a flag: it has run, what is in its disks is its own word now */
int pair_create(struct diptych *c, const struct diptych_desc *desc, unsigned int flags,
		uint32_t *guest);

/* Completes what a description may leave open: absolute paths, names of disks, MACs, uuid. */
int desc_prepare(struct diptych *c, struct diptych_desc *desc);
int refuse_name(struct diptych *c, const struct diptych_desc *desc); /* that is in use */

/* end.c: diptych_destroy, with the reason that watchers shall be told. */
int pair_destroy(struct diptych *c, const struct diptych_pair *pair, enum diptych_end end);

/* Removes what a builder that was killed has left.  The caller holds record_lock, so it is dead. */
void pair_clean(struct diptych *c);

/* A pair of which neither panel exists any more: removes its traces. */
void pair_forget(struct diptych *c, uint32_t guest);

/* record.c: files below /run/diptych. */
int record_prepare(struct diptych *c);
/* One creator or destroyer at a time.  A descriptor to close; -EWOULDBLOCK when it would have to
 * wait. */
int record_lock(struct diptych *c, bool wait);
/* Which pair is being built, for who finds its builder dead; under record_lock. */
int record_building(struct diptych *c, const uint8_t guest[16], const uint8_t fidelity[16]);
bool record_read_building(uint8_t guest[16], uint8_t fidelity[16]);
void record_built(void);
int record_start(struct diptych *c, uint32_t guest, const struct diptych_desc *desc);
int record_write_desc(struct diptych *c, uint32_t guest, const struct diptych_desc *desc);
void record_end(struct diptych *c, uint32_t guest, const uint8_t uuid[16], enum diptych_end end);
enum diptych_end record_read_end(uint32_t guest, const uint8_t uuid[16]);
int record_read_desc(struct diptych *c, uint32_t guest, struct diptych_desc *desc);
void record_forget(uint32_t guest);
void record_keep(uint32_t guest); /* the pair has ended and stays: needs no monitor */
bool record_is_kept(uint32_t guest);
void record_want_reboot(uint32_t guest, bool wanted); /* its power-off is to count as a reboot */
bool record_wants_reboot(uint32_t guest);
int record_write_vnc(struct diptych *c, uint32_t guest, const char *address, unsigned int port);
bool record_read_vnc(uint32_t guest, char address[64], unsigned int *port);
int record_channel_lock(uint32_t guest, const char *name); /* -EWOULDBLOCK: somebody has it */
int record_change_lock(uint32_t guest);	 /* waits until nobody changes its devices */
int record_monitor_lock(uint32_t guest); /* descriptor to keep, -EWOULDBLOCK: there is a monitor */

/* console.c: tells other tools the pty of the guest; -ENXIO: there is none yet. */
int console_show(struct diptych *c, const struct diptych_pair *pair);

/* monitor-start.c */
int monitor_start(struct diptych *c, uint32_t guest);
/* A process that cleans up when this one dies while it builds. */
void guard_start(struct diptych *c);

/* events.c */
void events_free(struct events *events);

#endif
