// SPDX-License-Identifier: GPL-2.0-or-later
/* The screen of xl.cfg: standard VGA unless vga="none", at a VNC port unless vnc=0. */
#include <stdlib.h>
#include <string.h>

#include "config-keys.h"

#define FIRST_PORT   5900
#define VIDEO_MOST   256
#define DISPLAY_MOST 9999

static bool take_bool(struct source *source, const char *key, bool otherwise)
{
	long value = otherwise;

	take_number(source, key, 0, 1, &value);
	return value;
}

static void take_vga(struct source *source, struct diptych_desc *desc)
{
	char *value = NULL;
	long mib = 0;

	take_string(source, "vga", &value);
	if (value && strcmp(value, "stdvga") && strcmp(value, "std") && strcmp(value, "none"))
		source_error(source, "vga", NULL, "\"%s\" is not supported; stdvga or none is",
			     value);
	desc->vga = !value || strcmp(value, "none");
	free(value);
	if (!take_number(source, "videoram", 1, VIDEO_MOST, &mib))
		return;
	if (mib & (mib - 1))
		source_error(source, "videoram", NULL, "%ld is no power of two", mib);
	desc->video_mib = (unsigned int)mib;
}

static void take_vnc(struct source *source, struct diptych_desc *desc)
{
	char *password = NULL, *display;
	long number;

	desc->vnc = take_bool(source, "vnc", desc->vga);
	if (desc->vnc && !desc->vga)
		source_error(source, "vnc", NULL, "there is no screen to show: vga is \"none\"");
	take_string(source, "vnclisten", &desc->vnc_listen);
	display = desc->vnc_listen ? strrchr(desc->vnc_listen, ':') : NULL;
	if (display && strchr(desc->vnc_listen, ':') == display) { /* not of an IPv6 address */
		*display++ = 0;					   /* ":1" names a display only */
		number = strtol(display, &display, 10);
		if (*display || number < 0 || number > DISPLAY_MOST)
			source_error(source, "vnclisten", NULL, "the display's number is not one");
		else
			desc->vnc_port = FIRST_PORT + (unsigned int)number;
	}
	if (desc->vnc_listen && !*desc->vnc_listen) {
		free(desc->vnc_listen);
		desc->vnc_listen = NULL;
	}
	if (take_number(source, "vncdisplay", 0, DISPLAY_MOST, &number))
		desc->vnc_port = FIRST_PORT + (unsigned int)number;
	if (take_number(source, "vncunused", 0, 1, &number) && number == (desc->vnc_port != 0))
		source_note(source, "vncunused",
			    "has no effect: a display that is named is taken as it is, without one "
			    "the first free port");
	take_string(source, "vncpasswd", &password);
	if (password && *password)
		source_error(
			source, "vncpasswd", NULL,
			"is not supported: let VNC listen on 127.0.0.1 and tunnel it (ssh -L)");
	free(password);
}

static void take_usb_device(struct source *source, struct diptych_desc *desc, const char *name)
{
	if (!strcmp(name, "tablet"))
		desc->usb_tablet = true;
	else
		source_error(source, "usbdevice", NULL, "\"%s\" is not supported; tablet is", name);
}

static void take_usb(struct source *source, struct diptych_desc *desc)
{
	XLU_ConfigList *list;
	const char *item;
	int count, i;
	long usb;

	if (!xlu_cfg_get_list(source->config, "usbdevice", &list, &count, 1)) {
		for (i = 0; i < count; i++)
			if ((item = xlu_cfg_get_listitem(list, i)))
				take_usb_device(source, desc, item);
	} else if (!xlu_cfg_get_string(source->config, "usbdevice", &item, 1)) {
		take_usb_device(source, desc, item);
	}
	if (take_number(source, "usb", 0, 1, &usb) && usb && !desc->usb_tablet)
		source_note(source, "usb", "has no effect without usbdevice=\"tablet\"");
}

void config_screen(struct source *source, struct diptych_desc *desc)
{
	take_vga(source, desc);
	take_vnc(source, desc);
	take_usb(source, desc);
}
