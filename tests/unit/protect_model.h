/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protection layer beside a model of what it must achieve, and one operation on both, valid or
 * not, by choices that come from elsewhere: a random generator in the unit test, the fuzzer's input in
 * tests/fuzz.
 *
 * The model is a TLB per CPU, filled by this file's own walk of the hardware entries and emptied only
 * between flush_begin and flush_end.  Whatever a CPU can reach must be allowed by what this file
 * remembers of owners, partners, builders and grants, and nothing is reused while a TLB still holds it.
 */
#ifndef PROTECT_MODEL_H
#define PROTECT_MODEL_H

#include "protect_small.h"

#ifndef FRAMES
#define FRAMES	      48u
#define RAM	      40u /* frames above are MMIO, two of them forbidden */
#define FORBIDDEN_MFN 44u
#endif
#define TABLES	24u
#define SLOTS	12u
#define CPUS	6u
#define DOMAINS 5u
#define TLB	12u

/* Where choices come from: the program that includes this file. */
static u64 next_random(void);

static u64 below(u64 n)
{
	return next_random() % n;
}

/* Mostly a sensible value, now and then one at or beyond the edge. */
static u64 pick(u64 n)
{
	static const u64 odd[] = { 0,		1ull << 32, ~0ull, 1ull << 63,
				   ENTRIES - 1, ENTRIES,    1024,  1ull << 20 };

	if (below(40) == 0)
		return below(2) ? n : odd[below(8)];
	return below(n);
}

static u64 pick_index(void)
{
	static const u64 usual[] = { 0, 0, 0, 1, 2, FORBIDDEN_MFN - 3, FORBIDDEN_MFN, ENTRIES - 1 };

	return below(40) == 0 ? pick(ENTRIES) : usual[below(8)];
}

static u64 pick_perm(void)
{
	static const u64 usual[] = { 3, 3, 7, 1, 5 };

	return below(30) == 0 ? pick(8) : usual[below(5)];
}

/* ---- the model ---------------------------------------------------------------------------- */
static bool frame_is_zero[FRAMES];
static u64 owner_handle[FRAMES]; /* 0: nobody or condemned */
static bool condemned[FRAMES];

static struct grant {
	u64 mapper, owner, mfn, perm;
	bool valid;
} grants[SLOTS];

static struct translation {
	bool valid, write, exec;
	u64 handle, mfn, slot, role;
	u64 tables[4];
} tlb[CPUS][TLB];

void frame_zero(u64 mfn)
{
	ck_assert(mfn < FRAMES);
	ck_assert_msg(frame_head[mfn] == 0, "zeroing a mapped frame");
	frame_is_zero[mfn] = true;
}

static bool present(u64 handle)
{
	return domain_handle(handle & (PROTECT_DOMAINS - 1)) == handle;
}

static bool granted(u64 handle, u64 mfn, bool write)
{
	u64 s;

	for (s = 0; s < SLOTS; s++)
		if (grants[s].valid && grants[s].mapper == handle && grants[s].mfn == mfn &&
		    grants[s].owner == owner_handle[mfn] &&
		    (!write || (grants[s].perm & PERM_WRITE)))
			return true;
	return false;
}

/* The promise, for one translation that a CPU has just made. */
static bool allowed(const struct translation *t)
{
	u64 owner;

	if (t->mfn >= RAM) /* MMIO: hardware domain, never the forbidden ones */
		return t->handle == domain_handle(0) && t->mfn != FORBIDDEN_MFN &&
		       t->mfn != FORBIDDEN_MFN + 1 && t->mfn - TABLE_MFN >= PROTECT_TABLES;
	owner = owner_handle[t->mfn];
	if (owner == 0)
		return condemned[t->mfn];
	if (owner == t->handle)
		return true;
	if (!present(owner)) /* orphan: not reused before it is condemned and released */
		return true;
	if (t->exec)
		return false;
	if (dom_partner[owner & (PROTECT_DOMAINS - 1)] == t->handle)
		return true;
	if (dom_builder[owner & (PROTECT_DOMAINS - 1)] == t->handle &&
	    domain_sealed(owner & (PROTECT_DOMAINS - 1)) != SEALED)
		return true;
	return granted(t->handle, t->mfn, t->write);
}

