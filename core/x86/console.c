/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console of the core: a 16550 by polling, and a ring in memory that outlives the
 * line (xl dmesg).  Owns the line: dom0 sees its ports read all-ones.
 */
#include "x86/console.h"

#include "lib.h"
#include "x86/cpu.h"

#define RING_SIZE (1u << 16)
#define UART_LSR  5
#define LSR_DATA  0x01
#define LSR_EMPTY 0x20

static char ring[RING_SIZE];
static u32 ring_head; /* bytes ever written, modulo 2^32 */
static u32 ring_start;
static u16 uart;
static bool reboots = true;

void console_init(u16 port)
{
	uart = port;
	if (!port)
		return;
	outb((u16)(port + 1), 0);    /* no interrupts */
	outb((u16)(port + 3), 0x80); /* divisor: 115200 */
	outb(port, 1);
	outb((u16)(port + 1), 0);
	outb((u16)(port + 3), 0x03); /* 8n1 */
	outb((u16)(port + 2), 0x07); /* FIFOs on */
	outb((u16)(port + 4), 0x03); /* DTR, RTS */
}

u16 console_port(void)
{
	return uart;
}

static void uart_put(char c)
{
	/* A line that never empties (no one there) must not stop the core. */
	for (u32 tries = 0; tries < 100000; tries++)
		if (inb((u16)(uart + UART_LSR)) & LSR_EMPTY)
			break;
	outb(uart, (u8)c);
}

void console_write(const char *text, size_t n)
{
	for (; n; n--, text++) {
		ring[ring_head++ % RING_SIZE] = *text;
		if (ring_head - ring_start > RING_SIZE)
			ring_start = ring_head - RING_SIZE;
		if (!uart)
			continue;
		if (*text == '\n')
			uart_put('\r');
		uart_put(*text);
	}
}

bool console_has_input(void)
{
	return uart && (inb((u16)(uart + UART_LSR)) & LSR_DATA);
}

int console_read(void)
{
	return console_has_input() ? inb(uart) : -1;
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

void console_ring_clear(void)
{
	ring_start = ring_head;
}

void console_set_reboot(bool r)
{
	reboots = r;
}

bool console_reboots_on_panic(void)
{
	return reboots;
}

void machine_end(bool r)
{
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
