/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor, a xenstore and a libxl of a few lines, for tests of the toolstack: they keep which
 * domains and which keys there are, and can fail at the n-th call that changes something.
 */
#ifndef FAKE_XEN_H
#define FAKE_XEN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "toolstack/context.h"

#define FAKE_DOMAINS 16
#define FAKE_KEYS    256

static struct fake_domain {
	bool exists;
	xc_domaininfo_t info;
} fake_domains[FAKE_DOMAINS];

static struct fake_key {
	char path[128], value[256];
} fake_keys[FAKE_KEYS], fake_saved[FAKE_KEYS];

static void (*fake_step)(void); /* called before each change */
static int fake_fail_in;	/* changes left before one fails; negative: never */
static uint64_t fake_free_pages;
static uint32_t fake_partner, fake_target; /* of the last set_target */

/* Whether the change that is asked for now shall fail. */
static bool fails(int error)
{
	if (fake_step)
		fake_step();
	if (fake_fail_in < 0 || fake_fail_in-- > 0)
		return false;
	errno = error;
	return true;
}

static void set_key(const char *path, const char *value);

static void fake_reset(void)
{
	memset(fake_domains, 0, sizeof(fake_domains));
	memset(fake_keys, 0, sizeof(fake_keys));
	fake_domains[0].exists = true;
	fake_fail_in = -1;
	fake_free_pages = 1u << 20;
	fake_partner = fake_target = 0;
	set_key("/local/domain/0/name", "Domain-0");
	set_key("/libxl", "");
	set_key("/tool/xenstored", "");
	set_key("/vm", "");
}

/* ---- xenstore ------------------------------------------------------------------------------- */

static struct fake_key *key_at(const char *path)
{
	size_t i;

	for (i = 0; i < FAKE_KEYS; i++)
		if (!strcmp(fake_keys[i].path, path))
			return &fake_keys[i];
	return NULL;
}

static size_t count_keys(void)
{
	size_t i, n = 0;

	for (i = 0; i < FAKE_KEYS; i++)
		n += fake_keys[i].path[0] != 0;
	return n;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *length)
{
	struct fake_key *key = key_at(path);

	(void)h, (void)t;
	errno = ENOENT;
	*length = key ? (unsigned int)strlen(key->value) : 0;
	return key ? strdup(key->value) : NULL;
}

/* Like xenstored, which makes the folders above. */
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int length)
{
	struct fake_key *key = key_at(path);
	char above[128];

	if (fails(EIO))
		return false;
	snprintf(above, sizeof(above), "%s", path);
	*strrchr(above, '/') = 0;
	if (above[0] && !key_at(above)) {
		fake_fail_in += fake_fail_in >= 0; /* not a call of its own */
		if (!xs_write(h, t, above, "", 0))
			return false;
	}
	if (!key)
		key = key_at("");
	ck_assert_ptr_nonnull(key);
	snprintf(key->path, sizeof(key->path), "%s", path);
	snprintf(key->value, sizeof(key->value), "%.*s", (int)length, (const char *)data);
	return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	size_t i, length = strlen(path);

	(void)h, (void)t;
	for (i = 0; i < FAKE_KEYS; i++)
		if (!strncmp(fake_keys[i].path, path, length) &&
		    (!fake_keys[i].path[length] || fake_keys[i].path[length] == '/'))
			memset(&fake_keys[i], 0, sizeof(fake_keys[i]));
	return true;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *number)
{
	size_t i, length = strlen(path), used = FAKE_KEYS * sizeof(char *);
	char **names = malloc(used + sizeof(fake_keys)), *to = (char *)names + used;
	const char *name;

	(void)h, (void)t;
	*number = 0;
	errno = ENOENT;
	if (!key_at(path)) {
		free(names);
		return NULL;
	}
	for (i = 0; i < FAKE_KEYS; i++) {
		name = fake_keys[i].path + length + 1;
		if (strncmp(fake_keys[i].path, path, length) || name[-1] != '/' ||
		    strchr(name, '/'))
			continue;
		names[(*number)++] = strcpy(to, name);
		to += strlen(name) + 1;
	}
	return names;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	(void)h;
	if (fails(EIO))
		return XBT_NULL;
	memcpy(fake_saved, fake_keys, sizeof(fake_saved));
	return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort_it)
{
	bool failed = fails(EIO);

	(void)h, (void)t;
	if (abort_it || failed)
		memcpy(fake_keys, fake_saved, sizeof(fake_keys));
	return !failed;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *permissions, unsigned int number)
{
	(void)h, (void)t, (void)permissions, (void)number;
	ck_assert_ptr_nonnull(key_at(path));
	return !fails(EIO);
}