/* A CPU runs a domain: walks as hardware does and remembers what it found. */
static void cpu_walks(void)
{
	u64 cpu = below(CPUS), dom = below(DOMAINS), table = domain_root_table(dom), level,
	    entry = 0;
	u64 slot_index, index;
	struct translation t = { .valid = true, .write = true, .exec = true };

	if (table == 0)
		return;
	t.handle = domain_handle(dom);
	for (level = 4; level >= 1; level--) {
		index = pick_index() % ENTRIES;
		t.tables[level - 1] = table;
		slot_index = table * ENTRIES + index;
		entry = npt[slot_index];
		if ((entry & 1) == 0)
			return;
		ck_assert_msg((entry & 0x25) == 0x25, "entry %lx without user, accessed", entry);
		ck_assert_uint_eq(entry >> 9 & 7, level - 1);
		t.write = t.write && (entry & 2);
		t.exec = t.exec && !(entry >> 63);
		ck_assert_uint_eq(entry >> 62 & 1, entry >> 1 & 1);
		t.mfn = ENTRY_FRAME(entry);
		if (level > 1) {
			table = mfn_table(t.mfn);
			ck_assert_msg(table != 0, "upper entry %lx leaves the pool", entry);
		} else {
			t.role = entry_role(slot_index);
			t.slot = entry_slot(slot_index);
		}
	}
	ck_assert_msg(allowed(&t), "domain %lu reaches frame %lu, write %d, entry %lx", dom, t.mfn,
		      t.write, entry);
	tlb[cpu][below(TLB)] = t;
}

static void cpu_flushes(void)
{
	static bool begun[CPUS], done[CPUS];
	u64 cpu = pick(CPUS), i;

	switch (below(3)) {
	case 0:
		flush_begin(cpu);
		if (cpu < CPUS) {
			begun[cpu] = true;
			done[cpu] = false;
		}
		break;
	case 1:
		if (cpu < CPUS && begun[cpu]) {
			for (i = 0; i < TLB; i++)
				tlb[cpu][i].valid = false;
			done[cpu] = true;
		}
		break;
	default:
		/* An end without a begin ends the previous one again: harmless and tried. */
		if (cpu >= CPUS || !begun[cpu] || done[cpu])
			flush_end(cpu);
		if (cpu < CPUS && done[cpu])
			begun[cpu] = done[cpu] = false;
	}
}

static void all_flush(void)
{
	u64 cpu, i;

	for (cpu = 0; cpu < CPUS; cpu++) {
		flush_begin(cpu);
		for (i = 0; i < TLB; i++)
			tlb[cpu][i].valid = false;
		flush_end(cpu);
	}
}

#define FOR_ALL_TRANSLATIONS(t)                                                          \
	for (const struct translation *t = &tlb[0][0]; t < &tlb[0][0] + CPUS * TLB; t++) \
		if (t->valid)

/* ---- one random operation ------------------------------------------------------------------ */
enum { NR_OPS = 26 };
static u64 tried[NR_OPS], succeeded[NR_OPS];
static const char *const names[NR_OPS] = {
	"domain_create", "domain_pair", "domain_seal_begin",  "domain_seal_end",  "domain_kill",
	"domain_reap",	 "frame_give",	"frame_condemn",      "frame_release",	  "frame_scrub",
	"table_alloc",	 "table_link",	"table_unlink",	      "table_clear",	  "table_free",
	"map_own",	 "map_partner", "map_mmio",	      "slot_take",	  "map_slot",
	"slot_drop",	 "unmap",	"leaf_write_protect", "leaf_write_allow", "flush",
	"walk",
};

static u64 pick_table(u64 level) /* one of that level, if there is any: else trees never grow */
{
	u64 i, t = pick(TABLES);

	if (below(10) == 0)
		return t;
	for (i = 0; i < TABLES; i++) {
		if (t < TABLES && table_level_of(t) == level && table_state_of(t) == TABLE_LIVE)
			return t;
		t = (t + 1) % TABLES;
	}
	return t;
}

static int do_map_own(void)
{
	u64 table = pick_table(1), mfn = pick(FRAMES), i;

	for (i = 0; i < RAM && mfn < RAM && below(32); i++) {
		if (owner_handle[mfn] == table_owner_of(table))
			break;
		mfn = (mfn + 1) % RAM;
	}
	return map_own(table, pick_index(), mfn, pick_perm());
}

static int do_frame_give(void)
{
	u64 mfn = pick(FRAMES), dom = pick(DOMAINS);
	int r = frame_give(mfn, dom);

	if (r == 0) {
		ck_assert_msg(frame_is_zero[mfn], "frame %lu given unzeroed", mfn);
		FOR_ALL_TRANSLATIONS(t)
		ck_assert_msg(t->mfn != mfn, "frame %lu given, still cached", mfn);
		owner_handle[mfn] = domain_handle(dom);
		frame_is_zero[mfn] = false;
	}
	return r;
}

