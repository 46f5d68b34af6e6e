// SPDX-License-Identifier: MIT
/* Behind cnx/client.h: what its opaque type is, and how what fails becomes an errno. */
#ifndef CNX_CLIENT_C_API_HPP
#define CNX_CLIENT_C_API_HPP

#include <cerrno>
#include <new>
#include <utility>
#include <vector>

#include <cnx/client.h>
#include <cnx/client.hpp>

/* What is handed out points into these, and lives until the next one is stored. */
struct cnx_client {
	cnx::client::Client client;
	cnx::client::Event event{};
	cnx::client::Message reply{};
	std::vector<cnx::client::Acknowledgement> refused{};
};

namespace cnx::client::c
{

/* Notes the thread's last failure and returns the negative errno. */
int report(int code, const char *what) noexcept;
int report(const Error &error) noexcept;

/* Runs what a function does; a C caller could not catch what it throws. */
template <class Body>
int guarded(Body &&body) noexcept
{
	try {
		return std::forward<Body>(body)();
	} catch (const std::bad_alloc &) {
		return report(ENOMEM, "memory ran out");
	} catch (...) {
		return report(EIO, "the client library failed in a way that it does not know: please report this");
	}
}

} // namespace cnx::client::c

#endif // CNX_CLIENT_C_API_HPP
