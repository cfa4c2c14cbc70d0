/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test double of libdiptych: it stands in for the library where there is no hypervisor, so that
 * the driver's own work can be tried with stock libvirtd.  Never installed, never shipped.  The parser
 * of configurations is the library's own.
 *
 * Its world is the folder $DIPTYCH_DOUBLE.  A pair is a file there named by its uuid and holding
 * "GUEST MEMORY_KIB STATE NAME"; a test ends a pair by writing "GUEST REASON" to UUID.end and then
 * removing UUID, or makes one by a rename to UUID; while the file `lock` is there, a monitor is at work; while `busy` is, no
 * machine answers; while `refuse` is, all is refused; while `dumb` is, nobody says which pairs there are;
 * while `deaf` is, nothing is heard of pairs.  $DIPTYCH_DOUBLE/pty is the console of all.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <libdiptych.h>

#include "double.h"

struct diptych {
	int inotify;
	char error[256];
};

static const char *world(void)
{
	const char *folder = getenv("DIPTYCH_DOUBLE");

	return folder ? folder : "/nonexistent";
}

static void path_of(char path[512], const uint8_t uuid[16], const char *suffix)
{
	int n = snprintf(path, 512, "%s/", world()), i;

	for (i = 0; i < 16; i++)
		n += snprintf(path + n, 512 - (size_t)n, "%02x", uuid[i]);
	snprintf(path + n, 512 - (size_t)n, "%s", suffix);
}

static int fail(struct diptych *context, int error, const char *text)
{
	snprintf(context->error, sizeof(context->error), "%s", text);
	return error;
}

int diptych_open(struct diptych **context, diptych_log_fn *log, void *user)
{
	*context = NULL;
	if (access(world(), W_OK) < 0) {
		log(user, DIPTYCH_ERROR, "the double has no world");
		return -ENOSYS;
	}
	*context = calloc(1, sizeof(**context));
	(*context)->inotify = -1;
	return 0;
}

void diptych_close(struct diptych *context)
{
	if (context && context->inotify >= 0)
		close(context->inotify);
	free(context);
}

void path_in_world(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", world(), name);
}

bool is_there(const char *name)
{
	char path[512];

	path_in_world(path, name);
	return access(path, F_OK) == 0;
}

static void tell_list(const char *name, const char *format, va_list args)
{
	char path[512];
	FILE *file;

	path_in_world(path, name);
	file = fopen(path, "a");
	vfprintf(file, format, args);
	fputc('\n', file);
	fclose(file);
}

void tell(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell_list(name, format, args);
	va_end(args);
}

static void wait_while(const char *name)
{
	while (is_there(name))
		usleep(20000);
}

int diptych_settle(struct diptych *context)
{
	(void)context;
	wait_while("lock");
	return 0;
}

int diptych_tend(struct diptych *context)
{
	(void)context;
	return 0;
}

const char *diptych_error(const struct diptych *context)
{
	return context->error;
}

/* Appends the description to the file `created`, for the test to look at. */
static void show(const struct diptych_desc *desc)
{
	char path[512];
	FILE *file;
	size_t i;

	snprintf(path, sizeof(path), "%s/created", world());
	file = fopen(path, "a");
	fprintf(file, "%s%sname=%s memory=%llu vcpus=%u serial=%d boot=%s actions=%d%d%d",
		desc->firmware == DIPTYCH_OVMF ? "ovmf " : "",
		desc->machine == DIPTYCH_Q35 ? "q35 " : "", desc->name,
		(unsigned long long)desc->max_memory_kib, desc->vcpus, desc->serial,
		desc->boot ? desc->boot : "-", desc->on_poweroff, desc->on_reboot, desc->on_crash);
	for (i = 0; i < desc->disk_count; i++)
		fprintf(file, " disk=%s,%s,%d,%d,%d,%d", desc->disks[i].path, desc->disks[i].target,
			desc->disks[i].format, desc->disks[i].bus, desc->disks[i].readonly,
			desc->disks[i].cdrom);
	for (i = 0; i < desc->nic_count; i++)
		fprintf(file, " nic=%02x:%02x,%s,%d", desc->nics[i].mac[0], desc->nics[i].mac[5],
			desc->nics[i].bridge, desc->nics[i].model);
	if (desc->vnc)
		fprintf(file, " vnc=%s,%u%s%s", desc->vnc_listen ? desc->vnc_listen : "-",
			desc->vnc_port, desc->vga ? " vga" : "", desc->usb_tablet ? " tablet" : "");
	if (desc->vga)
		fprintf(file, " video=%u", desc->video_mib);
	if (desc->cpus)
		fprintf(file, " cpus=%s", desc->cpus);
	fputc('\n', file);
	fclose(file);
}

