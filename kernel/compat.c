// SPDX-License-Identifier: GPL-2.0-only
/* include/compat/linux/connector.h over cnx/driver.h. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../include/compat/linux/connector.h"
#include "bindings.h"

static_assert(sizeof(struct cnx_msg) == sizeof(struct cn_msg));
static_assert(sizeof(struct cnx_id) == sizeof(struct cb_id));

/* The connector's callbacks are deleted by id and take no context; this holds what cnx wants to know besides. */
struct compat_callback {
	struct list_head link;
	struct cb_id id;
	void (*callback)(struct cn_msg *msg, struct netlink_skb_parms *parms);
	struct cnx_callback *registered;
};

static LIST_HEAD(compat_callbacks);
static DEFINE_MUTEX(compat_mutex); /* guards compat_callbacks */

static int compat_from_driver(struct compat_callback *compat, const struct cnx_message *message)
{
	struct netlink_skb_parms parms = {};
	struct cn_msg *msg = kmalloc(sizeof(*msg) + message->length, GFP_KERNEL);

	if (!msg)
		return -ENOMEM;
	*msg = (struct cn_msg){
	    .id = {message->id.idx, message->id.val},
	    .seq = message->seq,
	    .ack = message->ack,
	    .len = message->length,
	    .flags = message->flags,
	};
	if (message->length)
		memcpy(msg->data, message->payload, message->length);
	compat->callback(msg, &parms);
	kfree(msg);
	return 0;
}

static int compat_receive(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct compat_callback *compat = context;

	if (!sender->skb)
		return compat_from_driver(compat, message);
	/* SAFETY: in a datagram the payload follows its struct cn_msg, and the connector hands that out writable too.
	 */
	compat->callback((struct cn_msg *)((u8 *)message->payload - sizeof(struct cn_msg)), &NETLINK_CB(sender->skb));
	return 0;
}

int cn_add_callback(const struct cb_id *id, const char *name,
                    void (*callback)(struct cn_msg *, struct netlink_skb_parms *))
{
	char cut[CNX_NAME_SIZE];
	struct cnx_registration registration = {
	    .name = cut,
	    .callback = compat_receive,
	    .kind = CNX_KIND_SLEEPABLE,
	    .sender = CNX_SENDER_ANYONE,
	};
	struct compat_callback *compat;
	int status;

	if (!id || !name || !callback)
		return -EINVAL;
	strscpy(cut, name, sizeof(cut));
	compat = kzalloc(sizeof(*compat), GFP_KERNEL);
	if (!compat)
		return -ENOMEM;
	compat->id = *id;
	compat->callback = callback;
	registration.id.idx = id->idx;
	registration.id.val = id->val;
	registration.context = compat;

	mutex_lock(&compat_mutex);
	compat->registered = cnx_register(&registration);
	status = PTR_ERR_OR_ZERO(compat->registered);
	if (!status)
		list_add(&compat->link, &compat_callbacks);
	mutex_unlock(&compat_mutex);

	if (status)
		kfree(compat);
	return status == -EEXIST ? -EINVAL : status;
}
EXPORT_SYMBOL_GPL(cn_add_callback);

static struct compat_callback *compat_take(const struct cb_id *id)
{
	struct compat_callback *compat;
	struct compat_callback *found = NULL;

	mutex_lock(&compat_mutex);
	list_for_each_entry(compat, &compat_callbacks, link) {
		if (compat->id.idx == id->idx && compat->id.val == id->val) {
			list_del(&compat->link);
			found = compat;
			break;
		}
	}
	mutex_unlock(&compat_mutex);
	return found;
}

void cn_del_callback(const struct cb_id *id)
{
	struct compat_callback *compat = id ? compat_take(id) : NULL;
	int status;

	if (!compat)
		return;
	status = cnx_unregister(compat->registered);
	if (!status) {
		kfree(compat);
		return;
	}
	/* The callback deletes itself, which has no way to be reported and no end that could be waited for. */
	pr_err("cnx: cn_del_callback(%u:%u) inside the callback itself: it stays registered\n", id->idx, id->val);
	mutex_lock(&compat_mutex);
	list_add(&compat->link, &compat_callbacks);
	mutex_unlock(&compat_mutex);
}
EXPORT_SYMBOL_GPL(cn_del_callback);

static int compat_send(struct cn_msg *msg, u16 len, u32 portid, u32 group, gfp_t gfp_mask)
{
	const enum cnx_context context = gfpflags_allow_blocking(gfp_mask) ? CNX_MAY_SLEEP : CNX_NO_SLEEP;
	/* To a group, the connector takes a portid as the one socket to leave out. */
	const struct cnx_destination to = {
	    .portid = group ? 0 : portid,
	    .group = group,
	    .except = group ? portid : 0,
	    .lossless = !group && portid && context == CNX_MAY_SLEEP,
	};
	const struct cnx_message header = {
	    .id = {msg->id.idx, msg->id.val},
	    .seq = msg->seq,
	    .ack = msg->ack,
	    .flags = msg->flags,
	    .length = len,
	};
	struct cnx_batch batch;
	u8 *payload;
	int status;

	status = cnx_batch_begin(&batch, cnx_batch_room(len), context);
	if (status)
		return status;
	payload = cnx_batch_reserve(&batch, &header);
	if (IS_ERR(payload)) {
		cnx_batch_cancel(&batch);
		return PTR_ERR(payload);
	}
	memcpy(payload, msg->data, len);
	/* SAFETY: the payload of a reservation follows its header in the same buffer. Of several messages in one, the
	 * first one's own length stands in it. */
	((struct cn_msg *)(payload - sizeof(*msg)))->len = msg->len;
	cnx_batch_commit(&batch);
	status = cnx_batch_send(&batch, &to);
	/* netlink_unicast() returns bytes, and the connector hands that on. */
	return !status && !group && portid ? (int)cnx_batch_room(len) : status;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
int cn_netlink_send_mult(struct cn_msg *msg, u16 len, u32 portid, u32 group, gfp_t gfp_mask, netlink_filter_fn filter,
                         void *filter_data)
{
	return filter ? -EOPNOTSUPP : compat_send(msg, len, portid, group, gfp_mask);
}
#else
int cn_netlink_send_mult(struct cn_msg *msg, u16 len, u32 portid, u32 group, gfp_t gfp_mask)
{
	return compat_send(msg, len, portid, group, gfp_mask);
}
#endif
EXPORT_SYMBOL_GPL(cn_netlink_send_mult);

int cn_netlink_send(struct cn_msg *msg, u32 portid, u32 group, gfp_t gfp_mask)
{
	return compat_send(msg, msg->len, portid, group, gfp_mask);
}
EXPORT_SYMBOL_GPL(cn_netlink_send);
