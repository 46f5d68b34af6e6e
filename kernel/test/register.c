// SPDX-License-Identifier: GPL-2.0-only
/* What cnx_register() takes and what it refuses. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/limits.h>

#include "test.h"

static atomic_t calls;

/* What a registration comes to. One that succeeds is taken back at once. */
static int outcome(const struct cnx_registration *registration)
{
	struct cnx_callback *callback = cnx_register(registration);

	return IS_ERR(callback) ? PTR_ERR(callback) : cnx_unregister(callback);
}

static struct cnx_registration good(void)
{
	return test_registration(1, test_count, &calls);
}

static void names(struct test_log *log)
{
	static const char longest[] = "1234567890123456789012345678901";
	static const char overlong[] = "12345678901234567890123456789012";
	struct cnx_registration r = good();

	static_assert(sizeof(longest) == CNX_NAME_SIZE);
	r.name = NULL;
	test_equal(log, "register: without a name", -EINVAL, outcome(&r));
	r.name = "";
	test_equal(log, "register: with an empty name", -EINVAL, outcome(&r));
	r.name = "n";
	test_equal(log, "register: with a name of one byte", 0, outcome(&r));
	r.name = longest;
	test_equal(log, "register: with a name of 31 bytes", 0, outcome(&r));
	r.name = overlong;
	test_equal(log, "register: with a name of 32 bytes", -EINVAL, outcome(&r));
}

static void senders(struct test_log *log)
{
	struct cnx_registration r = good();

	r.sender = CNX_SENDER_NET_ADMIN;
	test_equal(log, "register: for senders with CAP_NET_ADMIN", 0, outcome(&r));
	r.sender = CNX_SENDER_CAPABLE(CAP_LAST_CAP);
	test_equal(log, "register: for senders with the last capability there is", 0, outcome(&r));
	r.sender = CNX_SENDER_CAPABLE(CAP_LAST_CAP + 1);
	test_equal(log, "register: for senders with a capability beyond the last", -EINVAL, outcome(&r));
	r.sender = CNX_SENDER_ANYONE - 1;
	test_equal(log, "register: for senders with a negative capability", -EINVAL, outcome(&r));
	r.sender = INT_MIN;
	test_equal(log, "register: for senders with the least capability number", -EINVAL, outcome(&r));
	r.sender = INT_MAX;
	test_equal(log, "register: for senders with the greatest capability number", -EINVAL, outcome(&r));
}

void test_register(struct test_log *log)
{
	struct cnx_registration r = good();
	struct cnx_callback *callback;

	test_equal(log, "register: nothing at all", -EINVAL, outcome(NULL));
	test_equal(log, "register: all as it should be", 0, outcome(&r));
	r.callback = NULL;
	test_equal(log, "register: without a callback", -EINVAL, outcome(&r));
	r = good();
	r.kind = 2;
	test_equal(log, "register: of an unknown kind", -EINVAL, outcome(&r));
	r = good();
	r.id = (struct cnx_id){CNX_CONTROL_IDX, CNX_CONTROL_VAL};
	test_equal(log, "register: under the control id", -EINVAL, outcome(&r));
	r.id.val = 0;
	test_equal(log, "register: beside the control id", 0, outcome(&r));
	r.id = (struct cnx_id){0, 0};
	test_equal(log, "register: under the id 0:0", 0, outcome(&r));
	names(log);
	senders(log);

	r = good();
	callback = cnx_register(&r);
	test_true(log, "register: an id that is free", !IS_ERR(callback));
	r.name = "another";
	test_equal(log, "register: an id that is taken", -EEXIST, outcome(&r));
	test_equal(log, "register: the first owner of a contested id goes", 0, cnx_unregister(callback));
	test_equal(log, "register: an id that is free again", 0, outcome(&r));
}
