// SPDX-License-Identifier: GPL-2.0-only
/* The batch builder. That its messages arrive is shown in listeners.c. */
#include <linux/err.h>
#include <linux/string.h>

#include "test.h"

#define PAYLOAD 12u
#define LARGEST (CNX_MAX_MESSAGE - sizeof(struct cnx_msg))

static void beginnings(struct test_log *log)
{
	struct cnx_batch batch;

	test_equal(log, "batch: no batch to begin", -EINVAL, cnx_batch_begin(NULL, 100, CNX_MAY_SLEEP));
	test_equal(log, "batch: of no bytes", -EINVAL, cnx_batch_begin(&batch, 0, CNX_MAY_SLEEP));
	test_equal(log, "batch: of one byte too many", -EMSGSIZE,
	           cnx_batch_begin(&batch, CNX_MAX_BATCH + 1, CNX_MAY_SLEEP));
	test_equal(log, "batch: of the greatest number of bytes", -EMSGSIZE,
	           cnx_batch_begin(&batch, ~(__kernel_size_t)0, CNX_MAY_SLEEP));
	cnx_batch_cancel(&batch);
	test_true(log, "batch: cancelling one that did not begin is harmless", !batch.skb);
	test_equal(log, "batch: of as many bytes as there may be", 0,
	           cnx_batch_begin(&batch, CNX_MAX_BATCH, CNX_MAY_SLEEP));
	cnx_batch_cancel(&batch);
	cnx_batch_cancel(&batch);
	test_true(log, "batch: cancelling twice is harmless", !batch.skb);
	test_equal(log, "batch: the room of a message is aligned", 0, cnx_batch_room(PAYLOAD + 1) % 4);
}

/* How many messages of `header` go in before -ENOSPC; each is committed. */
static unsigned int fill(struct cnx_batch *batch, const struct cnx_message *header, int *end)
{
	unsigned int count = 0;
	void *payload;

	for (;;) {
		payload = cnx_batch_reserve(batch, header);
		if (IS_ERR(payload)) {
			*end = PTR_ERR(payload);
			return count;
		}
		memset(payload, 0x5a, header->length);
		if (cnx_batch_commit(batch))
			return 0;
		count++;
	}
}

static void reservations(struct test_log *log)
{
	struct cnx_message header = test_message(1);
	const struct cnx_destination to = {.group = TEST_DEAF_GROUP};
	struct cnx_batch batch;
	char *payload;
	int end = 0;

	header.length = PAYLOAD;
	cnx_batch_begin(&batch, 10 * cnx_batch_room(PAYLOAD), CNX_MAY_SLEEP);
	test_equal(log, "batch: nothing reserved, nothing to commit", -EINVAL, cnx_batch_commit(&batch));
	cnx_batch_drop(&batch);
	payload = cnx_batch_reserve(&batch, &header);
	test_true(log, "batch: a reservation is all zeros", !IS_ERR(payload) && !memchr_inv(payload, 0, PAYLOAD));
	test_equal(log, "batch: a second reservation has to wait", -EBUSY,
	           PTR_ERR_OR_ZERO(cnx_batch_reserve(&batch, &header)));
	memset(payload, 0xff, PAYLOAD);
	cnx_batch_drop(&batch);
	test_equal(log, "batch: what was dropped cannot be committed", -EINVAL, cnx_batch_commit(&batch));
	payload = cnx_batch_reserve(&batch, &header);
	test_true(log, "batch: what was dropped leaves no trace", !IS_ERR(payload) && !memchr_inv(payload, 0, PAYLOAD));
	test_equal(log, "batch: a reservation is committed", 0, cnx_batch_commit(&batch));
	/* The allocator may give more than was asked for, so there is room for ten at least. */
	test_true(log, "batch: the room that was asked for is there", fill(&batch, &header, &end) >= 9);
	test_equal(log, "batch: a full one says so", -ENOSPC, end);
	header.length = LARGEST + 1;
	test_equal(log, "batch: a message that is too large", -EMSGSIZE,
	           PTR_ERR_OR_ZERO(cnx_batch_reserve(&batch, &header)));
	test_equal(log, "batch: sent to nobody", -ESRCH, cnx_batch_send(&batch, &to));
	test_true(log, "batch: sending ends it", !batch.skb);
	test_equal(log, "batch: sent once more", -EINVAL, cnx_batch_send(&batch, &to));
	test_equal(log, "batch: a reservation in one that has ended", -EINVAL,
	           PTR_ERR_OR_ZERO(cnx_batch_reserve(&batch, &header)));
	test_equal(log, "batch: a commit in one that has ended", -EINVAL, cnx_batch_commit(&batch));
}

static void empty_ones(struct test_log *log)
{
	struct cnx_message header = test_message(1);
	const struct cnx_destination to = {.group = TEST_DEAF_GROUP};
	const struct cnx_destination lookup = {};
	struct cnx_batch batch;

	header.length = PAYLOAD;
	cnx_batch_begin(&batch, 1000, CNX_MAY_SLEEP);
	test_equal(log, "batch: an empty one is not sent", -ENODATA, cnx_batch_send(&batch, &to));
	cnx_batch_begin(&batch, 1000, CNX_MAY_SLEEP);
	cnx_batch_reserve(&batch, &header);
	test_equal(log, "batch: a reservation without commit is not sent", -ENODATA, cnx_batch_send(&batch, &to));
	test_true(log, "batch: sending an empty one ends it", !batch.skb);
	cnx_batch_begin(&batch, 1000, CNX_MAY_SLEEP);
	cnx_batch_reserve(&batch, &header);
	cnx_batch_commit(&batch);
	test_equal(log, "batch: sent by an id that nobody has", -ENODEV, cnx_batch_send(&batch, &lookup));
	cnx_batch_begin(&batch, 1000, CNX_MAY_SLEEP);
	cnx_batch_reserve(&batch, &header);
	cnx_batch_commit(&batch);
	test_equal(log, "batch: sent to no destination", -EINVAL, cnx_batch_send(&batch, NULL));
	test_true(log, "batch: that ends it too", !batch.skb);
	cnx_batch_begin(&batch, 1000, CNX_MAY_SLEEP);
	test_equal(log, "batch: a reservation without header", -EINVAL,
	           PTR_ERR_OR_ZERO(cnx_batch_reserve(&batch, NULL)));
	cnx_batch_cancel(&batch);
}

void test_batch(struct test_log *log)
{
	beginnings(log);
	reservations(log);
	empty_ones(log);
}