static int write_pair(const uint8_t uuid[16], uint32_t guest, uint64_t memory, const char *state,
		      const char *name)
{
	char path[512], temporary[520];
	FILE *file;

	path_of(path, uuid, "");
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "w");
	if (!file)
		return -errno;
	fprintf(file, "%u %llu %s %s\n", guest, (unsigned long long)memory, state, name);
	fclose(file);
	return rename(temporary, path) < 0 ? -errno : 0;
}

int diptych_create(struct diptych *context, const struct diptych_desc *desc, unsigned int flags,
		   uint32_t *guest)
{
	char path[512];
	unsigned int next = 1;
	FILE *file;

	if (is_there("slow"))
		sleep(8);
	if (is_there("refuse"))
		return fail(context, -ENOMEM, "the double was told to refuse");
	snprintf(path, sizeof(path), "%s/next", world());
	file = fopen(path, "r+");
	if (!file)
		file = fopen(path, "w+");
	if (fscanf(file, "%u", &next) != 1)
		next = 1;
	rewind(file);
	fprintf(file, "%u\n", next + 2);
	fclose(file);
	show(desc);
	*guest = next;
	return write_pair(desc->uuid, next, desc->max_memory_kib,
			  flags & DIPTYCH_CREATE_PAUSED ? "paused" : "running", desc->name);
}

int diptych_lookup_uuid(struct diptych *context, const uint8_t uuid[16], struct diptych_pair *pair)
{
	char path[512], state[32], name[128];
	unsigned long long memory;
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "%s/dumb", world());
	if (access(path, F_OK) == 0)
		return fail(context, -EIO, "no answer");
	path_of(path, uuid, "");
	file = fopen(path, "r");
	if (!file)
		return fail(context, -ESRCH, "no such pair");
	memset(pair, 0, sizeof(*pair));
	n = fscanf(file, "%u %llu %31s %127s", &pair->guest, &memory, state, name);
	fclose(file);
	if (n != 4)
		return fail(context, -EIO, "bad file");
	memcpy(pair->uuid, uuid, 16);
	pair->name = strdup(name);
	pair->fidelity = pair->guest + 1;
	pair->memory_kib = memory;
	pair->vcpus = 1;
	pair->state = !strcmp(state, "paused")	? DIPTYCH_PAUSED
		      : !strcmp(state, "crash") ? DIPTYCH_SHUTDOWN
						: DIPTYCH_RUNNING;
	pair->end = DIPTYCH_END_CRASH;
	pair->guest_ns = 2000000000;
	pair->fidelity_ns = 500000000;
	return 0;
}

void diptych_pair_dispose(struct diptych_pair *pair)
{
	free(pair->name);
	pair->name = NULL;
}

