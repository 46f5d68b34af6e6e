// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel half of the benchmark: the same work for cnx and for the kernel's own connector. A line written to
 * /proc/cnx_bench is a command, and what is read from it afterwards are the ticks that each step took, as __u64:
 *
 *	register BUS CALLBACKS		registers so many, in place of those that were; a step is one registration
 *	send BUS GROUP STEPS BATCH	sends to the group; a step is one datagram of BATCH messages
 *	local STEPS			dispatches from driver to driver; a step is one message
 *
 * BUS is cnx or connector. A tick is what get_cycles() counts: one instruction where the guest's clock is made of them.
 */
#include <linux/connector.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <cnx/driver.h>

#define BENCH_IDX 0x40
#define PAYLOAD 64
#define MOST_STEPS 65536u
#define MOST_CALLBACKS 4096u
#define MOST_BATCH 64u

static DEFINE_MUTEX(lock); /* everything below */
static u64 *ticks;
static unsigned int steps_done;
static struct cnx_callback *callbacks[MOST_CALLBACKS];
static unsigned int registered[2]; /* by enum bus */
static u8 payload[PAYLOAD];

enum bus { CNX, CONNECTOR };

static int on_cnx(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	return 0;
}

static void on_connector(struct cn_msg *message, struct netlink_skb_parms *parms) {}

static void unregister(enum bus bus)
{
	unsigned int i;

	if (bus == CNX && registered[CNX]) {
		/* Refused only in a callback or a read section, and this is neither. */
		cnx_unregister_all(callbacks, registered[CNX]);
	} else if (bus == CONNECTOR) {
		for (i = 0; i < registered[CONNECTOR]; i++) {
			struct cb_id id = {BENCH_IDX, i};

			cn_del_callback(&id);
		}
	}
	registered[bus] = 0;
}

static int register_one(enum bus bus, u32 val)
{
	if (bus == CNX) {
		const struct cnx_registration registration = {
		    .id = {BENCH_IDX, val},
		    .name = "bench",
		    .callback = on_cnx,
		    .sender = CNX_SENDER_ANYONE,
		};

		callbacks[val] = cnx_register(&registration);
		return PTR_ERR_OR_ZERO(callbacks[val]);
	} else {
		const struct cb_id id = {BENCH_IDX, val};

		return cn_add_callback(&id, "bench", on_connector);
	}
}

static int do_register(enum bus bus, unsigned int count)
{
	unregister(bus);
	for (; registered[bus] < count; registered[bus]++) {
		const u64 start = get_cycles();
		const int status = register_one(bus, registered[bus]);

		if (status)
			return status;
		ticks[steps_done++] = get_cycles() - start;
	}
	return 0;
}

static int send_cnx(u32 group, unsigned int batch)
{
	const struct cnx_message message = {.id = {BENCH_IDX, 0}, .length = PAYLOAD, .payload = payload};
	const struct cnx_destination to = {.group = group};
	struct cnx_batch many;
	unsigned int i;
	int status;

	if (batch == 1)
		return cnx_send(&message, &to, CNX_MAY_SLEEP);
	status = cnx_batch_begin(&many, batch * cnx_batch_room(PAYLOAD), CNX_MAY_SLEEP);
	for (i = 0; !status && i < batch; i++) {
		void *at = cnx_batch_reserve(&many, &message);

		if (IS_ERR(at))
			break;
		memcpy(at, payload, PAYLOAD);
		status = cnx_batch_commit(&many);
	}
	return status ?: cnx_batch_send(&many, &to);
}

static int send_connector(u32 group)
{
	struct {
		struct cn_msg message;
		u8 payload[PAYLOAD];
	} whole = {.message = {.id = {BENCH_IDX, 0}, .len = PAYLOAD}};

	memcpy(whole.payload, payload, PAYLOAD);
	return cn_netlink_send(&whole.message, 0, group, GFP_KERNEL);
}

static int do_send(enum bus bus, u32 group, unsigned int steps, unsigned int batch)
{
	int status = 0;

	while (!status && steps_done < steps) {
		const u64 start = get_cycles();

		status = bus == CNX ? send_cnx(group, batch) : send_connector(group);
		ticks[steps_done++] = get_cycles() - start;
		/* Nobody listening is something to measure. */
		if (status == -ESRCH)
			status = 0;
	}
	return status;
}

static int do_local(unsigned int steps)
{
	const struct cnx_message message = {.id = {BENCH_IDX, 0}, .length = PAYLOAD, .payload = payload};
	int status = 0;

	while (!status && steps_done < steps) {
		const u64 start = get_cycles();

		status = cnx_dispatch(&message);
		ticks[steps_done++] = get_cycles() - start;
	}
	return status;
}

static int run(char *line)
{
	unsigned int count, group, batch = 1;
	char name[16];
	enum bus bus;

	steps_done = 0;
	if (sscanf(line, "local %u", &count) == 1)
		return count > MOST_STEPS ? -EINVAL : do_local(count);
	if (sscanf(line, "%*s %15s", name) != 1)
		return -EINVAL;
	bus = strcmp(name, "cnx") ? CONNECTOR : CNX;
	if (bus == CONNECTOR && strcmp(name, "connector"))
		return -EINVAL;
	if (sscanf(line, "register %*s %u", &count) == 1)
		return count > MOST_CALLBACKS ? -EINVAL : do_register(bus, count);
	if (sscanf(line, "send %*s %u %u %u", &group, &count, &batch) != 3)
		return -EINVAL;
	/* The connector has no batches. */
	if (count > MOST_STEPS || batch == 0 || batch > MOST_BATCH || (bus == CONNECTOR && batch != 1))
		return -EINVAL;
	return do_send(bus, group, count, batch);
}

static ssize_t bench_write(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	char line[64];
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
	copied = simple_read_from_buffer(to, size, position, ticks, steps_done * sizeof(*ticks));
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
	ticks = vmalloc(MOST_STEPS * sizeof(*ticks));
	if (!ticks)
		return -ENOMEM;
	if (proc_create("cnx_bench", 0600, NULL, &bench_operations))
		return 0;
	vfree(ticks);
	return -ENOMEM;
}

static void __exit bench_exit(void)
{
	remove_proc_entry("cnx_bench", NULL);
	unregister(CNX);
	unregister(CONNECTOR);
	vfree(ticks);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Measures cnx and the kernel's own connector side by side");
