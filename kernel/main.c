// SPDX-License-Identifier: GPL-2.0-only
/* cnx.ko: its parameters, its entry and its exit. */
#include <linux/module.h>

#include <cnx/version.h>

#include "bindings.h"
#include "deferral.h"
#include "namespace.h"
#include "skb_pool.h"

static unsigned int cnx_protocol;
module_param_named(protocol, cnx_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number in the initial network namespace, 1 to 31 (default 0: 11 where "
                           "the kernel leaves it free, else 28)");

static unsigned int cnx_pool_depth = 256;
module_param_named(pool_depth, cnx_pool_depth, uint, 0444);
MODULE_PARM_DESC(pool_depth,
                 "skbs that are kept ready for each CPU and size where so many are used, 0 to 1024 (default 256; 0: "
                 "none, each send allocates its own)");

static unsigned int cnx_pool_bytes = 3776;
module_param_named(pool_bytes, cnx_pool_bytes, uint, 0444);
MODULE_PARM_DESC(pool_bytes,
                 "size of the largest datagram that an skb is kept ready for, 0 to 3776 bytes with its headers "
                 "(default 3776; 0: none)");

static int __init cnx_init(void)
{
	int status;

	if (cnx_protocol >= MAX_LINKS) {
		pr_err("cnx: protocol=%u is not a netlink protocol number: use 1 to %u, or 0 to choose\n", cnx_protocol,
		       MAX_LINKS - 1);
		return -EINVAL;
	}
	status = cnx_core_init(CNX_VERSION, cnx_pool_depth, cnx_pool_bytes);
	if (status == -EINVAL)
		pr_err("cnx: pool_depth=%u pool_bytes=%u is not a pool: use 0 to 1024 skbs of 0 to %zu bytes\n",
		       cnx_pool_depth, cnx_pool_bytes, (size_t)cnx_k_skb_room(CNX_K_POOL_LARGEST_HEAD));
	if (status)
		return status;
	status = cnx_pool_start();
	if (status)
		goto end_core;
	status = cnx_deferral_start();
	if (status)
		goto end_pool;
	status = cnx_namespaces_open(&cnx_protocol);
	if (status)
		goto end_deferral;
	pr_info("cnx: %s: netlink protocol %u, %u groups\n", CNX_VERSION, cnx_protocol, CNX_GROUPS);
	return 0;

end_deferral:
	cnx_deferral_stop();
end_pool:
	cnx_pool_stop();
end_core:
	cnx_core_exit();
	return status;
}

/* Reached only when no driver is loaded: each pins the module. */
static void __exit cnx_exit(void)
{
	cnx_namespaces_close();
	cnx_deferral_stop();
	cnx_pool_stop();
	cnx_core_exit();
}

module_init(cnx_init);
module_exit(cnx_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("A message bus between drivers and user programs over netlink");
MODULE_VERSION(CNX_VERSION);