static int do_frame_condemn(void)
{
	u64 mfn = pick(FRAMES), dom = pick(DOMAINS), old;
	int r;

	if (below(8)) /* rarely: frames should live long enough to be mapped */
		return frame_condemn(~0ull, dom);
	r = frame_condemn(mfn, dom);
	if (r == 0) {
		old = owner_handle[mfn];
		ck_assert(old != 0);
		ck_assert_msg(old == domain_handle(dom) || !present(old) ||
				      dom_state[old & (PROTECT_DOMAINS - 1)] != DOMAIN_LIVE,
			      "frame of a live domain condemned by another");
		owner_handle[mfn] = 0;
		condemned[mfn] = true;
	}
	return r;
}

static int do_frame_release(void)
{
	u64 mfn = pick(FRAMES);
	int r = frame_release(mfn);

	if (r == 0) {
		ck_assert(condemned[mfn]);
		FOR_ALL_TRANSLATIONS(t)
		ck_assert_msg(t->mfn != mfn, "frame %lu released, still cached", mfn);
		condemned[mfn] = false;
	}
	return r;
}

static int do_seal_end(void)
{
	u64 dom = pick(DOMAINS);
	int r = domain_seal_end(dom);

	if (r == 0)
		FOR_ALL_TRANSLATIONS(t)
	if (t->mfn < RAM && owner_handle[t->mfn] == domain_handle(dom))
		ck_assert_msg(t->role != LEAF_BUILDER, "sealed, builder still cached");
	return r;
}

static int do_table_free(void)
{
	u64 table = pick(TABLES), i;
	int r = table_free(table);

	if (r == 0)
		FOR_ALL_TRANSLATIONS(t)
	for (i = 0; i < 4; i++)
		ck_assert_msg(t->tables[i] != table, "table %lu freed, walk cached", table);
	return r;
}

static int do_slot_take(void)
{
	u64 slot = pick(SLOTS), mapper = pick(DOMAINS), owner = pick(DOMAINS);
	u64 role = below(2) ? LEAF_BUILDER : pick(6), mfn = pick(FRAMES), perm = pick_perm();
	int r;

	if (below(3) && mfn < RAM && owner_handle[mfn] != 0)
		owner = owner_handle[mfn] & (PROTECT_DOMAINS - 1);
	r = slot_take(slot, mapper, owner, role, mfn, perm);
	if (r == 0 && role == LEAF_GRANT)
		grants[slot] = (struct grant){ .valid = true,
					       .mapper = domain_handle(mapper),
					       .owner = domain_handle(owner),
					       .mfn = mfn,
					       .perm = perm };
	return r;
}

static int do_slot_drop(void)
{
	u64 slot = pick(SLOTS);
	u64 role = slot_role_of(slot);
	int r = slot_drop(slot);

	if (r == 0) {
		FOR_ALL_TRANSLATIONS(t)
		ck_assert_msg(role != LEAF_GRANT || t->slot != slot || t->role != LEAF_GRANT,
			      "grant slot %lu dropped, still cached", slot);
		grants[slot].valid = false;
	}
	return r;
}

static int do_map_slot(void)
{
	u64 slot = pick(SLOTS), table = pick_table(1), mfn = pick(FRAMES), i;

	for (i = 0; i < SLOTS && slot < SLOTS && below(16); i++) {
		if (slot_role[slot] != LEAF_NONE && slot_mapper[slot] == table_owner_of(table))
			break;
		slot = (slot + 1) % SLOTS;
	}
	for (i = 0; i < RAM && slot < SLOTS && mfn < RAM && below(32); i++) {
		if (owner_handle[mfn] == slot_owner[slot])
			break;
		mfn = (mfn + 1) % RAM;
	}
	if (below(4) && slot < SLOTS && slot_role_of(slot) == LEAF_GRANT)
		mfn = slot_mfn[slot];
	return map_slot(table, pick_index(), mfn, pick_perm(), slot);
}

/* Seven times of eight the level that the domain lacks, so that trees reach their leaves. */
static int do_table_alloc(void)
{
	u64 table = pick(TABLES), dom = pick(DOMAINS), level = 1 + pick(4), have[5] = { 0 }, i;

	for (i = 1; i < TABLES; i++)
		if (table_state[i] == TABLE_LIVE && table_owner[i] == domain_handle(dom))
			have[table_level[i]]++;
	if (below(8))
		for (level = 4; level > 1 && have[level] != 0;)
			level--;
	return table_alloc(table, dom, level);
}

static int do_table_link(void)
{
	u64 table = pick(TABLES), parent = pick(TABLES), i;

	for (i = 0; i < TABLES && table < TABLES && below(16); i++) {
		if (table_state[table] == TABLE_LIVE && table_parent[table] == 0 &&
		    table_level[table] < 4)
			break;
		table = (table + 1) % TABLES;
	}
	for (i = 0; i < TABLES && table < TABLES && parent < TABLES && below(16); i++) {
		if (table_level[parent] == table_level[table] + 1 &&
		    table_owner[parent] == table_owner[table])
			break;
		parent = (parent + 1) % TABLES;
	}
	return table_link(table, parent, below(2) ? 0 : pick_index());
}

