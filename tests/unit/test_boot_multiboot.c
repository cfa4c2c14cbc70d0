/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a multiboot2 loader says, as GRUB lays it out; and modules that lie where dom0's kernel goes.  A piece
 * of this program's own memory plays the machine's.
 */
#include "boot/multiboot.c"

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static u64 words[4096]; /* the information; tags begin at multiples of 8 */
static size_t used;
static jmp_buf stopped;
static char why[256];

void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
}

void machine_end(bool reboots)
{
	ck_assert(!reboots);
	longjmp(stopped, 1);
}

static void begin(void)
{
	memset(words, 0, sizeof(words));
	memset(&boot_info, 0, sizeof(boot_info));
	wrong = NULL;
	used = 8;
}

static void add_tag(u32 type, const void *data, size_t size)
{
	u8 *at = (u8 *)words + used;
	struct tag t = { type, (u32)(sizeof(t) + size) };

	ck_assert_uint_lt(used + size + 32, sizeof(words));
	memcpy(at, &t, sizeof(t));
	memcpy(at + sizeof(t), data, size);
	used += (sizeof(t) + size + 7) & ~7ul;
}

static void add_map(const struct map_entry *entries, u32 nr)
{
	static u8 data[8 + 200 * sizeof(struct map_entry)];
	const u32 head[2] = { sizeof(struct map_entry), 0 };

	memcpy(data, head, sizeof(head));
	memcpy(data + sizeof(head), entries, nr * sizeof(*entries));
	add_tag(TAG_MAP, data, sizeof(head) + nr * sizeof(*entries));
}

static void add_module_tag(u32 start, u32 end, const char *text)
{
	u8 data[2048];
	const u32 head[2] = { start, end };

	memcpy(data, head, sizeof(head));
	memcpy(data + sizeof(head), text, strlen(text) + 1);
	add_tag(TAG_MODULE, data, sizeof(head) + strlen(text) + 1);
}

static const char *read_it(void)
{
	add_tag(TAG_END, "", 0);
	words[0] = used;
	return multiboot_read(MULTIBOOT2_MAGIC, (u64)words);
}

START_TEST(grub_on_uefi)
{
	/* Not in order; two neighbours of one kind; a kind that nobody knows; an empty one. */
	const struct map_entry map[] = { { 0x100000, 0x700000, 1, 0 },
					 { 0, 0xa0000, 1, 0 },
					 { 0x800000, 0x800000, 1, 0 },
					 { 0x1000000, 0x1000, 77, 0 },
					 { 0x5000000, 0, 1, 0 } };
	struct tag_screen screen = { .base = 0xc0000000,
				     .pitch = 3200,
				     .width = 800,
				     .height = 600,
				     .bits = 32,
				     .kind = 1 };
	static const char rsdp[36] = "RSD PTR ";

	begin();
	add_tag(TAG_COMMAND_LINE, "dom0_mem=1G", 12);
	add_module_tag(0x2000000, 0x3000000, "root=/dev/vda");
	add_module_tag(0x3000000, 0x3100000, "");
	add_map(map, ARRAY_SIZE(map));
	add_tag(TAG_SCREEN, &screen.base, sizeof(screen) - sizeof(struct tag));
	add_tag(TAG_EFI_64, "12345678", 8);
	add_tag(TAG_RSDP_1, "old RSDP            ", 20);
	add_tag(TAG_RSDP_2, rsdp, sizeof(rsdp));
	add_tag(1234, "unknown", 8);
	ck_assert_ptr_null(read_it());
	ck_assert_str_eq(boot_info.command_line, "dom0_mem=1G");
	ck_assert_uint_eq(boot_info.nr_modules, 2);
	ck_assert_str_eq(boot_info.modules[0].text, "root=/dev/vda");
	ck_assert_uint_eq(boot_info.modules[1].end, 0x3100000);
	ck_assert_uint_eq(boot_info.nr_ranges, 3);
	ck_assert_uint_eq(boot_info.ranges[0].end, 0xa0000);
	ck_assert_uint_eq(boot_info.ranges[1].start, 0x100000);
	ck_assert_uint_eq(boot_info.ranges[1].end, 0x1000000);
	ck_assert_uint_eq(boot_info.ranges[2].type, RANGE_RESERVED);
	ck_assert(boot_is_ram(0x100000, 0x1000000) && !boot_is_ram(0x100000, 0x1000001));
	ck_assert(boot_info.efi && boot_info.screen.kind == SCREEN_PIXELS);
	ck_assert_uint_eq(boot_info.screen.pitch, 3200);
	ck_assert_mem_eq(boot_info.rsdp, rsdp, sizeof(rsdp));
}
END_TEST

START_TEST(screens)
{
	const struct map_entry map = { 0, 0xa0000, 1, 0 };
	struct tag_screen screen = { .kind = SCREEN_KIND_TEXT };

	begin();
	add_map(&map, 1);
	ck_assert_ptr_null(read_it());
	ck_assert_uint_eq(boot_info.screen.kind, SCREEN_TEXT); /* a BIOS always has it */
	begin();
	add_map(&map, 1);
	add_tag(TAG_EFI_64, "12345678", 8);
	ck_assert_ptr_null(read_it());
	ck_assert_uint_eq(boot_info.screen.kind, SCREEN_NONE);
	begin();
	add_map(&map, 1);
	add_tag(TAG_SCREEN, &screen.base, sizeof(screen) - sizeof(struct tag));
	ck_assert_ptr_null(read_it());
	ck_assert_uint_eq(boot_info.screen.kind, SCREEN_TEXT);
}
END_TEST

