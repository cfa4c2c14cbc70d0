// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads xl.cfg text into a description.  Keys keep xl's meaning; those of xl's stub domains
 * describe the fidelity domain.  What a pair cannot have is an error or a note, never silence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config-devices.h"
#include "config-keys.h"
#include "cpu-list.h"
#include "libdiptych.h"
#include "source.h"

#define MIB_MAX (1l << 24) /* 16 TiB */

void take_string(struct source *source, const char *key, char **to)
{
	const char *value;

	switch (xlu_cfg_get_string(source->config, key, &value, 1)) {
	case 0:
		free(*to);
		*to = strdup(value);
		if (!*to)
			source_error(source, key, NULL, "out of memory");
		break;
	case ESRCH:
		break;
	default:
		source_error(source, key, NULL, "a single value is needed");
	}
}

bool take_number(struct source *source, const char *key, long min, long max, long *to)
{
	switch (xlu_cfg_get_bounded_long(source->config, key, min, max, to, 1)) {
	case 0:
		return true;
	case ESRCH:
		return false;
	default:
		source_error(source, key, NULL, "a number from %ld to %ld is needed", min, max);
		return false;
	}
}

static void take_memory(struct source *source, struct diptych_desc *desc)
{
	long memory = 0, max = 0, fidelity = 0;
	bool have_memory = take_number(source, "memory", 1, MIB_MAX, &memory);
	bool have_max = take_number(source, "maxmem", 1, MIB_MAX, &max);

	if (!have_memory && !have_max) {
		if (!source->errors)
			source_error(source, "memory", NULL, "is missing (the guest's RAM in MiB)");
		return;
	}
	if (!have_memory)
		memory = max;
	if (!have_max)
		max = memory;
	if (memory > max)
		source_error(source, "memory", NULL, "%ld MiB is more than maxmem, %ld MiB", memory,
			     max);
	desc->max_memory_kib = (uint64_t)max << 10;
	desc->current_memory_kib = (uint64_t)memory << 10;
	if (take_number(source, "stubdomain_memory", 1, MIB_MAX, &fidelity))
		desc->fidelity_memory_kib = (uint64_t)fidelity << 10;
}

static void take_vcpus(struct source *source, struct diptych_desc *desc)
{
	long vcpus, max, fidelity;

	if (take_number(source, "vcpus", 1, 1024, &vcpus))
		desc->vcpus = (unsigned int)vcpus;
	if (take_number(source, "stubdomain_vcpus", 1, 1024, &fidelity))
		desc->fidelity_vcpus = (unsigned int)fidelity;
	if (take_number(source, "maxvcpus", 1, 1024, &max) && max != (long)desc->vcpus)
		source_error(source, "maxvcpus", NULL,
			     "must equal vcpus (%u): vCPUs cannot be added later", desc->vcpus);
}

/* cpus: a string for all vCPUs, or a list with one for each. */
static void take_cpus(struct source *source, struct diptych_desc *desc)
{
	uint8_t bits[128];
	XLU_ConfigList *list;
	const char *item;
	size_t size;
	int count = 1, i;
	FILE *text = open_memstream(&desc->cpus, &size);

	if (!text)
		return;
	if (!xlu_cfg_get_list(source->config, "cpus", &list, &count, 1)) {
		for (i = 0; i < count; i++) {
			item = xlu_cfg_get_listitem(list, i);
			fprintf(text, "%s%s", i ? "/" : "", item ? item : "");
		}
	} else if (!xlu_cfg_get_string(source->config, "cpus", &item, 1)) {
		fputs(item, text);
	}
	fclose(text);
	if (!size) {
		free(desc->cpus);
		desc->cpus = NULL;
	}
	for (i = 0; desc->cpus && i < count; i++)
		if (!cpus_read(desc->cpus, (unsigned int)i, bits, sizeof(bits))) {
			source_error(source, "cpus", NULL,
				     "\"%s\" is no list of CPUs such as \"0-3,^2\"", desc->cpus);
			break;
		}
}

static void take_scheduling(struct source *source, struct diptych_desc *desc)
{
	long value;

	if (take_number(source, "cpu_weight", 1, UINT16_MAX, &value))
		desc->weight = (unsigned int)value;
	if (take_number(source, "cap", 0, 100 * 1024, &value))
		desc->cap = (unsigned int)value;
	take_cpus(source, desc);
}