static int do_table_unlink(void)
{
	u64 table = pick(TABLES);

	/* What a dead domain left goes soon, a live one's tables seldom. */
	if (table < TABLES && handle_is_live(table_owner[table]) && below(60))
		return 1;
	return table_unlink(table);
}

static int do_table_clear(void)
{
	u64 table = pick(TABLES), i;
	int r;

	for (i = 0; i < TABLES && table < TABLES && table_state[table] != TABLE_DYING && below(32);
	     i++)
		table = (table + 1) % TABLES;
	r = table_clear(table);
	while (r == 0 && table_cursor[table] < ENTRIES - 12 && below(200))
		r = table_clear(table);
	return r;
}

static int do_unmap(void)
{
	u64 mfn = below(RAM), entry = frame_newest_entry(mfn);

	if (below(3) == 0)
		return unmap(pick(TABLES), pick_index());
	while (entry_older(entry) != 0 && below(2))
		entry = entry_older(entry);
	if (entry == 0 ||
	    (handle_is_live(table_owner[entry / ENTRIES]) && !condemned[mfn] && below(4)))
		return 1;
	return unmap(entry / ENTRIES, entry % ENTRIES);
}

static int do_map_mmio(void)
{
	u64 table = pick_table(1), index = pick_index();
	u64 mfn = below(4) && table < TABLES ? table_base[table] + index : pick(FRAMES);

	return map_mmio(table, index, mfn);
}

static int do_map_partner(void)
{
	u64 mfn = pick(FRAMES), table = pick_table(1), i;

	/* Random pairs seldom fit: look for a frame of the guest of the table's domain. */
	for (i = 0; i < RAM && table < TABLES && below(8); i++) {
		u64 candidate = (mfn + i) % RAM;

		if (owner_handle[candidate] != 0 &&
		    owner_handle[candidate] ==
			    dom_target[table_owner_of(table) & (PROTECT_DOMAINS - 1)]) {
			mfn = candidate;
			break;
		}
	}
	return map_partner(table, pick_index(), mfn, pick_perm());
}

static int do_domain_create(void)
{
	u64 dom = pick(DOMAINS), builder = below(3) ? 0 : pick(DOMAINS);
	u64 flags = below(20) ? below(2) * DOMAIN_GUEST : pick(4);

	return domain_create(dom, builder, flags, 4 + below(6), 1 + below(8));
}

static int run(u64 op)
{
	switch (op) {
	case 0:
		return do_domain_create();
	case 1:
		return domain_pair(pick(DOMAINS), pick(DOMAINS));
	case 2:
		return below(60) ? 1 : domain_seal_begin(pick(DOMAINS));
	case 3:
		return do_seal_end();
	case 4: /* rarely; dom0 hardly ever, it cannot come back as hardware domain */
		return below(300) ? 1
				  : domain_kill(below(50) ? 1 + pick(DOMAINS - 1) : pick(DOMAINS));
	case 5:
		return domain_reap(pick(DOMAINS));
	case 6:
		return do_frame_give();
	case 7:
		return do_frame_condemn();
	case 8:
		return do_frame_release();
	case 9:
		return frame_scrub(pick(FRAMES));
	case 10:
		return do_table_alloc();
	case 11:
		return do_table_link();
	case 12:
		return do_table_unlink();
	case 13:
		return do_table_clear();
	case 14:
		return do_table_free();
	case 15:
		return do_map_own();
	case 16:
		return do_map_partner();
	case 17:
		return do_map_mmio();
	case 18:
		return do_slot_take();
	case 19:
		return do_map_slot();
	case 20:
		return do_slot_drop();
	case 21:
		return do_unmap();
	case 22:
		return leaf_write_protect(pick(TABLES), pick_index());
	case 23:
		return leaf_write_allow(pick(TABLES), pick_index());
	case 24:
		if (below(6) == 0)
			all_flush();
		else
			cpu_flushes();
		return 0;
	default:
		cpu_walks();
		return 0;
	}
}

static void set_up(void)
{
	u64 mfn;

	protect_init(FRAMES, TABLES, SLOTS, CPUS);
	ck_assert_int_eq(mmio_forbid(FORBIDDEN_MFN, 2), 0);
	for (mfn = 0; mfn < RAM; mfn++)
		ck_assert_int_eq(frame_add(mfn), 0);
	ck_assert_int_eq(domain_create(0, 0, DOMAIN_HARDWARE, 9, 9), 0);
	ck_assert_int_eq(frame_give_boot(0, 0), 0);
	owner_handle[0] = domain_handle(0);
	protect_boot_done();
	ck_assert_uint_eq(protect_invariant(), 0);
}

#endif
