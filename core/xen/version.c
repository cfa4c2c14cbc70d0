// SPDX-License-Identifier: GPL-2.0-or-later
/* xen_version: what stock tools and guests ask to know whom they talk to. */
#include "xen/call.h"

const char *xen_command_line;

static s64 answer_text(struct call *c, const char *text, size_t size)
{
	char buffer[128] = { 0 };
	size_t n = strlen(text);

	if (n >= sizeof(buffer) || n >= size)
		return -EINVAL;
	memcpy(buffer, text, n);
	/* behind the terminator the caller's buffer stays as it is */
	return copy_to_guest(c->v, c->arg[1], buffer, min_u64(size, n + 1));
}

static s64 compile_info(struct call *c)
{
	struct xen_compile_info info = {
		.compiler = "gcc " __VERSION__,
		.compile_by = "diptych",
		.compile_domain = "",
		.compile_date = "",
	};

	return store(c, c->arg[1], &info);
}

static s64 features(struct call *c)
{
	struct xen_feature_info info;

	if (fetch(c, &info, c->arg[1]))
		return -EFAULT;
	if (info.submap_idx)
		return -EINVAL;
	info.submap = 1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
		      1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock |
		      1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_not_direct_mapped;
	if (c->d->hardware)
		info.submap |= 1u << XENFEAT_dom0;
	return store(c, c->arg[1], &info);
}

s64 do_xen_version(struct call *c)
{
	struct xen_platform_parameters parameters = { .virt_start = 0xffff800000000000ull };

	switch (c->arg[0]) {
	case XENVER_version:
		return XEN_VERSION;
	case XENVER_extraversion:
		return answer_text(c, ".7-diptych", sizeof(xen_extraversion_t));
	case XENVER_compile_info:
		return compile_info(c);
	case XENVER_capabilities: /* libxenguest looks for the 32-bit container of a PVH guest */
		return answer_text(c, "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
				   sizeof(xen_capabilities_info_t));
	case XENVER_changeset:
		return answer_text(c, "diptych", sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters:
		return store(c, c->arg[1], &parameters);
	case XENVER_get_features:
		return features(c);
	case XENVER_pagesize:
		return (s64)PAGE_SIZE;
	case XENVER_guest_handle:
		return copy_to_guest(c->v, c->arg[1], c->d->uuid, sizeof(c->d->uuid));
	case XENVER_commandline:
		if (!c->d->hardware)
			return answer_text(c, "<denied>", sizeof(xen_commandline_t));
		return copy_to_guest(c->v, c->arg[1], xen_command_line, sizeof(xen_commandline_t));
	case XENVER_build_id:
		return -ENODATA;
	default:
		return -ENOSYS;
	}
}
