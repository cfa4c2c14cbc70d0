/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI for dom0 (contract 2.7): the firmware's tables but for those that the core
 * keeps to itself (DMAR, IVRS), and a MADT that lists dom0's CPUs.
 */
#include "boot/acpi.h"

#include "boot/multiboot.h"
#include "lib.h"

#define TABLES_MAX 64

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum, reserved[3];
} __packed;

struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;

struct madt {
	struct header h;
	u32 lapic, flags;
} __packed;

struct madt_lapic {
	u8 type, length, uid, apic_id;
	u32 flags;
} __packed;

struct madt_x2apic {
	u8 type, length, reserved[2];
	u32 apic_id, flags, uid;
} __packed;

#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED 1u

static u8 sum(const void *p, u64 n)
{
	const u8 *b = p;
	u8 s = 0;

	while (n--)
		s = (u8)(s + *b++);
	return s;
}

static const struct rsdp *find_in(u64 start, u64 end)
{
	for (u64 a = start; a + sizeof(struct rsdp) <= end; a += 16)
		if (!memcmp((const void *)a, "RSD PTR ", 8) && !sum((const void *)a, 20))
			return (const void *)a;
	return NULL;
}

static const struct rsdp *find_rsdp(void)
{
	const struct rsdp *r;
	u64 where = 0x40e, ebda;

	if (boot_info.rsdp[0])
		return (const void *)boot_info.rsdp;
	/* The BIOS data area's segment of the EBDA; the address is no C object. */
	__asm__("" : "+r"(where));
	ebda = (u64) * (const u16 *)where << 4;
	r = ebda ? find_in(ebda, ebda + 1024) : NULL;
	return r ? r : find_in(0xe0000, 0x100000);
}

static bool hidden(const struct header *h)
{
	static const char names[][4] = { { 'D', 'M', 'A', 'R' },
					 { 'I', 'V', 'R', 'S' },
					 { 'S', 'R', 'A', 'T' },
					 { 'S', 'L', 'I', 'T' } };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (!memcmp(h->signature, names[i], 4))
			return true;
	return false;
}

static u64 build_madt(const struct madt *old, u64 at, u64 end, const u32 *ids, u32 nr)
{
	struct madt *m = (struct madt *)at;
	u8 *to = (u8 *)(m + 1);
	const u8 *from = (const u8 *)(old + 1), *stop = (const u8 *)old + old->h.length;

	*m = *old;
	for (u32 i = 0; i < nr; i++) {
		struct madt_lapic l = { MADT_LAPIC, sizeof(l), (u8)i, (u8)ids[i], MADT_ENABLED };
		struct madt_x2apic x = { MADT_X2APIC, sizeof(x), { 0 }, ids[i], MADT_ENABLED, i };

		memcpy(to, ids[i] < 255 ? (void *)&l : (void *)&x,
		       ids[i] < 255 ? sizeof(l) : sizeof(x));
		to += ids[i] < 255 ? sizeof(l) : sizeof(x);
	}
	for (; from + 2 <= stop && from[1] >= 2 && from + from[1] <= stop; from += from[1]) {
		if (from[0] == MADT_LAPIC || from[0] == MADT_X2APIC) /* processors: listed above */
			continue;
		if ((u64)to + from[1] > end)
			panic("MADT does not fit");
		memcpy(to, from, from[1]);
		to += from[1];
	}
	m->h.length = (u32)((u64)to - at);
	m->h.checksum = 0;
	m->h.checksum = (u8)-sum(m, m->h.length);
	return (u64)to;
}

/* The root table and the size of its entries; NULL: the machine has no ACPI. */
static const struct header *find_root(const struct rsdp *r, u32 *step)
{
	if (!r)
		return NULL;
	*step = r->revision >= 2 && r->xsdt && !(r->xsdt >> 32) ? 8 : 4;
	return (const void *)(*step == 8 ? r->xsdt : r->rsdt);
}

static const struct header *table_at(const u8 *entry, u32 step)
{
	return (const void *)(step == 8 ? *(const u64 *)entry : *(const u32 *)entry);
}

static u32 madt_cpus(const struct madt *m, u32 *ids, u32 max)
{
	const u8 *at = (const u8 *)(m + 1), *stop = (const u8 *)m + m->h.length;
	u32 nr = 0;

	for (; at + 2 <= stop && at[1] >= 2 && at + at[1] <= stop && nr < max; at += at[1]) {
		const struct madt_lapic *l = (const void *)at;
		const struct madt_x2apic *x = (const void *)at;

		if (l->type == MADT_LAPIC && (l->flags & MADT_ENABLED))
			ids[nr++] = l->apic_id;
		else if (x->type == MADT_X2APIC && (x->flags & MADT_ENABLED))
			ids[nr++] = x->apic_id;
	}
	return nr;
}

u32 acpi_cpus(u32 *ids, u32 max)
{
	u32 step;
	const struct header *root = find_root(find_rsdp(), &step);

	if (!root)
		return 0;
	for (const u8 *p = (const u8 *)(root + 1); p < (const u8 *)root + root->length; p += step) {
		const struct header *h = table_at(p, step);

		if (!((u64)h >> 32) && !memcmp(h->signature, "APIC", 4))
			return madt_cpus((const void *)h, ids, max);
	}
	return 0;
}

u64 acpi_for_dom0(u64 at, u64 size, const u32 *apic_ids, u32 nr_cpus)
{
	const struct rsdp *old = find_rsdp();
	u32 nr = 0, step;
	const struct header *root = find_root(old, &step);
	u64 end = at + size, entries[TABLES_MAX], madt_at = at + 1024;
	struct header *xsdt = (struct header *)(at + 64);
	struct rsdp *rsdp = (struct rsdp *)at;

	if (!root)
		return 0;
	for (const u8 *p = (const u8 *)(root + 1); p < (const u8 *)root + root->length; p += step) {
		const struct header *h = table_at(p, step);

		if ((u64)h >> 32 || hidden(h))
			continue;
		if (nr == TABLES_MAX)
			panic("more than %d ACPI tables", TABLES_MAX);
		if (!memcmp(h->signature, "APIC", 4)) {
			build_madt((const void *)h, madt_at, end, apic_ids, nr_cpus);
			entries[nr++] = madt_at;
		} else {
			entries[nr++] = (u64)h;
		}
	}
	*xsdt = *root;
	memcpy(xsdt->signature, "XSDT", 4);
	xsdt->revision = 1;
	xsdt->length = (u32)(sizeof(*xsdt) + nr * 8);
	memcpy(xsdt + 1, entries, nr * 8);
	xsdt->checksum = 0;
	xsdt->checksum = (u8)-sum(xsdt, xsdt->length);
	*rsdp = *old;
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = (u64)xsdt;
	rsdp->checksum = 0;
	rsdp->checksum = (u8)-sum(rsdp, 20);
	rsdp->extended_checksum = 0;
	rsdp->extended_checksum = (u8)-sum(rsdp, sizeof(*rsdp));
	return at;
}
