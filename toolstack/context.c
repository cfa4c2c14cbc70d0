// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening and closing a context; errors, log and progress, ours and those of Xen's libraries. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "paths.h"

const char *diptych_version(void)
{
	return DIPTYCH_VERSION;
}

const char *diptych_error(const struct diptych *context)
{
	return context->error;
}

void diptych_set_progress(struct diptych *context, diptych_progress_fn *function, void *user)
{
	context->progress = function;
	context->progress_user = user;
}

void progress(struct diptych *c, const char *what, unsigned int percent)
{
	if (c->progress)
		c->progress(c->progress_user, what, percent);
}

void note(struct diptych *c, enum diptych_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!c->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->log(c->log_user, level, text);
}

int fail(struct diptych *c, int error, const char *format, ...)
{
	char text[sizeof(c->error)]; /* an argument may point into c->error */
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(c->error, text, sizeof(text));
	if (c->log)
		c->log(c->log_user, DIPTYCH_ERROR, c->error);
	return -error;
}

void clear_xen_error(struct diptych *c)
{
	c->xen_error[0] = 0;
}

const char *xen_error(const struct diptych *c)
{
	return c->xen_error;
}

static enum diptych_level level_of(xentoollog_level level)
{
	if (level >= XTL_ERROR)
		return DIPTYCH_ERROR;
	if (level >= XTL_WARN)
		return DIPTYCH_WARNING;
	return level >= XTL_NOTICE ? DIPTYCH_INFO : DIPTYCH_DEBUG;
}

/* libxl says "libxl_device.c:1337:function: Domain 6:text"; a user is told "text". */
static const char *without_origin(const char *text)
{
	const char *p = strstr(text, ".c:");

	p = p && !memchr(text, ' ', (size_t)(p - text)) ? strstr(p, ": ") : NULL;
	p = p ? p + 2 : text;
	if (!strncmp(p, "Domain ", 7)) {
		p += 7 + strspn(p + 7, "0123456789");
		p += *p == ':';
	}
	return p;
}

/*
 * Xen's libraries report one failure in several lines, the most telling first, except that a
 * hotplug script's own words come later.  Our own function then says what could not be done.  So
 * theirs are shown as detail (debug), and the best is kept for ours to quote.
 */
static void keep_error(struct diptych *c, const char *text)
{
	const char *script = strstr(text, "script: ");

	if (script)
		snprintf(c->xen_error, sizeof(c->xen_error), ": %.500s",
			 script + strlen("script: "));
	else if (!c->xen_error[0])
		snprintf(c->xen_error, sizeof(c->xen_error), ": %.500s", without_origin(text));
}

static void log_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			const char *context, const char *format, va_list args)
{
	struct diptych *c = (struct diptych *)logger;
	char text[512];
	size_t used;

	if (!c->log && level < XTL_ERROR)
		return;
	vsnprintf(text, sizeof(text), format, args);
	for (used = 0; text[used]; used++)
		if (text[used] == '\n')
			text[used] = ' ';
	while (used && text[used - 1] == ' ')
		text[--used] = 0;
	if (errnoval >= 0)
		snprintf(text + used, sizeof(text) - used, ": %s", strerror(errnoval));
	if (level >= XTL_ERROR)
		keep_error(c, text);
	note(c, level_of(level) == DIPTYCH_WARNING ? DIPTYCH_INFO : DIPTYCH_DEBUG, "%s: %s",
	     context ? context : "xen", text);
}

static void log_progress(struct xentoollog_logger *logger, const char *context, const char *what,
			 int percent, unsigned long done, unsigned long total)
{
	/* libxl's own steps are short; ours are reported by the functions that take them. */
	(void)logger, (void)context, (void)what, (void)percent, (void)done, (void)total;
}

static void log_destroy(struct xentoollog_logger *logger)
{
	(void)logger; /* part of the context */
}

static const libxl_childproc_hooks child_hooks = {
	/* Only its own children: the library lives in other people's processes too. */
	.chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
};

/* Asked of the kernel first: Xen's libraries answer a plain Linux with half a page of riddles. */
static int require_control_domain(struct diptych *c)
{
	char text[256] = "";
	FILE *file;

	if (access("/sys/hypervisor/type", F_OK) && access("/proc/xen", F_OK))
		return fail(c, ENOSYS,
			    "this system does not run on Diptych or Xen: there is no hypervisor to "
			    "talk to");
	file = fopen("/proc/xen/capabilities", "re");
	if (!file)
		return fail(c, ENOSYS, "/proc/xen/capabilities: %s; is xenfs mounted?",
			    strerror(errno));
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	if (!strstr(text, "control_d"))
		return fail(c, ENOSYS,
			    "this is not the control domain (dom0): guests are managed from there");
	if (geteuid())
		return fail(c, EPERM, "managing guests needs root");
	return 0;
}

static int open_handles(struct diptych *c)
{
	int error = require_control_domain(c);

	if (error)
		return error;
	clear_xen_error(c);
	c->xc = xc_interface_open(&c->logger, &c->logger, 0);
	if (!c->xc)
		return fail(c, errno, "cannot open the hypervisor interface%s", xen_error(c));
	c->xs = xs_open(0);
	if (!c->xs)
		return fail(c, errno ? errno : EIO,
			    "cannot reach xenstore: %s; is xenstored running?", strerror(errno));
	if (libxl_ctx_alloc(&c->libxl, LIBXL_VERSION, 0, &c->logger)) {
		c->libxl = NULL;
		return fail(c, EIO, "cannot open libxl%s", xen_error(c));
	}
	libxl_childproc_setmode(c->libxl, &child_hooks, NULL);
	return 0;
}

int diptych_open(struct diptych **context, diptych_log_fn *log, void *user)
{
	struct diptych *c = calloc(1, sizeof(*c));
	int error;

	*context = NULL;
	if (!c)
		return -ENOMEM;
	c->logger.vmessage = log_message;
	c->logger.progress = log_progress;
	c->logger.destroy = log_destroy;
	c->log = log;
	c->log_user = user;
	error = open_handles(c);
	if (error) {
		diptych_close(c);
		return error;
	}
	*context = c;
	return 0;
}

void diptych_close(struct diptych *context)
{
	if (!context)
		return;
	events_free(context->events);
	if (context->libxl)
		libxl_ctx_free(context->libxl);
	if (context->xs)
		xs_close(context->xs);
	if (context->xc)
		xc_interface_close(context->xc);
	free(context);
}