START_TEST(ram_too_high)
{
	static const struct map_entry map[] = { { 0, 0x80000000, 1, 0 },
						{ 0x3f00000000, 0x200000000, 1, 0 },
						{ 0x5000000000, 0x1000, 2, 0 },
						{ 0x6000000000, 0x2000, 1, 0 } };

	begin();
	add_map(map, ARRAY_SIZE(map));
	ck_assert_ptr_null(read_it());
	boot_cut_ram(256ull << 30);
	ck_assert_uint_eq(boot_info.nr_ranges, 5);
	ck_assert_uint_eq(boot_info.ranges[1].end, 256ull << 30);
	ck_assert_uint_eq(boot_info.ranges[1].type, RANGE_RAM);
	ck_assert_uint_eq(boot_info.ranges[2].start, 256ull << 30);
	ck_assert_uint_eq(boot_info.ranges[2].end, 0x4100000000);
	ck_assert_uint_eq(boot_info.ranges[2].type, RANGE_RESERVED);
	ck_assert_uint_eq(boot_info.ranges[4].start, 0x6000000000);
	ck_assert_uint_eq(boot_info.ranges[4].type, RANGE_RESERVED);
	ck_assert_uint_eq(boot_info.ram_cut, (4ull << 30) + 0x2000);
}
END_TEST

START_TEST(too_much_or_too_little)
{
	static struct map_entry map[140];
	char line[1100];

	begin();
	ck_assert_ptr_nonnull(strstr(read_it(), "no memory map"));
	begin();
	for (u32 i = 0; i < ARRAY_SIZE(map); i++)
		map[i] = (struct map_entry){ i * 0x10000ull, 0x1000, 1, 0 };
	add_map(map, ARRAY_SIZE(map));
	ck_assert_ptr_nonnull(strstr(read_it(), "more than 128 ranges"));
	begin();
	add_map(map, 1);
	for (u32 i = 0; i < 3; i++)
		add_module_tag(0x1000 * i, 0x1000 * i + 1, "");
	ck_assert_ptr_nonnull(strstr(read_it(), "more than two modules"));
	begin();
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = 0;
	add_map(map, 1);
	add_tag(TAG_COMMAND_LINE, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(read_it(), "longer than the 1023 bytes"));
	ck_assert_uint_eq(strlen(boot_info.command_line), 1023);
	begin();
	ck_assert_ptr_nonnull(strstr(multiboot_read(0x12345678, 0), "neither multiboot"));
}
END_TEST

#define MACHINE 0x10000000ull
#define MIB	0x100000ull

/* 16 MiB of RAM; the core from the 8th to the 10th. */
static void machine(u64 first, u64 first_size, u64 second, u64 second_size)
{
	begin();
	add_range(MACHINE, 16 * MIB, RANGE_RAM);
	add_module((u32)(MACHINE + first), (u32)(MACHINE + first + first_size), "kernel");
	add_module((u32)(MACHINE + second), (u32)(MACHINE + second + second_size), "initrd");
	memset((void *)(MACHINE + first), 'k', first_size);
	memset((void *)(MACHINE + second), 'i', second_size);
}

static bool move(void)
{
	if (setjmp(stopped))
		return false;
	boot_move_modules(MACHINE + 8 * MIB, MACHINE + 10 * MIB);
	return true;
}

static void there(u32 i, char with, u64 size)
{
	const struct module *m = &boot_info.modules[i];

	ck_assert_uint_ge(m->start, MACHINE + 10 * MIB);
	ck_assert_uint_le(m->end, MACHINE + 16 * MIB);
	ck_assert_uint_eq(m->end - m->start, size);
	ck_assert_uint_eq(m->start % PAGE_SIZE, 0);
	for (u64 a = m->start; a < m->end; a += 97)
		ck_assert_int_eq(*(const char *)a, with);
}

START_TEST(modules_move)
{
	ck_assert_ptr_eq(mmap((void *)MACHINE, 16 * MIB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 (void *)MACHINE);
	/* Both low; one of them high already, in the way of the other; that one at the very top. */
	machine(MIB, 3 * MIB - 5, 4 * MIB, MIB + 7);
	ck_assert(move());
	there(0, 'k', 3 * MIB - 5);
	there(1, 'i', MIB + 7);
	machine(MIB, 2 * MIB, 12 * MIB, MIB);
	ck_assert(move());
	there(0, 'k', 2 * MIB);
	ck_assert_uint_eq(boot_info.modules[1].start, MACHINE + 12 * MIB);
	there(1, 'i', MIB);
	machine(MIB, 5 * MIB, 15 * MIB, MIB);
	ck_assert(move());
	there(0, 'k', 5 * MIB);
	there(1, 'i', MIB);
	/* Too much for what is above the core; a loader that put one into the core's place. */
	machine(MIB, 4 * MIB, 12 * MIB, 2 * MIB);
	ck_assert(!move());
	ck_assert_ptr_nonnull(strstr(why, "too little memory"));
	machine(MIB, MIB, 9 * MIB, MIB);
	ck_assert(!move());
	ck_assert_ptr_nonnull(strstr(why, "where the core lies"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("multiboot");
	TCase *t = tcase_create("multiboot");
	SRunner *r;
	int failed;

	tcase_add_test(t, grub_on_uefi);
	tcase_add_test(t, screens);
	tcase_add_test(t, ram_too_high);
	tcase_add_test(t, too_much_or_too_little);
	tcase_add_test(t, modules_move);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