/* Calls that name a pair by its domain id find the file by looking at all. */
static int find(struct diptych *context, uint32_t guest, struct diptych_pair *pair)
{
	char command[600], hex[64] = "";
	uint8_t uuid[16];
	FILE *pipe;
	int i;

	snprintf(command, sizeof(command),
		 "cd '%s' && grep -l '^%u ' -- ???????????????????????????????? 2>/dev/null",
		 world(), guest);
	pipe = popen(command, "r");
	i = fscanf(pipe, "%63s", hex);
	pclose(pipe);
	if (i != 1)
		return fail(context, -ESRCH, "no such pair");
	for (i = 0; i < 16; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EIO;
		uuid[i] = (uint8_t)byte;
	}
	return diptych_lookup_uuid(context, uuid, pair);
}

int diptych_destroy(struct diptych *context, uint32_t guest)
{
	struct diptych_pair pair;
	char path[512];
	FILE *file;
	int error = find(context, guest, &pair);

	if (error)
		return error;
	path_of(path, pair.uuid, ".end");
	file = fopen(path, "w");
	fprintf(file, "%u destroyed\n", guest);
	fclose(file);
	path_of(path, pair.uuid, "");
	unlink(path);
	diptych_pair_dispose(&pair);
	return 0;
}

static int set_state(struct diptych *context, uint32_t guest, const char *state)
{
	struct diptych_pair pair;
	int error = find(context, guest, &pair);

	if (error)
		return error;
	error = write_pair(pair.uuid, guest, pair.memory_kib, state, pair.name);
	diptych_pair_dispose(&pair);
	return error;
}

int diptych_shutdown(struct diptych *context, uint32_t guest)
{
	(void)guest;
	wait_while("busy");
	return fail(context, -EOPNOTSUPP, "the double has no button");
}

int diptych_reboot(struct diptych *context, uint32_t guest)
{
	return diptych_shutdown(context, guest);
}

int diptych_pause(struct diptych *context, uint32_t guest)
{
	return set_state(context, guest, "paused");
}

int diptych_unpause(struct diptych *context, uint32_t guest)
{
	return set_state(context, guest, "running");
}

/* What is asked of a guest's machine is written to the file `asked`, for the test to look at. */
__attribute__((format(printf, 3, 4))) static int ask(struct diptych *context, uint32_t guest,
						     const char *format, ...)
{
	struct diptych_pair pair;
	va_list args;
	int error = find(context, guest, &pair);

	if (error)
		return error;
	diptych_pair_dispose(&pair);
	wait_while("busy");
	if (is_there("refuse"))
		return fail(context, -EIO, "the double was told to refuse");
	va_start(args, format);
	tell_list("asked", format, args);
	va_end(args);
	return 0;
}

int diptych_reset(struct diptych *context, uint32_t guest)
{
	return ask(context, guest, "reset");
}

int diptych_inject_nmi(struct diptych *context, uint32_t guest)
{
	return ask(context, guest, "nmi");
}

int diptych_send_key(struct diptych *context, uint32_t guest, const unsigned int *codes,
		     size_t count, unsigned int hold_ms)
{
	return ask(context, guest, "keys %zu: %u.. for %u", count, codes[0], hold_ms);
}

int diptych_screenshot(struct diptych *context, uint32_t guest, int fd)
{
	static const char picture[] = "P6 1 1 255 \0\1\2";

	if (write(fd, picture, sizeof(picture)) != sizeof(picture))
		return -EIO;
	return ask(context, guest, "screenshot");
}

int diptych_set_memory(struct diptych *context, uint32_t guest, uint64_t kib)
{
	return ask(context, guest, "memory %llu", (unsigned long long)kib);
}

int diptych_disk_attach(struct diptych *context, uint32_t guest, const struct diptych_disk *disk)
{
	return ask(context, guest, "disk attach %s %s %d%d%d", disk->target, disk->path, disk->bus,
		   disk->readonly, disk->cdrom);
}

int diptych_disk_detach(struct diptych *context, uint32_t guest, const char *target)
{
	return ask(context, guest, "disk detach %s", target);
}

int diptych_cd_change(struct diptych *context, uint32_t guest, const char *target, const char *path)
{
	return ask(context, guest, "disk change %s %s", target, path ? path : "eject");
}

