// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QMP with the QEMU of a fidelity domain.  A connection lives for one call of the library.  QEMU sends
 * a message a line; it is a stranger, so lines are limited and waited for no longer than ANSWER_MS.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "context.h"
#include "json.h"

#ifndef ANSWER_MS
#define ANSWER_MS 10000
#endif
#define RETRY_MS 100
#ifndef MESSAGE_MOST
#define MESSAGE_MOST (1u << 20)
#endif

static int lost(struct qmp *qmp, int error)
{
	qmp->error = error;
	return fail(qmp->c, -error, "the guest's device model %s",
		    error == -ETIMEDOUT	 ? "does not answer"
		    : error == -EMSGSIZE ? "talks nonsense"
					 : "has hung up");
}

/* The next line, without its end, by malloc.  Failures are for the caller to report. */
static int next_message(struct qmp *qmp, int64_t until, char **message)
{
	char *end;
	char *start = qmp->buffer + qmp->from;
	size_t length;
	int got;

	if (clock_ms() >= until)
		return -ETIMEDOUT;
	while (!(end = memchr(start, '\n', qmp->held))) {
		if (qmp->held == MESSAGE_MOST)
			return -EMSGSIZE;
		memmove(qmp->buffer, start, qmp->held);
		start = qmp->buffer;
		qmp->from = 0;
		got = channel_read(&qmp->channel, qmp->buffer + qmp->held, MESSAGE_MOST - qmp->held,
				   until);
		if (got <= 0)
			return got ? got : -EPIPE;
		qmp->held += (size_t)got;
	}
	length = (size_t)(end - start);
	*message = strndup(start, length);
	qmp->from += length + 1;
	qmp->held -= length + 1;
	return *message ? 0 : -ENOMEM;
}

/* The text of `value` alone. */
static char *cut(const char *value)
{
	return strndup(value, (size_t)(json_end(value) - value));
}

static int refused(struct qmp *qmp, const char *error)
{
	char *text = json_string(json_member(error, "desc"));
	int result;

	if (text)
		make_printable(text);
	result = fail(qmp->c, EREMOTEIO, "the guest's device model refuses: %s",
		      text ? text : "no reason given");
	free(text);
	return result;
}

/* Reads on until the answer, over events. */
static int read_answer(struct qmp *qmp, char **answer)
{
	int64_t until = clock_ms() + ANSWER_MS;
	const char *value, *result;
	char *message;
	int error;

	for (;;) {
		error = next_message(qmp, until, &message);
		if (error)
			return lost(qmp, error);
		value = json_value(message);
		result = json_member(value, "error");
		if (result) {
			error = refused(qmp, result);
			break;
		}
		result = json_member(value, "return");
		if (result) {
			*answer = cut(result);
			error = *answer ? 0 : fail(qmp->c, ENOMEM, "out of memory");
			break;
		}
		free(message);
	}
	free(message);
	return error;
}

int qmp_run(struct qmp *qmp, char **answer, const char *format, ...)
{
	char *text, *got = NULL;
	va_list args;
	int length, error;

	if (answer)
		*answer = NULL;
	if (qmp->error)
		return lost(qmp, qmp->error);
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return fail(qmp->c, ENOMEM, "out of memory");
	note(qmp->c, DIPTYCH_DEBUG, "qmp: %s", text);
	error = channel_write(&qmp->channel, text, (size_t)length, clock_ms() + ANSWER_MS);
	free(text);
	if (!error)
		error = channel_write(&qmp->channel, "\n", 1, clock_ms() + ANSWER_MS);
	error = error ? lost(qmp, error) : read_answer(qmp, &got);
	if (answer)
		*answer = got;
	else
		free(got);
	return error;
}

int qmp_open(struct diptych *c, const struct diptych_pair *pair, struct qmp *qmp)
{
	int64_t until = clock_ms() + ANSWER_MS;
	char *greeting = NULL;
	int error;

	memset(qmp, 0, sizeof(*qmp));
	qmp->c = c;
	if (pair->state != DIPTYCH_RUNNING && pair->state != DIPTYCH_BLOCKED)
		return fail(c, EAGAIN, "guest %s %s", pair->name,
			    pair->state == DIPTYCH_PAUSED ? "is paused: unpause it first"
							  : "has ended");
	qmp->buffer = malloc(MESSAGE_MOST);
	if (!qmp->buffer)
		return fail(c, ENOMEM, "out of memory");
	/* A domain that was built a moment ago has QEMU not yet: its init hangs up. */
	for (;;) {
		error = channel_open(c, pair, "qmp", until, &qmp->channel);
		if (error)
			break;
		error = next_message(qmp, until, &greeting);
		if (!error)
			break;
		channel_close(&qmp->channel);
		if (error != -EPIPE || clock_ms() >= until) {
			error = lost(qmp, error);
			break;
		}
		usleep(RETRY_MS * 1000);
	}
	if (error) {
		free(qmp->buffer);
		return error;
	}
	free(greeting);
	error = qmp_run(qmp, NULL, "{\"execute\":\"qmp_capabilities\"}");
	if (error)
		qmp_close(qmp);
	return error;
}

void qmp_close(struct qmp *qmp)
{
	channel_close(&qmp->channel);
	free(qmp->buffer);
}

int diptych_qmp(struct diptych *context, uint32_t guest, const char *command, char **answer)
{
	struct diptych_pair pair;
	struct qmp qmp;
	int error = diptych_lookup_id(context, guest, &pair);

	*answer = NULL;
	if (error)
		return error;
	error = qmp_open(context, &pair, &qmp);
	if (!error) {
		error = qmp_run(&qmp, answer, "%s", command);
		qmp_close(&qmp);
	}
	diptych_pair_dispose(&pair);
	return error;
}
