/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which elements and attributes of domain XML mean something here.  libvirt's parser knows a
 * hundred times more and would take the rest in silence; a user who asks for what we do not do is
 * told so, by name.  Which *values* are fine is xml_policy.c's business.
 *
 * The table must hold whatever our own dumpxml prints, live or not, so that it can be defined again.
 */
#include "driver.h"

#include <util/virbuffer.h>
#include <util/virxml.h>

VIR_LOG_INIT("diptych.xml");

/* Path below <domain>; "@" before an attribute; a slash and a star at the end: all below is the user's own. */
/* clang-format off */
static const char *const accepted[] = {
	"@type", "@id",
	"name", "uuid", "title", "description", "metadata", "metadata/*",
	"memory", "memory@unit", "currentMemory", "currentMemory@unit",
	"vcpu", "vcpu@placement", "vcpu@current", "vcpu@cpuset",
	"cputune", "cputune/vcpupin", "cputune/vcpupin@vcpu", "cputune/vcpupin@cpuset",
	"bootloader",
	"os", "os@firmware", "os/type", "os/type@arch", "os/type@machine", "os/boot", "os/boot@dev",
	"os/kernel", "os/initrd", "os/cmdline", "os/loader", "os/loader@type",
	"features", "features/acpi", "features/apic", "features/pae",
	"cpu", "cpu@mode", "cpu@check", "cpu@migratable",
	"clock", "clock@offset",
	"on_poweroff", "on_reboot", "on_crash",
	"devices", "devices/emulator",
	"devices/disk", "devices/disk@type", "devices/disk@device",
	"devices/disk/driver", "devices/disk/driver@name", "devices/disk/driver@type",
	"devices/disk/source", "devices/disk/source@file", "devices/disk/source@dev",
	"devices/disk/source@index",
	"devices/disk/backingStore",
	"devices/disk/target", "devices/disk/target@dev", "devices/disk/target@bus",
	"devices/disk/readonly",
	"devices/disk/boot", "devices/disk/boot@order",
	"devices/disk/alias", "devices/disk/alias@name",
	"devices/disk/address", "devices/disk/address@type", "devices/disk/address@controller",
	"devices/disk/address@bus", "devices/disk/address@target", "devices/disk/address@unit",
	"devices/controller", "devices/controller@type", "devices/controller@index",
	"devices/controller@model",
	"devices/controller/alias", "devices/controller/alias@name",
	"devices/interface", "devices/interface@type",
	"devices/interface/mac", "devices/interface/mac@address",
	"devices/interface/source", "devices/interface/source@bridge",
	"devices/interface/source@network", "devices/interface/source@portid",
	"devices/interface/target", "devices/interface/target@dev",
	"devices/interface/boot", "devices/interface/boot@order",
	"devices/interface/model", "devices/interface/model@type",
	"devices/interface/alias", "devices/interface/alias@name",
	"devices/serial", "devices/serial@type",
	"devices/serial/source", "devices/serial/source@path",
	"devices/serial/target", "devices/serial/target@type", "devices/serial/target@port",
	"devices/serial/target/model", "devices/serial/target/model@name",
	"devices/serial/alias", "devices/serial/alias@name",
	"devices/console", "devices/console@type", "devices/console@tty",
	"devices/console/source", "devices/console/source@path",
	"devices/console/target", "devices/console/target@type", "devices/console/target@port",
	"devices/console/alias", "devices/console/alias@name",
	"devices/input", "devices/input@type", "devices/input@bus",
	"devices/input/alias", "devices/input/alias@name",
	"devices/graphics", "devices/graphics@type", "devices/graphics@port",
	"devices/graphics@autoport", "devices/graphics@listen",
	"devices/graphics/listen", "devices/graphics/listen@type", "devices/graphics/listen@address",
	"devices/video", "devices/video/model", "devices/video/model@type",
	"devices/video/model@vram", "devices/video/model@heads", "devices/video/model@primary",
	"devices/video/alias", "devices/video/alias@name",
	"devices/memballoon", "devices/memballoon@model",
};
/* clang-format on */

enum verdict { UNKNOWN, KNOWN, USERS_OWN };

static enum verdict judge(const char *path)
{
	size_t i, length = strlen(path);

	for (i = 0; i < G_N_ELEMENTS(accepted); i++) {
		if (STRPREFIX(accepted[i], path) && STREQ(accepted[i] + length, "/*"))
			return USERS_OWN;
	}
	for (i = 0; i < G_N_ELEMENTS(accepted); i++) {
		if (STREQ(accepted[i], path))
			return KNOWN;
	}
	return UNKNOWN;
}

static int refuse(const char *kind, const char *path, xmlNodePtr node)
{
	virReportError(VIR_ERR_CONFIG_UNSUPPORTED,
		       _("%s '%s' (line %ld) is not supported by Diptych"), kind, path,
		       xmlGetLineNo(node));
	return -1;
}

/* `path` is the node's own, "" for <domain>. */
static int walk(xmlNodePtr node, const char *path)
{
	xmlAttrPtr attribute;
	xmlNodePtr child;

	for (attribute = node->properties; attribute; attribute = attribute->next) {
		g_autofree char *name = g_strdup_printf("%s@%s", path, attribute->name);

		if (attribute->ns || judge(name) == UNKNOWN)
			return refuse(_("attribute"), name, node);
	}
	for (child = node->children; child; child = child->next) {
		g_autofree char *name = NULL;
		enum verdict verdict;

		if (child->type != XML_ELEMENT_NODE)
			continue;
		name = g_strdup_printf("%s%s%s", path, *path ? "/" : "", child->name);
		verdict = child->ns ? UNKNOWN : judge(name);
		if (verdict == UNKNOWN)
			return refuse(_("element"), name, child);
		if (verdict == KNOWN && walk(child, name) < 0)
			return -1;
	}
	return 0;
}

/* libvirt's parser does not look into entities: what stands in one would just be missing. */
static int refuse_entities(xmlDocPtr document)
{
	if (!document->intSubset)
		return 0;
	virReportError(VIR_ERR_CONFIG_UNSUPPORTED, "%s",
		       _("a document type (<!DOCTYPE>) is not supported by Diptych"));
	return -1;
}

int xml_accept(const char *xml)
{
	g_autoptr(xmlDoc) document =
		virXMLParse(NULL, xml, _("(domain_definition)"), "domain", NULL, NULL, false);

	if (!document || refuse_entities(document) < 0)
		return -1;
	return walk(xmlDocGetRootElement(document), "");
}

int xml_accept_device(const char *xml)
{
	g_autoptr(xmlDoc) document =
		virXMLParse(NULL, xml, _("(device_definition)"), NULL, NULL, NULL, false);
	g_autofree char *path = NULL;
	xmlNodePtr root;

	if (!document || refuse_entities(document) < 0)
		return -1;
	root = xmlDocGetRootElement(document);
	path = g_strdup_printf("devices/%s", root->name);
	if (judge(path) != KNOWN)
		return refuse(_("element"), path, root);
	return walk(root, path);
}
