// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done to a running guest through its QEMU: buttons, keys, screen, balloon. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "context.h"
#include "json.h"

#define KEYS_MOST	 16
#define HOLD_MS		 100
#define SCREEN_MOST	 (64u << 20)
#define SCREEN_FILE	 "/tmp/screen" /* tree.c: what is behind the channel */
#define BALLOON_REST_MIB 16u	       /* no system lives with less */
#ifndef SCREEN_MS
#define SCREEN_MS 40000 /* for all of a picture */
#endif

/* One command whose answer does not matter. */
static int press(struct diptych *c, uint32_t guest, const char *command)
{
	char *answer;
	int error = diptych_qmp(c, guest, command, &answer);

	free(answer);
	return error;
}

int diptych_shutdown(struct diptych *context, uint32_t guest)
{
	record_want_reboot(guest, false);
	return press(context, guest, "{\"execute\":\"system_powerdown\"}");
}

int diptych_reboot(struct diptych *context, uint32_t guest)
{
	int error;

	record_want_reboot(guest, true); /* first: it may be quick */
	error = press(context, guest, "{\"execute\":\"system_powerdown\"}");
	if (error)
		record_want_reboot(guest, false);
	return error;
}

int diptych_reset(struct diptych *context, uint32_t guest)
{
	return press(context, guest, "{\"execute\":\"system_reset\"}");
}

int diptych_inject_nmi(struct diptych *context, uint32_t guest)
{
	return press(context, guest, "{\"execute\":\"inject-nmi\"}");
}

int diptych_send_key(struct diptych *context, uint32_t guest, const unsigned int *codes,
		     size_t count, unsigned int hold_ms)
{
	char command[1024];
	size_t i, used;

	if (!count || count > KEYS_MOST)
		return fail(context, EINVAL, "1 to %d keys can be pressed together", KEYS_MOST);
	used = (size_t)snprintf(
		command, sizeof(command),
		"{\"execute\":\"send-key\",\"arguments\":{\"hold-time\":%u,\"keys\":[",
		hold_ms ? hold_ms : HOLD_MS);
	for (i = 0; i < count; i++)
		used += (size_t)snprintf(command + used, sizeof(command) - used,
					 "%s{\"type\":\"number\",\"data\":%u}", i ? "," : "",
					 codes[i]);
	snprintf(command + used, sizeof(command) - used, "]}}");
	return press(context, guest, command);
}

/* Writes on what comes, and checks that it is what a picture is. */
static int copy_screen(struct diptych *c, struct channel *channel, int fd, int64_t until)
{
	char bytes[16384];
	size_t total = 0;
	int got;

	while ((got = channel_read(channel, bytes, sizeof(bytes), until)) > 0) {
		if (!total && (got < 3 || memcmp(bytes, "P6\n", 3)))
			return fail(c, EBADMSG, "the fidelity domain sent no picture");
		total += (size_t)got;
		if (total > SCREEN_MOST)
			return fail(c, EMSGSIZE, "the fidelity domain sends no end of a picture");
		if (write(fd, bytes, (size_t)got) != got)
			return fail(c, errno ? errno : EIO, "cannot write the picture: %s",
				    strerror(errno));
	}
	if (got < 0 || !total)
		return fail(c, got ? -got : EBADMSG, "the fidelity domain sent no whole picture");
	return 0;
}

int diptych_screenshot(struct diptych *context, uint32_t guest, int fd)
{
	struct diptych_pair pair;
	struct channel channel;
	struct qmp qmp;
	int64_t until;
	int error = diptych_lookup_id(context, guest, &pair);

	if (error)
		return error;
	error = qmp_open(context, &pair, &qmp);
	if (!error) {
		/* While the monitor is ours nobody else makes such a file. */
		error = qmp_run(&qmp, NULL,
				"{\"execute\":\"screendump\",\"arguments\":{\"filename\":"
				"\"" SCREEN_FILE "\"}}");
		until = clock_ms() + SCREEN_MS;
		if (!error)
			error = channel_open(context, &pair, "screen", until, &channel);
		if (!error) {
			error = copy_screen(context, &channel, fd, until);
			channel_close(&channel);
		}
		qmp_close(&qmp);
	}
	diptych_pair_dispose(&pair);
	return error;
}

int diptych_set_memory(struct diptych *context, uint32_t guest, uint64_t kib)
{
	struct diptych_pair pair;
	char command[128];
	int error = diptych_lookup_id(context, guest, &pair);

	if (error)
		return error;
	if (kib > pair.memory_kib || kib < BALLOON_REST_MIB << 10)
		error = fail(context, ERANGE,
			     "guest %s can have %u to %" PRIu64 " MiB while it runs, not %" PRIu64,
			     pair.name, BALLOON_REST_MIB, pair.memory_kib >> 10, kib >> 10);
	diptych_pair_dispose(&pair);
	if (error)
		return error;
	snprintf(command, sizeof(command),
		 "{\"execute\":\"balloon\",\"arguments\":{\"value\":%" PRIu64 "}}", kib << 10);
	error = press(context, guest, command);
	if (!error)
		tree_write_target(context, guest, kib);
	return error;
}

int diptych_get_memory(struct diptych *context, uint32_t guest, uint64_t *kib)
{
	char *answer;
	int error = diptych_qmp(context, guest, "{\"execute\":\"query-balloon\"}", &answer);

	if (error)
		return error;
	if (json_u64(json_member(json_value(answer), "actual"), kib))
		*kib >>= 10;
	else
		error = fail(context, EBADMSG, "the guest's device model talks nonsense");
	free(answer);
	return error;
}