static void take_machine(struct source *source, struct diptych_desc *desc)
{
	char *value = NULL;

	take_string(source, "machine", &value);
	if (!value || !strcmp(value, "pc"))
		desc->machine = DIPTYCH_PC;
	else if (!strcmp(value, "q35"))
		desc->machine = DIPTYCH_Q35;
	else
		source_error(source, "machine", NULL, "\"%s\" is not known; pc or q35 is", value);
	free(value);
}

static void take_action(struct source *source, const char *key, enum diptych_action *action)
{
	char *value = NULL;

	take_string(source, key, &value);
	if (!value)
		return;
	if (!strcmp(value, "destroy"))
		*action = DIPTYCH_ACTION_DESTROY;
	else if (!strcmp(value, "restart"))
		*action = DIPTYCH_ACTION_RESTART;
	else if (!strcmp(value, "preserve"))
		*action = DIPTYCH_ACTION_PRESERVE;
	else
		source_error(source, key, NULL,
			     "\"%s\" is not supported; destroy, restart or preserve is", value);
	free(value);
}

static void take_firmware(struct source *source, struct diptych_desc *desc)
{
	const char *key = "bios";
	char *value = NULL;

	take_string(source, "bios", &value);
	if (!value) {
		key = "firmware";
		take_string(source, "firmware", &value);
	}
	if (!value || !strcmp(value, "seabios") || !strcmp(value, "bios"))
		desc->firmware = DIPTYCH_SEABIOS;
	else if (!strcmp(value, "ovmf") || !strcmp(value, "uefi"))
		desc->firmware = DIPTYCH_OVMF;
	else
		source_error(source, key, NULL, "\"%s\" is not known; seabios or ovmf is", value);
	free(value);
}

static void take_serial(struct source *source, struct diptych_desc *desc)
{
	XLU_ConfigList *list;
	const char *value = NULL;
	int count = 0;

	if (!xlu_cfg_get_list(source->config, "serial", &list, &count, 1)) {
		if (count == 1)
			value = xlu_cfg_get_listitem(list, 0);
		if (count > 1)
			source_error(source, "serial", NULL, "a guest has one serial port");
	} else if (xlu_cfg_get_string(source->config, "serial", &value, 1)) {
		return;
	}
	if (value && strcmp(value, "pty") && strcmp(value, "none"))
		source_error(source, "serial", NULL, "\"%s\" is not supported; pty or none is",
			     value);
	desc->serial = !value || strcmp(value, "none");
}

static void take_identity(struct source *source, struct diptych_desc *desc)
{
	char *uuid = NULL;
	libxl_uuid parsed;

	take_string(source, "name", &desc->name);
	if (!desc->name || !*desc->name)
		source_error(source, "name", NULL, "is missing");
	take_string(source, "uuid", &uuid);
	if (uuid && libxl_uuid_from_string(&parsed, uuid))
		source_error(source, "uuid", NULL, "\"%s\" is not a uuid", uuid);
	else if (uuid)
		memcpy(desc->uuid, libxl_uuid_bytearray(&parsed), sizeof(desc->uuid));
	free(uuid);
}

