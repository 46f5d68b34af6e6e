// SPDX-License-Identifier: MIT
// EXPECT: use of deleted function .*Client
// A client has one owner, who closes its socket once.
#include <cnx/client.hpp>

cnx::client::Client hand_over(cnx::client::Client &client)
{
#ifdef MUST_FAIL
	return client;
#else
	return std::move(client);
#endif
}