static void set_key(const char *path, const char *value)
{
	xs_write(NULL, XBT_NULL, path, value, (unsigned int)strlen(value));
}

/* ---- the hypervisor ------------------------------------------------------------------------- */

static size_t count_domains(void)
{
	size_t i, n = 0;

	for (i = 1; i < FAKE_DOMAINS; i++)
		n += fake_domains[i].exists;
	return n;
}

static uint32_t add_domain(const uint8_t uuid[16])
{
	uint32_t id = 1;

	while (fake_domains[id].exists)
		id++;
	memset(&fake_domains[id], 0, sizeof(fake_domains[id]));
	fake_domains[id].exists = true;
	fake_domains[id].info.domain = (domid_t)id;
	fake_domains[id].info.flags = XEN_DOMINF_paused | XEN_DOMINF_blocked;
	memcpy(fake_domains[id].info.handle, uuid, 16);
	return id;
}

static struct fake_domain *domain_at(uint32_t id)
{
	return id < FAKE_DOMAINS && fake_domains[id].exists ? &fake_domains[id] : NULL;
}

int xc_domain_create(xc_interface *xc, uint32_t *id, struct xen_domctl_createdomain *create)
{
	(void)xc;
	if (fails(ENOMEM))
		return -1;
	ck_assert_uint_eq(create->flags, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap);
	ck_assert_uint_eq(create->arch.emulation_flags, 0);
	*id = add_domain(create->handle);
	return 0;
}

int xc_domain_max_vcpus(xc_interface *xc, uint32_t id, unsigned int max)
{
	(void)xc;
	domain_at(id)->info.max_vcpu_id = max - 1;
	return fails(ENOMEM) ? -1 : 0;
}

int xc_domain_setmaxmem(xc_interface *xc, uint32_t id, uint64_t kib)
{
	(void)xc;
	domain_at(id)->info.max_pages = kib >> 2;
	return fails(ENOMEM) ? -1 : 0;
}

/* Gives two extents less than it is asked for, as it may. */
int xc_domain_populate_physmap(xc_interface *xc, uint32_t id, unsigned long count,
			       unsigned int order, unsigned int flags, xen_pfn_t *first)
{
	struct fake_domain *d = domain_at(id);
	unsigned long i, given = count > 2 ? count - 2 : count;

	(void)xc, (void)flags;
	if (fails(ENOMEM))
		return 0;
	for (i = 0; i < given; i++) {
		/* the pool has no hole and nothing twice */
		ck_assert_uint_eq(first[i], MINV_POOL_GFN + d->info.tot_pages);
		d->info.tot_pages += 1ull << order;
	}
	ck_assert_uint_le(d->info.tot_pages, d->info.max_pages);
	return (int)given;
}

int xc_domain_set_target(xc_interface *xc, uint32_t id, uint32_t target)
{
	(void)xc;
	if (fails(EPERM))
		return -1;
	fake_partner = id;
	fake_target = target;
	return 0;
}

int xc_domain_getinfolist(xc_interface *xc, uint32_t first, unsigned int max, xc_domaininfo_t *info)
{
	(void)xc, (void)max;
	for (; first < FAKE_DOMAINS; first++)
		if (fake_domains[first].exists) {
			*info = fake_domains[first].info;
			return 1;
		}
	return 0;
}

