/* SPDX-License-Identifier: GPL-2.0-only */
/* What the in-kernel tests share: a log in KTAP, and the few callbacks and registrations that they all need. */
#ifndef CNX_TEST_TEST_H
#define CNX_TEST_TEST_H

#include <linux/atomic.h>
#include <linux/printk.h>
#include <linux/types.h>

#include <cnx/driver.h>

/* The ids of the tests. No driver of the tree uses them. */
#define TEST_IDX 0x7000u
/* Listened to by the guest program test_listen, and by nobody while it does not run. */
#define TEST_GROUP 40u
/* Beyond the protocol's table: reached through subscriptions alone. */
#define TEST_FAR_GROUP 70000u
/* Listened to by nobody, ever. */
#define TEST_DEAF_GROUP 900u

struct test_log {
	char *text;
	size_t size;
	size_t used;
	unsigned int run;
	unsigned int failed;
};

__printf(2, 3) void test_note(struct test_log *log, const char *format, ...);
void test_true(struct test_log *log, const char *name, bool passed);
/* Fails with a note of both values where they differ. */
void test_equal(struct test_log *log, const char *name, long expected, long actual);

/* Counts its calls in the atomic_t that its context is. */
int test_count(void *context, const struct cnx_message *message, const struct cnx_sender *sender);
/* A registration that is right in every part, for a test to spoil one of them. */
struct cnx_registration test_registration(u32 val, cnx_callback_fn callback, void *context);
/* Registers a callback that may sleep, to which programs write as TEST_GROUP:val. */
struct cnx_callback *test_serve(u32 val, cnx_callback_fn callback);
struct cnx_message test_message(u32 val);

void test_register(struct test_log *log);
void test_unregister(struct test_log *log);
void test_dispatch(struct test_log *log);
void test_send(struct test_log *log);
void test_batch(struct test_log *log);
void test_scale(struct test_log *log);
void test_churn(struct test_log *log);

int test_listeners_init(void);
void test_listeners_exit(void);
int test_served_init(void);
void test_served_exit(void);
int test_heir_init(void);
void test_heir_exit(void);

#endif /* CNX_TEST_TEST_H */
