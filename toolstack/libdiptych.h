/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdiptych: build, watch and end pairs.  A pair is a real guest and its own fidelity domain: one
 * thing for the user, two domains for the hypervisor.  Used by dxl, by the libvirt driver and by
 * the monitor that stays beside every pair.
 *
 * Conventions
 *   - Functions that can fail return 0 or a negative errno value.  The text of the last failure of
 *     a context, a whole sentence without newline, is diptych_error(context); it is also given to
 *     the log callback at level DIPTYCH_ERROR.
 *   - A context is used by one thread at a time; several contexts in one process are fine.
 *   - The library may start child processes.  It reaps only its own, and installs a SIGCHLD handler
 *     (libxl's, selective) when the first context is opened.
 *   - Strings in structures are allocated by malloc and owned by the structure.  To change one,
 *     free the old and assign a strdup.
 *   - A guest is named by the domain id of its real-guest panel ("guest").
 *   - Plain PVH domains are libxl's business and unknown here.
 */
#ifndef LIBDIPTYCH_H
#define LIBDIPTYCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DIPTYCH_NO_DOMAIN UINT32_MAX

/* Release of the library, such as "0.1". */
const char *diptych_version(void);

/* ---- Context -------------------------------------------------------------------------------- */

struct diptych;

enum diptych_level { DIPTYCH_DEBUG, DIPTYCH_INFO, DIPTYCH_WARNING, DIPTYCH_ERROR };

/* Called in the thread that called the library; `message` lives until it returns. */
typedef void diptych_log_fn(void *user, enum diptych_level level, const char *message);

/* While a pair is built: `what` is a short phrase, `percent` 0..100. */
typedef void diptych_progress_fn(void *user, const char *what, unsigned int percent);

/* Opens the hypervisor, xenstore and libxl.  `log` may be NULL.  On failure *context is NULL and
 * the reason has been given to `log`.  -ENOSYS: this is no control domain. */
int diptych_open(struct diptych **context, diptych_log_fn *log, void *user);
void diptych_close(struct diptych *context); /* NULL is fine */

/* Text of the last failure, "" when there was none; lives until the next call on this context. */
const char *diptych_error(const struct diptych *context);

void diptych_set_progress(struct diptych *context, diptych_progress_fn *progress, void *user);

/* ---- Description of a pair ------------------------------------------------------------------ */

enum diptych_firmware { DIPTYCH_SEABIOS, DIPTYCH_OVMF };
enum diptych_machine { DIPTYCH_PC, DIPTYCH_Q35 }; /* i440FX; ICH9 with PCI Express */
enum diptych_disk_format { DIPTYCH_RAW, DIPTYCH_QCOW2 };
enum diptych_disk_bus { DIPTYCH_BUS_VIRTIO, DIPTYCH_BUS_IDE, DIPTYCH_BUS_SATA };
enum diptych_nic_model { DIPTYCH_NIC_VIRTIO, DIPTYCH_NIC_E1000 };

/* What to do when the guest has ended by itself. */
enum diptych_action {
	DIPTYCH_ACTION_DESTROY,
	DIPTYCH_ACTION_RESTART,	 /* build the pair anew from the same description */
	DIPTYCH_ACTION_PRESERVE, /* leave both panels for inspection */
};

struct diptych_disk {
	char *path; /* block device or file in dom0; NULL: a CD-ROM drive without a disc */
	/* Its name in xl.cfg ("xvda", "hdc", "sdb"), by which the functions for running pairs know
	 * it; unique in a pair.  NULL: create chooses one. */
	char *target;
	enum diptych_disk_format format;
	enum diptych_disk_bus bus;
	bool readonly;
	bool cdrom;
	unsigned int line; /* in the configuration file, 0 not known: for messages */
};

struct diptych_nic {
	uint8_t mac[6]; /* all zero: one is made from the guest's uuid */
	char *bridge;	/* NULL: the host's default */
	enum diptych_nic_model model;
	unsigned int line;
};

struct diptych_desc {
	char *name;
	uint8_t uuid[16];	     /* all zero: create chooses a random one */
	uint64_t max_memory_kib;     /* the guest's RAM, whole MiB */
	uint64_t current_memory_kib; /* 0: as max */
	unsigned int vcpus;
	enum diptych_firmware firmware;
	char *boot; /* order, letters as in xl.cfg: c disk, d CD-ROM, n network; NULL: "c" */
	struct diptych_disk *disks; /* array by malloc; grow with diptych_desc_add_disk */
	size_t disk_count;
	struct diptych_nic *nics;
	size_t nic_count;
	bool serial; /* first serial port on a pty, see diptych_console_path */
	enum diptych_machine machine;
	bool vga;		/* a screen: standard VGA */
	unsigned int video_mib; /* its memory; 0: 16 */
	bool vnc;		/* the screen at a TCP port of dom0, see diptych_vnc; needs vga */
	char *vnc_listen;	/* address; NULL: 127.0.0.1 */
	unsigned int vnc_port;	/* 0: the first free one from 5900 on */
	bool usb_tablet;	/* a pointer that follows a viewer's */
	/* Scheduling: of the fidelity domain, on whose time the guest runs. */
	unsigned int weight; /* 1..65535, 0: the scheduler's default (256) */
	unsigned int cap;    /* percent of one CPU, 0: none */
	char *cpus; /* where it may run, as xl.cfg's cpus: "0-3,^2"; a part per vCPU, with "/"
		     * between them; NULL: anywhere */
	enum diptych_action on_poweroff, on_reboot, on_crash;

	/* The fidelity domain.  NULL and 0: the installed image and its usual size. */
	char *fidelity_kernel;
	char *fidelity_ramdisk;
	char *fidelity_cmdline;
	uint64_t fidelity_memory_kib;
	unsigned int fidelity_vcpus; /* at most `vcpus`; 0: as many.  With fewer, vCPU n of the
				      * guest runs on the time of n modulo their number. */

	char *source; /* file that it was read from, for messages; may be NULL */
	struct {      /* where in it, 0 not known */
		unsigned int name, uuid, memory, vcpus, boot, kernel, ramdisk;
		unsigned int fidelity_vcpus;
	} lines;
	char *notes; /* set by the parser: what will have no effect, one a line; may be NULL */
};

/* Defaults: 1 vCPU, SeaBIOS, pc, serial, no screen, every action DESTROY but on_reboot RESTART.
 * (xl.cfg files have a screen with VNC unless they say otherwise.) */
void diptych_desc_init(struct diptych_desc *desc);
void diptych_desc_dispose(struct diptych_desc *desc);

/* New zeroed element at the end, NULL when memory is out.  Pointers to earlier elements become
 * stale. */
struct diptych_disk *diptych_desc_add_disk(struct diptych_desc *desc);
struct diptych_nic *diptych_desc_add_nic(struct diptych_desc *desc);

/*
 * Reads xl.cfg text (type="hvm") into an initialised description.  No hypervisor is needed.  `name`
 * is the file's name for messages.  On failure *error is text by malloc, one message per line, each
 * with file and line where there is one.  -ENOTSUP: type="pvh", which is libxl's to build.
 */
int diptych_desc_parse(struct diptych_desc *desc, const char *name, const char *text, size_t length,
		       char **error);
int diptych_desc_parse_file(struct diptych_desc *desc, const char *path, char **error);

/* The description as xl.cfg text, a string by malloc that diptych_desc_parse reads back to an equal
 * description.  NULL when memory is out. */
char *diptych_desc_format(const struct diptych_desc *desc);

/* Whether this release can build it, and whether its files are there: the same checks that create
 * makes before it touches anything.  *error as above. */
int diptych_desc_check(const struct diptych_desc *desc, char **error);

/* ---- Building and ending -------------------------------------------------------------------- */

#define DIPTYCH_CREATE_PAUSED 1u /* both panels stay paused until diptych_unpause */

/*
 * Builds a pair and lets it run.  *guest is the real guest's domain id.  On failure nothing is
 * left: no domain, no xenstore key.  -EEXIST: the name or uuid is in use.  A monitor process is
 * left behind that ends both panels when one ends, does what on_poweroff, on_reboot and on_crash
 * say, and writes to /var/log/diptych/NAME.log; it does not depend on the caller.  Blocks for
 * seconds.
 */
int diptych_create(struct diptych *context, const struct diptych_desc *desc, unsigned int flags,
		   uint32_t *guest);

/* Ends both panels at once and removes all that is left of them.  Blocks until they are gone.  Also
 * right for a pair of which one panel is gone already.  -ESRCH: there is no such pair. */
int diptych_destroy(struct diptych *context, uint32_t guest);

/* Ask the guest to end, by the ACPI power button, and return: whether and when it does is its own
 * affair.  After diptych_reboot its end counts as a reboot (on_reboot decides). */
int diptych_shutdown(struct diptych *context, uint32_t guest);
int diptych_reboot(struct diptych *context, uint32_t guest);

/* As if by the reset button: the guest ends at once and on_reboot decides. */
int diptych_reset(struct diptych *context, uint32_t guest);

/* Both panels. */
int diptych_pause(struct diptych *context, uint32_t guest);
int diptych_unpause(struct diptych *context, uint32_t guest);

/* Whether it has ended and stays because on_... is preserve. */
bool diptych_is_kept(struct diptych *context, uint32_t guest);

/* Starts a monitor for every pair that has lost its own, and removes the traces of pairs whose
 * panels other tools have destroyed.  For long-lived callers at their start, and for dxl at every
 * one. */
int diptych_tend(struct diptych *context);

/* Waits until nobody builds a pair or takes one apart.  A pair that is built anew is not there
 * for seconds, to the lookups below; after this it is, or it is gone for good. */
int diptych_settle(struct diptych *context);

/* ---- Looking -------------------------------------------------------------------------------- */

enum diptych_state {
	DIPTYCH_RUNNING,
	DIPTYCH_BLOCKED, /* waits for an interrupt */
	DIPTYCH_PAUSED,
	DIPTYCH_SHUTDOWN, /* has ended, its panels are still there */
	DIPTYCH_DYING,	  /* is being taken apart, or one panel is gone */
};

/* Why a pair ended. */
enum diptych_end {
	DIPTYCH_END_UNKNOWN,
	DIPTYCH_END_POWEROFF,  /* the guest powered off */
	DIPTYCH_END_REBOOT,    /* the guest asked for a reset */
	DIPTYCH_END_CRASH,     /* the guest crashed */
	DIPTYCH_END_FIDELITY,  /* its fidelity domain ended or was killed before it */
	DIPTYCH_END_DESTROYED, /* somebody destroyed it */
};
const char *diptych_end_text(enum diptych_end end); /* "poweroff", "reboot", ... never NULL */

struct diptych_pair {
	uint32_t guest; /* names the pair, also when that panel is gone already (DIPTYCH_DYING) */
	uint32_t fidelity; /* DIPTYCH_NO_DOMAIN: that panel is gone */
	char *name;
	uint8_t uuid[16];
	enum diptych_state state;
	enum diptych_end end; /* meaningful in DIPTYCH_SHUTDOWN and DIPTYCH_DYING */
	uint64_t memory_kib;  /* RAM that the guest sees */
	uint64_t pool_kib;    /* memory of its domain: RAM, video memory, firmware */
	uint64_t fidelity_memory_kib;
	unsigned int vcpus, fidelity_vcpus;
	uint64_t guest_ns; /* CPU time spent in the guest, and in its fidelity domain */
	uint64_t fidelity_ns;
};

/* All pairs, by guest domain id.  Free with diptych_pairs_free. */
int diptych_list(struct diptych *context, struct diptych_pair **pairs, size_t *count);
void diptych_pairs_free(struct diptych_pair *pairs, size_t count);

/* `who`: a domain id, uuid or name, of either panel, as a user types it.  -ESRCH: none such. */
int diptych_lookup(struct diptych *context, const char *who, struct diptych_pair *pair);
int diptych_lookup_id(struct diptych *context, uint32_t domid, struct diptych_pair *pair);
int diptych_lookup_uuid(struct diptych *context, const uint8_t uuid[16], struct diptych_pair *pair);
void diptych_pair_dispose(struct diptych_pair *pair);

/* The pty of the guest's first serial port, a string by malloc.  Waits some seconds for it to
 * appear. */
int diptych_console_path(struct diptych *context, uint32_t guest, char **path);

/* ---- A pair that runs ----------------------------------------------------------------------- */

/*
 * The functions of this section talk to QEMU in the fidelity domain where they must.  It is not
 * trusted: what it answers is checked, and waited for at most some seconds.  -ETIMEDOUT: it did not
 * answer (it is paused, or has just been started).  -EREMOTEIO: it refused; diptych_error says how.
 */

/* Its description with all that was attached, detached, inserted, renamed since, into an
 * initialised one. */
int diptych_describe(struct diptych *context, uint32_t guest, struct diptych_desc *desc);

int diptych_rename(struct diptych *context, uint32_t guest, const char *name);

int diptych_inject_nmi(struct diptych *context, uint32_t guest);

/* Keys pressed together for `hold_ms` (0: 100) and let go.  Codes as libvirt's "qnum": XT scan codes,
 * 0x80 added for those with prefix E0.  At most 16. */
int diptych_send_key(struct diptych *context, uint32_t guest, const unsigned int *codes,
		     size_t count, unsigned int hold_ms);

/* The screen as PPM (P6), written to `fd`. */
int diptych_screenshot(struct diptych *context, uint32_t guest, int fd);

/* Where the screen is: an address of dom0 and a TCP port.  `address` by malloc.  -ENOENT: it has no
 * VNC.  Waits some seconds for it to appear. */
int diptych_vnc(struct diptych *context, uint32_t guest, char **address, unsigned int *port);

/* Asks the guest's balloon driver to leave it `kib` of RAM.  What it gives up stays in the pair's
 * pool: the hypervisor does not get it back.  -ERANGE: more than its maximum. */
int diptych_set_memory(struct diptych *context, uint32_t guest, uint64_t kib);
/* What the balloon has left it now. */
int diptych_get_memory(struct diptych *context, uint32_t guest, uint64_t *kib);

/* One QMP command, as JSON text, such as "{\"execute\":\"query-status\"}"; *answer is the JSON text
 * of its return value, by malloc.  For what has no function here; no promise that a command stays. */
int diptych_qmp(struct diptych *context, uint32_t guest, const char *command, char **answer);

/* ---- Devices of a pair that runs ------------------------------------------------------------ */

/* Virtio disks and network cards can be plugged and unplugged.  Unplugging asks the guest to let go,
 * and waits some seconds for it: -EBUSY when it does not.  They are there again after a reboot. */
int diptych_disk_attach(struct diptych *context, uint32_t guest, const struct diptych_disk *disk);
int diptych_disk_detach(struct diptych *context, uint32_t guest, const char *target);
/* mac all zero: one is made. */
int diptych_nic_attach(struct diptych *context, uint32_t guest, const struct diptych_nic *nic);
int diptych_nic_detach(struct diptych *context, uint32_t guest, const uint8_t mac[6]);

/* A disc into a CD-ROM drive of the guest, in place of the one that is there; path NULL: out only. */
int diptych_cd_change(struct diptych *context, uint32_t guest, const char *target,
		      const char *path);

struct diptych_disk_stats {
	uint64_t read_requests, read_bytes, write_requests, write_bytes, flush_requests;
};
struct diptych_nic_stats { /* as the guest sees them: received by it, sent by it */
	uint64_t received_bytes, received_packets, received_errors, received_dropped;
	uint64_t sent_bytes, sent_packets, sent_errors, sent_dropped;
	char interface[16]; /* the backend's name in dom0, as "vif3.0" */
};
/* Counted by the backends in dom0. */
int diptych_disk_stats(struct diptych *context, uint32_t guest, const char *target,
		       struct diptych_disk_stats *stats);
int diptych_nic_stats(struct diptych *context, uint32_t guest, const uint8_t mac[6],
		      struct diptych_nic_stats *stats);

/* ---- CPUs of a pair ------------------------------------------------------------------------- */

/* What is set for a vCPU acts on its fidelity domain's vCPU of the same number, on whose time it
 * runs. */
struct diptych_vcpu {
	unsigned int number;
	bool online;
	bool running, blocked;
	unsigned int cpu;  /* where it ran last */
	uint64_t guest_ns; /* time in the guest, and in its fidelity domain */
	uint64_t fidelity_ns;
	uint8_t affinity[128]; /* bit n: may run on CPU n */
};
int diptych_vcpus(struct diptych *context, uint32_t guest, struct diptych_vcpu **vcpus,
		  size_t *count); /* free() it */

/* `cpus`: a bit for each CPU, `size` bytes. */
int diptych_vcpu_pin(struct diptych *context, uint32_t guest, unsigned int vcpu,
		     const uint8_t *cpus, size_t size);

/* Credit scheduler.  Set: 0 leaves the weight, -1 leaves the cap. */
int diptych_sched_get(struct diptych *context, uint32_t guest, unsigned int *weight,
		      unsigned int *cap);
int diptych_sched_set(struct diptych *context, uint32_t guest, unsigned int weight, int cap);

/* ---- Events --------------------------------------------------------------------------------- */

enum diptych_event_type { DIPTYCH_STARTED, DIPTYCH_ENDED };

struct diptych_event {
	enum diptych_event_type type;
	uint32_t guest;
	uint32_t fidelity;
	const char *name;
	uint8_t uuid[16];
	enum diptych_end end; /* of DIPTYCH_ENDED */
};
typedef void diptych_event_fn(void *user, const struct diptych_event *event);

/* A descriptor to poll for reading, or negative errno.  The first call takes stock of the pairs
 * that are there, which are not reported; diptych_list afterwards shows them.  It belongs to the
 * context. */
int diptych_event_fd(struct diptych *context);

/* Call when the descriptor is readable (calling at other times does no harm): gives `event`
 * everything that happened since.  Never blocks on the descriptor. `event` must not use this
 * context. */
int diptych_event_dispatch(struct diptych *context, diptych_event_fn *event, void *user);

/* Both in one: waits up to timeout_ms (-1: forever) until something was reported.  1: it was, 0:
 * time is over, negative errno. */
int diptych_event_wait(struct diptych *context, int timeout_ms, diptych_event_fn *event,
		       void *user);

#ifdef __cplusplus
}
#endif

#endif
