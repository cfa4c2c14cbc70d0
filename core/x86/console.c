/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console of the core: 16550s by polling, the VGA text screen until dom0 has it,
 * and a ring in memory that outlives them (xl dmesg).  Owns the lines: dom0 sees
 * their ports read all-ones.
 */
#include "x86/console.h"

#include "lib.h"
#include "x86/cpu.h"
#include "x86/smp.h"

#define RING_SIZE   (1u << 16)
#define UART_LSR    5
#define LSR_DATA    0x01
#define LSR_EMPTY   0x20
#define UART_HZ	    115200u
#define VGA_COLUMNS 80u
#define VGA_ROWS    25u
#define VGA_GREY    0x0700

static char ring[RING_SIZE];
static u32 ring_head; /* bytes ever written, modulo 2^32 */
static u32 ring_start;
static u16 uarts[CONSOLE_LINES];
static u32 nr_uarts;
static volatile u16 *screen; /* NULL: none, or dom0's */
static u32 screen_at;
bool console_reboots; /* not before dom0 runs: what stops a boot would stop the next */

static void uart_put(u16 uart, char c)
{
	/* A line that never empties (no one there) must not stop the core. */
	for (u32 tries = 0; tries < 100000; tries++)
		if (inb((u16)(uart + UART_LSR)) & LSR_EMPTY)
			break;
	outb(uart, (u8)c);
}

static void screen_put(char c)
{
	if (c == '\n')
		screen_at += VGA_COLUMNS - screen_at % VGA_COLUMNS;
	else if (c >= ' ')
		screen[screen_at++] = (u16)(VGA_GREY | (u8)c);
	if (screen_at < VGA_COLUMNS * VGA_ROWS)
		return;
	screen_at -= VGA_COLUMNS;
	for (u32 i = 0; i < VGA_COLUMNS * VGA_ROWS; i++)
		screen[i] = i < screen_at ? screen[i + VGA_COLUMNS] : VGA_GREY | ' ';
}

static void line_put(u16 uart, char c)
{
	if (c == '\n')
		uart_put(uart, '\r');
	uart_put(uart, c);
}

void console_open_line(u16 port, u32 baud, u8 format)
{
	u32 divisor = baud ? UART_HZ / baud : 0;

	if (nr_uarts == CONSOLE_LINES)
		return;
	outb((u16)(port + 1), 0); /* no interrupts */
	if (divisor) {
		outb((u16)(port + 3), 0x80);
		outb(port, (u8)divisor);
		outb((u16)(port + 1), (u8)(divisor >> 8));
	}
	outb((u16)(port + 3), format);
	outb((u16)(port + 2), 0x07); /* FIFOs on */
	outb((u16)(port + 4), 0x03); /* DTR, RTS */
	uarts[nr_uarts++] = port;
	for (u32 i = ring_start; i != ring_head; i++)
		line_put(port, ring[i % RING_SIZE]);
}

void console_open_screen(u64 text)
{
	screen = (volatile u16 *)text;
	for (u32 i = 0; i < VGA_COLUMNS * VGA_ROWS; i++)
		screen[i] = VGA_GREY | ' ';
	for (u32 i = ring_start; i != ring_head; i++)
		screen_put(ring[i % RING_SIZE]);
}

u32 console_close_screen(void)
{
	screen = NULL;
	return screen_at / VGA_COLUMNS;
}

u16 console_port(u32 line)
{
	return line < nr_uarts ? uarts[line] : 0;
}

void console_write(const char *text, size_t n)
{
	for (; n; n--, text++) {
		ring[ring_head++ % RING_SIZE] = *text;
		if (ring_head - ring_start > RING_SIZE)
			ring_start = ring_head - RING_SIZE;
		for (u32 i = 0; i < nr_uarts; i++)
			line_put(uarts[i], *text);
		if (screen)
			screen_put(*text);
	}
}

static bool line_has_input(u16 uart)
{
	u8 status = inb((u16)(uart + UART_LSR));

	/* All-ones: there is no such line. */
	return status != 0xff && (status & LSR_DATA);
}

bool console_has_input(void)
{
	for (u32 i = 0; i < nr_uarts; i++)
		if (line_has_input(uarts[i]))
			return true;
	return false;
}

int console_read(void)
{
	for (u32 i = 0; i < nr_uarts; i++)
		if (line_has_input(uarts[i]))
			return inb(uarts[i]);
	return -1;
}

size_t console_ring_read(u32 *index, char *to, size_t size)
{
	size_t n = 0;

	if (*index - ring_start > ring_head - ring_start)
		*index = ring_start;
	while (n < size && *index != ring_head)
		to[n++] = ring[(*index)++ % RING_SIZE];
	return n;
}

void console_ring_clear(u32 index)
{
	ring_start = index;
}

void machine_end(bool r)
{
	cpus_stop();
	if (r) {
		printk("resetting the machine\n");
		outb(0xcf9, 0x02);
		outb(0xcf9, 0x06);
		outb(0x64, 0xfe); /* keyboard controller, where there is no 0xcf9 */
	} else {
		printk("halted\n");
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}
