// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that knows nothing of cnx: it uses the kernel's connector as Documentation/driver-api/connector.rst shows
 * it. Its callback sleeps and answers by unicast, and a timer sends to the group of its id.
 */
#include <linux/connector.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

static struct cb_id example_id = {CN_NETLINK_USERS + 3, 0x456};
static const char example_name[] = "compat_example";
static u32 example_counter;

static void example_callback(struct cn_msg *msg, struct netlink_skb_parms *nsp)
{
	usleep_range(1000, 2000);
	msg->ack++;
	cn_netlink_send(msg, nsp->portid, 0, GFP_KERNEL);
}

static void example_expired(struct timer_list *timer);
static DEFINE_TIMER(example_timer, example_expired);

static void example_expired(struct timer_list *timer)
{
	struct {
		struct cn_msg msg;
		char text[32];
	} message = {.msg = {.id = example_id, .seq = example_counter}};

	message.msg.len = scnprintf(message.text, sizeof(message.text), "counter = %u", example_counter) + 1;
	example_counter++;
	cn_netlink_send(&message.msg, 0, 0, GFP_ATOMIC);
	mod_timer(timer, jiffies + msecs_to_jiffies(50));
}

static int __init example_init(void)
{
	int status = cn_add_callback(&example_id, example_name, example_callback);

	if (status)
		return status;
	if (cn_add_callback(&example_id, example_name, example_callback) != -EINVAL)
		pr_err("cnx_compat_example: a second registration of one id was not refused\n");
	mod_timer(&example_timer, jiffies + msecs_to_jiffies(50));
	return 0;
}

static void __exit example_exit(void)
{
	timer_delete_sync(&example_timer);
	cn_del_callback(&example_id);
}

module_init(example_init);
module_exit(example_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("A driver for the kernel's connector, for the test of the compatibility header");