/* Keys of xl.cfg for what a pair cannot have at all (an error) or not yet (a note). */
static const struct {
	const char *key;
	bool error;
	const char *text;
} not_supported[] = {
	{ "kernel", true,
	  "a real guest boots by its firmware from its own disk; kernel= is for type=\"pvh\"" },
	{ "ramdisk", true,
	  "a real guest boots by its firmware from its own disk; ramdisk= is for type=\"pvh\"" },
	{ "pci", true, "passing devices through is not supported" },
	{ "usbdev", true, "passing devices through is not supported" },
	{ "usbctrl", true, "passing devices through is not supported" },
	{ "dtdev", true, "passing devices through is not supported" },
	{ "irqs", true, "passing devices through is not supported" },
	{ "ioports", true, "passing devices through is not supported" },
	{ "iomem", true, "passing devices through is not supported" },
	{ "vtpm", true, "is not supported" },
	{ "p9", true, "is not supported" },
	{ "device_model_args", true, "arguments for QEMU are chosen by the toolstack" },
	{ "device_model_args_hvm", true, "arguments for QEMU are chosen by the toolstack" },
	{ "sdl", false, "has no effect: the screen is shown by VNC" },
	{ "opengl", false, "has no effect: the screen is shown by VNC" },
	{ "spice", false, "has no effect: the screen is shown by VNC" },
	{ "vfb", false, "has no effect: it is for paravirtualized guests; see vnc" },
	{ "soundhw", false, "has no effect: sound is not supported" },
	{ "cpus_soft", false, "has no effect: only cpus= has" },
	{ "cpuid", false, "has no effect: a guest sees what the core allows" },
	{ "nestedhvm", false, "has no effect: a guest cannot run guests" },
	{ "viridian", false, "has no effect: a guest sees KVM's signature" },
	{ "altp2m", false, "is not supported" },
	{ "keymap", false, "has no effect: the keyboard is en-us to viewers without scan codes" },
	{ "bios_path_override", false, "has no effect: firmware is in the fidelity domain" },
	{ "on_watchdog", false, "has no effect: there is no watchdog" },
	{ "on_soft_reset", false, "has no effect: a real guest has no soft reset" },
	{ "device_model_override", false,
	  "has no effect: the device model is in the fidelity domain" },
	{ "device_model_version", false,
	  "has no effect: the device model is in the fidelity domain" },
};

static bool is_off(const struct source *source, const char *key)
{
	long value;

	return !xlu_cfg_get_long(source->config, key, &value, 1) && !value;
}

/* All that is read. */
static const char *const known[] = {
	"type",
	"builder",
	"name",
	"uuid",
	"memory",
	"maxmem",
	"vcpus",
	"maxvcpus",
	"cpus",
	"cpu_weight",
	"cap",
	"machine",
	"bios",
	"firmware",
	"boot",
	"serial",
	"vga",
	"videoram",
	"vnc",
	"vnclisten",
	"vncdisplay",
	"vncpasswd",
	"vncunused",
	"usb",
	"usbdevice",
	"disk",
	"hdtype",
	"vif",
	"on_poweroff",
	"on_reboot",
	"on_crash",
	"stubdomain_kernel",
	"stubdomain_ramdisk",
	"stubdomain_cmdline",
	"stubdomain_memory",
	"stubdomain_vcpus",
};

/* A slip of the pen is a setting without effect. */
static void note_unknown(void *user, const char *key, unsigned int line)
{
	struct source *source = user;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], key))
			return;
	for (i = 0; i < sizeof(not_supported) / sizeof(not_supported[0]); i++)
		if (!strcmp(not_supported[i].key, key))
			return;
	fprintf(source->notes, "%s:%u: %s: has no effect: it is not known here\n", source->name,
		line, key);
}

static void report_not_supported(struct source *source)
{
	size_t i;

	for (i = 0; i < sizeof(not_supported) / sizeof(not_supported[0]); i++) {
		const char *key = not_supported[i].key, *value;
		XLU_ConfigList *list;
		int count = 1;

		if (xlu_cfg_get_string(source->config, key, &value, 1) == ESRCH ||
		    is_off(source, key))
			continue;
		if (!xlu_cfg_get_list(source->config, key, &list, &count, 1) && !count)
			continue;
		if (not_supported[i].error)
			source_error(source, key, NULL, "%s", not_supported[i].text);
		else
			source_note(source, key, "%s", not_supported[i].text);
	}
}

/* 0: a real guest.  -ENOTSUP: libxl's.  -EINVAL: reported. */
static int check_type(struct source *source)
{
	const char *key = "type", *value = NULL;

	if (xlu_cfg_get_string(source->config, key, &value, 1)) {
		key = "builder";
		if (xlu_cfg_get_string(source->config, key, &value, 1)) {
			source_error(source, "type", NULL, "is missing; type=\"hvm\" makes a pair");
			return -EINVAL;
		}
	}
	if (!strcmp(value, "hvm"))
		return 0;
	if (!strcmp(value, "pvh"))
		return -ENOTSUP;
	source_error(source, key, NULL, "\"%s\" is not supported; hvm and pvh are", value);
	return -EINVAL;
}

