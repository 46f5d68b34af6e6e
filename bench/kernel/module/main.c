// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel half of the benchmark: the same work for cnx and for the kernel's own connector. A line written to
 * /proc/cnx_bench is a command, and what is read from it afterwards are the ticks that each step took, as __u64. A step
 * is a round of ROUND repetitions, for a clock that is dear beside what is timed.
 *
 *	register BUS STEPS ROUND			registers STEPS times ROUND, in place of those that were
 *	send BUS GROUP STEPS ROUND BATCH		sends datagrams of BATCH messages to the group
 *	receive BUS PROTOCOL SENDERS STEPS ROUND BATCH	sends such datagrams to the callbacks from a netlink socket of
 *							the protocol; each of the senders, which have a CPU each, has
 *							its own STEPS
 *	local cnx STEPS ROUND				dispatches messages from driver to driver
 *	again						the last command once more, without the time to read it
 *
 * BUS is cnx or connector. A tick is what get_cycles() counts, one instruction where the guest's clock is made of them;
 * with nanoseconds=1, it is a nanosecond.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "bench.h"

bool bench_nanoseconds;
module_param_named(nanoseconds, bench_nanoseconds, bool, 0444);
MODULE_PARM_DESC(nanoseconds, "time in nanoseconds, not in cycles (default 0)");

struct command {
	const char *verb;
	int numbers;
	int (*run)(enum bus bus, const unsigned int *numbers);
};

static const struct command commands[] = {
    {"register", 2, bench_register},
    {"send", 4, bench_send},
    {"receive", 5, bench_receive},
    {"local", 2, bench_local},
};

static DEFINE_MUTEX(lock); /* everything here, and whatever a command does */
u64 *bench_ticks;
unsigned int bench_steps;

static struct {
	const struct command *command;
	enum bus bus;
	unsigned int numbers[BENCH_MOST_NUMBERS];
} last;

static int parse(const char *line)
{
	unsigned int *at = last.numbers;
	char verb[16], bus[16];
	unsigned int i;
	int found;

	last.command = NULL;
	found = sscanf(line, "%15s %15s %u %u %u %u %u", verb, bus, at, at + 1, at + 2, at + 3, at + 4) - 2;
	if (found < 0 || (strcmp(bus, "cnx") && strcmp(bus, "connector")))
		return -EINVAL;
	last.bus = strcmp(bus, "cnx") ? CONNECTOR : CNX;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(verb, commands[i].verb) && found == commands[i].numbers)
			last.command = &commands[i];
	}
	return last.command ? 0 : -EINVAL;
}

static int run(const char *line)
{
	int status = strcmp(line, "again") ? parse(line) : 0;

	bench_steps = 0;
	if (status || !last.command)
		return -EINVAL;
	return last.command->run(last.bus, last.numbers);
}

static ssize_t bench_write(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	char line[80];
	int status;

	if (size >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, size))
		return -EFAULT;
	line[size] = '\0';
	mutex_lock(&lock);
	status = run(line);
	mutex_unlock(&lock);
	return status ?: size;
}

static ssize_t bench_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	ssize_t copied;

	mutex_lock(&lock);
	copied = simple_read_from_buffer(to, size, position, bench_ticks, bench_steps * sizeof(*bench_ticks));
	mutex_unlock(&lock);
	return copied;
}

static const struct proc_ops bench_operations = {
    .proc_read = bench_read,
    .proc_write = bench_write,
    .proc_lseek = default_llseek,
};

static int __init bench_init(void)
{
	bench_ticks = vmalloc(BENCH_MOST_TICKS * sizeof(*bench_ticks));
	if (!bench_ticks)
		return -ENOMEM;
	if (bench_nanoseconds)
		bench_clock_init();
	if (proc_create("cnx_bench", 0600, NULL, &bench_operations))
		return 0;
	vfree(bench_ticks);
	return -ENOMEM;
}

static void __exit bench_exit(void)
{
	remove_proc_entry("cnx_bench", NULL);
	bench_unregister(CNX);
	bench_unregister(CONNECTOR);
	vfree(bench_ticks);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Measures cnx and the kernel's own connector side by side");
