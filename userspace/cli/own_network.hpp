// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CLI_OWN_NETWORK_HPP
#define CNX_CLI_OWN_NETWORK_HPP

#include <cnx/client.hpp>

namespace cnx::tool
{

/* Who a user becomes that has to make a user namespace first. */
enum class Identity {
	Same, /* itself; it keeps CAP_NET_ADMIN over the new network, also in a program that it becomes */
	Root, /* root, but only there */
};

/*
 * Takes this process, which must have one thread, to where cnx answers on the protocol of the kernel's connector:
 *nowhere else if that is so here, and otherwise into a network namespace of its own, with the loopback interface up.
 *Who may not make one makes a user namespace for it, too. Errors: EPROTONOSUPPORT	cnx is not loaded, or is not in
 *the new namespace EPERM		this user may make no namespaces and what else the system calls fail with. After
 *an error the process may have been moved already.
 */
client::Result<void> enter_own_network(Identity identity);

} // namespace cnx::tool

#endif // CNX_CLI_OWN_NETWORK_HPP