static void take_lines(struct source *source, struct diptych_desc *desc)
{
	desc->lines.name = source_line(source, "name", NULL);
	desc->lines.uuid = source_line(source, "uuid", NULL);
	desc->lines.memory = source_line(source, "maxmem", NULL);
	if (!desc->lines.memory)
		desc->lines.memory = source_line(source, "memory", NULL);
	desc->lines.vcpus = source_line(source, "vcpus", NULL);
	desc->lines.fidelity_vcpus = source_line(source, "stubdomain_vcpus", NULL);
	desc->lines.boot = source_line(source, "boot", NULL);
	desc->lines.kernel = source_line(source, "stubdomain_kernel", NULL);
	desc->lines.ramdisk = source_line(source, "stubdomain_ramdisk", NULL);
}

static int take_all(struct source *source, struct diptych_desc *desc)
{
	int error = check_type(source);

	if (error)
		return error;
	take_identity(source, desc);
	take_memory(source, desc);
	take_vcpus(source, desc);
	take_scheduling(source, desc);
	take_machine(source, desc);
	take_firmware(source, desc);
	take_string(source, "boot", &desc->boot);
	take_serial(source, desc);
	config_screen(source, desc);
	config_disks(source, desc);
	config_nics(source, desc);
	take_action(source, "on_poweroff", &desc->on_poweroff);
	take_action(source, "on_reboot", &desc->on_reboot);
	take_action(source, "on_crash", &desc->on_crash);
	take_string(source, "stubdomain_kernel", &desc->fidelity_kernel);
	take_string(source, "stubdomain_ramdisk", &desc->fidelity_ramdisk);
	take_string(source, "stubdomain_cmdline", &desc->fidelity_cmdline);
	report_not_supported(source);
	source_keys(source, note_unknown, source);
	take_lines(source, desc);
	return source->errors ? -EINVAL : 0;
}

static int parse(struct source *source, struct diptych_desc *desc, size_t length)
{
	int error;

	desc->source = strdup(source->name);
	source->config = xlu_cfg_init(source->report, source->name);
	if (!desc->source || !source->config)
		return -ENOMEM;
	error = xlu_cfg_readdata(source->config, source->text, (int)length);
	if (error) {
		if (error != EINVAL) /* EINVAL: told by libxlutil, with the line */
			fprintf(source->report, "%s: %s\n", source->name, strerror(error));
		return -EINVAL;
	}
	return take_all(source, desc);
}

static char *close_text(FILE *file, char **text)
{
	fclose(file);
	if (!**text) {
		free(*text);
		*text = NULL;
	} else if ((*text)[strlen(*text) - 1] == '\n') {
		(*text)[strlen(*text) - 1] = 0;
	}
	return *text;
}

int diptych_desc_parse(struct diptych_desc *desc, const char *name, const char *text, size_t length,
		       char **error)
{
	struct source source = { .name = name };
	char *copy, *report = NULL, *notes = NULL;
	size_t report_size, notes_size;
	int result = -ENOMEM;

	*error = NULL;
	if (length > INT32_MAX)
		return -EFBIG;
	copy = malloc(length + 2);
	source.report = open_memstream(&report, &report_size);
	source.notes = open_memstream(&notes, &notes_size);
	if (copy && source.report && source.notes) {
		memcpy(copy, text, length);
		copy[length] = '\n'; /* the grammar wants every line ended */
		copy[length + 1] = 0;
		source.text = copy;
		result = parse(&source, desc, length + 1);
	}
	if (source.config)
		xlu_cfg_destroy(source.config);
	if (source.report)
		*error = close_text(source.report, &report);
	if (source.notes)
		desc->notes = close_text(source.notes, &notes);
	free(copy);
	if (!result) {
		free(*error); /* remarks of libxlutil on deprecated syntax */
		*error = NULL;
	}
	return result;
}

int diptych_desc_parse_file(struct diptych_desc *desc, const char *path, char **error)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *file = fopen(path, "re");
	int result;

	*error = NULL;
	if (!file) {
		result = -errno;
		if (asprintf(error, "%s: %s", path, strerror(-result)) < 0)
			*error = NULL;
		return result;
	}
	errno = 0;
	length = getdelim(&text, &size, 0, file);
	result = ferror(file) ? -errno : 0;
	fclose(file);
	if (result) {
		if (asprintf(error, "%s: %s", path, strerror(-result)) < 0)
			*error = NULL;
	} else {
		result = diptych_desc_parse(desc, path, length > 0 ? text : "",
					    length > 0 ? (size_t)length : 0, error);
	}
	free(text);
	return result;
}