int diptych_nic_attach(struct diptych *context, uint32_t guest, const struct diptych_nic *nic)
{
	return ask(context, guest, "nic attach %02x %s %d", nic->mac[5], nic->bridge, nic->model);
}

int diptych_nic_detach(struct diptych *context, uint32_t guest, const uint8_t mac[6])
{
	return ask(context, guest, "nic detach %02x", mac[5]);
}

/* Devices are numbered by the last letter of the target and the last byte of the MAC, as if others had come and gone
 * before; disk b has read 2 times. */
int diptych_disk_stats(struct diptych *context, uint32_t guest, const char *target,
		       struct diptych_disk_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->read_requests = (uint64_t)(target[strlen(target) - 1] - 'a' + 1);
	return ask(context, guest, "disk stats %s", target);
}

int diptych_nic_stats(struct diptych *context, uint32_t guest, const uint8_t mac[6],
		      struct diptych_nic_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	snprintf(stats->interface, sizeof(stats->interface), "vif%u.%u", guest + 1, mac[5]);
	return ask(context, guest, "nic stats %02x", mac[5]);
}

int diptych_vnc(struct diptych *context, uint32_t guest, char **host, unsigned int *port)
{
	*host = strdup("127.0.0.1");
	*port = 5907;
	return ask(context, guest, "vnc");
}

int diptych_console_path(struct diptych *context, uint32_t guest, char **path)
{
	char link[512], target[512];
	ssize_t n;

	(void)guest;
	snprintf(link, sizeof(link), "%s/pty", world());
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return fail(context, -ENOENT, "no console");
	target[n] = '\0';
	*path = strdup(target);
	return 0;
}

int diptych_event_fd(struct diptych *context)
{
	context->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify_add_watch(context->inotify, world(), IN_DELETE | IN_MOVED_TO) < 0)
		return -errno;
	return context->inotify;
}

const char *diptych_end_text(enum diptych_end end)
{
	static const char *const names[] = { "unknown", "poweroff", "reboot",
					     "crash",	"fidelity", "destroyed" };

	return names[end];
}

static void report(struct diptych *context, const char *hex, bool ended, diptych_event_fn *event,
		   void *user)
{
	struct diptych_event news = { .name = "?" };
	char path[512], reason[32] = "";
	struct diptych_pair pair;
	FILE *file;
	int i;

	for (i = 0; i < 16; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return;
		news.uuid[i] = (uint8_t)byte;
	}
	if (!ended) {
		if (diptych_lookup_uuid(context, news.uuid, &pair) < 0)
			return;
		news.type = DIPTYCH_STARTED;
		news.guest = pair.guest;
		diptych_pair_dispose(&pair);
	} else {
		path_of(path, news.uuid, ".end");
		file = fopen(path, "r");
		if (!file)
			return;
		news.type = DIPTYCH_ENDED;
		if (fscanf(file, "%u %31s", &news.guest, reason) != 2)
			news.guest = DIPTYCH_NO_DOMAIN;
		fclose(file);
		for (i = 0; i <= DIPTYCH_END_DESTROYED; i++) {
			if (strcmp(reason, diptych_end_text((enum diptych_end)i)) == 0)
				news.end = (enum diptych_end)i;
		}
	}
	event(user, &news);
}

int diptych_event_dispatch(struct diptych *context, diptych_event_fn *event, void *user)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n, at;

	if (is_there("deaf"))
		return fail(context, -EIO, "the double was told to be deaf");

	while ((n = read(context->inotify, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < n;) {
			struct inotify_event *change = (struct inotify_event *)(buffer + at);

			at += (ssize_t)(sizeof(*change) + change->len);
			if (change->len && strlen(change->name) == 32)
				report(context, change->name, change->mask & IN_DELETE, event,
				       user);
		}
	}
	return 0;
}