int xc_domain_pause(xc_interface *xc, uint32_t id)
{
	(void)xc;
	if (fails(EIO))
		return -1;
	domain_at(id)->info.flags |= XEN_DOMINF_paused;
	return 0;
}

int xc_domain_unpause(xc_interface *xc, uint32_t id)
{
	(void)xc;
	if (fails(EIO))
		return -1;
	domain_at(id)->info.flags &= ~XEN_DOMINF_paused;
	return 0;
}

int xc_domain_destroy(xc_interface *xc, uint32_t id)
{
	(void)xc;
	errno = ESRCH;
	if (!domain_at(id))
		return -1;
	fake_domains[id].exists = false;
	return 0;
}

int xc_physinfo(xc_interface *xc, xc_physinfo_t *info)
{
	(void)xc;
	info->free_pages = fake_free_pages;
	return 0;
}

/* A machine for unit tests has no loop devices. */
int loop_attach(struct diptych *c, const char *path, bool readonly, char device[32])
{
	(void)path, (void)readonly;
	snprintf(device, 32, "/dev/loop7");
	return fails(EBUSY) ? fail(c, EBUSY, "no loop device") : dup(0);
}

/* ---- libxl ---------------------------------------------------------------------------------- */

int libxl_domain_create_new(libxl_ctx *ctx, libxl_domain_config *config, uint32_t *id,
			    const libxl_asyncop_how *how,
			    const libxl_asyncprogress_how *progress_how)
{
	char path[64];

	(void)ctx, (void)how, (void)progress_how;
	if (fails(EIO))
		return ERROR_FAIL;
	*id = add_domain(libxl_uuid_bytearray(&config->c_info.uuid));
	snprintf(path, sizeof(path), "/local/domain/%u/name", *id);
	fake_fail_in += fake_fail_in >= 0;
	set_key(path, config->c_info.name);
	return 0;
}

int libxl_domain_destroy(libxl_ctx *ctx, uint32_t id, const libxl_asyncop_how *how)
{
	char path[64];

	(void)ctx, (void)how;
	if (!domain_at(id))
		return ERROR_DOMAIN_NOTFOUND;
	fake_domains[id].exists = false;
	snprintf(path, sizeof(path), "/local/domain/%u", id);
	xs_rm(NULL, XBT_NULL, path);
	return 0;
}

int libxl_domain_info(libxl_ctx *ctx, libxl_dominfo *info, uint32_t id)
{
	(void)ctx, (void)info;
	return domain_at(id) ? 0 : ERROR_DOMAIN_NOTFOUND;
}

int libxl_name_to_domid(libxl_ctx *ctx, const char *name, uint32_t *id)
{
	char path[64];

	(void)ctx;
	for (*id = 0; *id < FAKE_DOMAINS; ++*id) {
		snprintf(path, sizeof(path), "/local/domain/%u/name", *id);
		if (domain_at(*id) && key_at(path) && !strcmp(key_at(path)->value, name))
			return 0;
	}
	return ERROR_INVAL;
}

libxl_dominfo *libxl_list_domain(libxl_ctx *ctx, int *count)
{
	libxl_dominfo *list = calloc(FAKE_DOMAINS, sizeof(*list));
	uint32_t id;

	(void)ctx;
	*count = 0;
	for (id = 0; id < FAKE_DOMAINS; id++)
		if (fake_domains[id].exists) {
			list[*count].domid = id;
			memcpy(&list[(*count)++].uuid, fake_domains[id].info.handle, 16);
		}
	return list;
}

void libxl_dominfo_list_free(libxl_dominfo *list, int count)
{
	(void)count;
	free(list);
}

int libxl_cpu_bitmap_alloc(libxl_ctx *ctx, libxl_bitmap *map, int cpus)
{
	(void)ctx;
	map->size = (uint32_t)(cpus + 7) / 8;
	map->map = calloc(map->size, 1);
	return map->map ? 0 : ERROR_NOMEM;
}

#endif
