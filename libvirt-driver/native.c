/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl.cfg and domain XML, one from the other, by way of libdiptych's description of a pair. */
#include "xen.h"

VIR_LOG_INIT("diptych.native");

#define FORMAT "xen-xl" /* libvirt's name for it */

static int check_format(const char *format)
{
	if (STREQ(format, FORMAT))
		return 0;
	virReportError(VIR_ERR_INVALID_ARG, _("unsupported config type '%s': only %s"), format,
		       FORMAT);
	return -1;
}

/* What a definition cannot say, before it in a comment. */
static void note_rest(virBuffer *out, const struct diptych_desc *desc)
{
	const struct {
		const char *key;
		bool set;
	} keys[] = {
		{ "cpu_weight", desc->weight },
		{ "cap", desc->cap },
		{ "stubdomain_kernel", desc->fidelity_kernel },
		{ "stubdomain_ramdisk", desc->fidelity_ramdisk },
		{ "stubdomain_cmdline", desc->fidelity_cmdline },
		{ "stubdomain_memory", desc->fidelity_memory_kib },
		{ "stubdomain_vcpus", desc->fidelity_vcpus },
	};
	g_autofree char *notes = NULL;
	char *dashes;
	size_t i;

	if (desc->notes)
		virBufferAsprintf(out, "%s\n", desc->notes);
	for (i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (keys[i].set)
			virBufferAsprintf(out, FORMAT ": %s: is no part of a definition\n",
					  keys[i].key);
	}
	notes = virBufferContentAndReset(out);
	if (!notes)
		return;
	while ((dashes = strstr(notes, "--"))) /* would end the comment */
		*dashes = ' ';
	virBufferAsprintf(out, "<!--\n%s-->\n", notes);
}

char *connect_domain_xml_from_native(virConnectPtr conn, const char *format, const char *text,
				     unsigned int flags)
{
	g_auto(virBuffer) out = VIR_BUFFER_INITIALIZER;
	g_autoptr(virDomainDef) def = NULL;
	struct diptych_desc desc;
	char *error = NULL;

	if (check_flags(__func__, flags, 0) < 0 ||
	    virConnectDomainXMLFromNativeEnsureACL(conn) < 0 || check_format(format) < 0)
		return NULL;
	diptych_desc_init(&desc);
	if (diptych_desc_parse(&desc, FORMAT, text, strlen(text), &error) < 0)
		virReportError(VIR_ERR_CONFIG_UNSUPPORTED, "%s", error ? error : FORMAT);
	else
		def = pair_definition(&desc);
	note_rest(&out, &desc);
	free(error);
	diptych_desc_dispose(&desc);
	if (!def || virDomainDefFormatInternal(def, driver->xmlopt, &out,
					       VIR_DOMAIN_DEF_FORMAT_INACTIVE) < 0)
		return NULL;
	return virBufferContentAndReset(&out);
}

char *connect_domain_xml_to_native(virConnectPtr conn, const char *format, const char *xml,
				   unsigned int flags)
{
	g_autoptr(virDomainDef) def = NULL;
	char *text, *copy;

	if (check_flags(__func__, flags, 0) < 0 || virConnectDomainXMLToNativeEnsureACL(conn) < 0 ||
	    check_format(format) < 0 || xml_accept(xml) < 0)
		return NULL;
	def = virDomainDefParseString(xml, driver->xmlopt, NULL, VIR_DOMAIN_DEF_PARSE_INACTIVE);
	if (!def)
		return NULL;
	if (is_pvh(def)) {
		virReportError(VIR_ERR_CONFIG_UNSUPPORTED, "%s",
			       _("os type 'xenpvh' is not supported by Diptych here: only hvm"));
		return NULL;
	}
	text = pair_native(def);
	copy = g_strdup(text);
	free(text);
	return copy;
}
