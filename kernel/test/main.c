// SPDX-License-Identifier: GPL-2.0-only
/* cnx_test.ko: tests that only a driver can make. Each open of /proc/cnx_test runs them and is their report in KTAP. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "test.h"

#define TEST_LOG_BYTES (64u << 10)

static void test_vprint(struct test_log *log, const char *format, va_list arguments)
{
	log->used += vscnprintf(log->text + log->used, log->size - log->used, format, arguments);
}

static __printf(2, 3) void test_print(struct test_log *log, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	test_vprint(log, format, arguments);
	va_end(arguments);
}

void test_note(struct test_log *log, const char *format, ...)
{
	va_list arguments;

	test_print(log, "# ");
	va_start(arguments, format);
	test_vprint(log, format, arguments);
	va_end(arguments);
	test_print(log, "\n");
}

void test_true(struct test_log *log, const char *name, bool passed)
{
	log->run++;
	log->failed += !passed;
	test_print(log, "%s %u - %s\n", passed ? "ok" : "not ok", log->run, name);
}

void test_equal(struct test_log *log, const char *name, long expected, long actual)
{
	test_true(log, name, expected == actual);
	if (expected != actual)
		test_note(log, "expected %ld, actual %ld", expected, actual);
}

int test_count(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	atomic_inc(context);
	return 0;
}

struct cnx_registration test_registration(u32 val, cnx_callback_fn callback, void *context)
{
	return (struct cnx_registration){
	    .id = {TEST_IDX, val},
	    .name = "test",
	    .callback = callback,
	    .context = context,
	    .kind = CNX_KIND_ATOMIC,
	    .sender = CNX_SENDER_ANYONE,
	};
}

struct cnx_callback *test_serve(u32 val, cnx_callback_fn callback)
{
	struct cnx_registration r = test_registration(val, callback, NULL);

	r.id.idx = TEST_GROUP;
	r.kind = CNX_KIND_SLEEPABLE;
	return cnx_register(&r);
}

struct cnx_message test_message(u32 val)
{
	return (struct cnx_message){.id = {TEST_IDX, val}};
}

static int test_open(struct inode *inode, struct file *file)
{
	struct test_log *log = kzalloc(sizeof(*log), GFP_KERNEL);

	if (!log)
		return -ENOMEM;
	log->size = TEST_LOG_BYTES;
	log->text = vmalloc(log->size);
	if (!log->text) {
		kfree(log);
		return -ENOMEM;
	}
	test_print(log, "KTAP version 1\n");
	test_register(log);
	test_unregister(log);
	test_dispatch(log);
	test_send(log);
	test_batch(log);
	test_churn(log);
	test_scale(log);
	test_print(log, "1..%u\n", log->run);
	file->private_data = log;
	return 0;
}

static ssize_t test_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	const struct test_log *log = file->private_data;

	return simple_read_from_buffer(to, size, position, log->text, log->used);
}

static int test_release(struct inode *inode, struct file *file)
{
	struct test_log *log = file->private_data;

	vfree(log->text);
	kfree(log);
	return 0;
}

static const struct proc_ops test_operations = {
    .proc_open = test_open,
    .proc_read = test_read,
    .proc_lseek = default_llseek,
    .proc_release = test_release,
};

static int __init cnx_test_init(void)
{
	int status = test_listeners_init();

	if (status)
		return status;
	status = test_served_init();
	if (status)
		goto end_listeners;
	status = test_heir_init();
	if (status)
		goto end_served;
	if (proc_create("cnx_test", 0400, NULL, &test_operations))
		return 0;
	status = -ENOMEM;
	test_heir_exit();
end_served:
	test_served_exit();
end_listeners:
	test_listeners_exit();
	return status;
}

static void __exit cnx_test_exit(void)
{
	remove_proc_entry("cnx_test", NULL);
	test_heir_exit();
	test_served_exit();
	test_listeners_exit();
}

module_init(cnx_test_init);
module_exit(cnx_test_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Tests of cnx from inside the kernel");
