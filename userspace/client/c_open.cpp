// SPDX-License-Identifier: MIT
/* Where a C program's client comes from. Apart from the rest, so that a test's library can hand out others. */
#include <algorithm>
#include <cstring>
#include <cstddef>
#include <memory>
#include <span>

#include "client/c_api.hpp"

using namespace cnx::client;

namespace
{

/*
 * Takes over the options of a caller who may have been built with other headers than this was. 0, or a positive errno:
 * what it knows and this does not is refused, unless it is left at 0.
 */
int copy_options(cnx_client_options &known, const cnx_client_options &given)
{
	constexpr std::size_t first_version =
	    offsetof(cnx_client_options, answer_timeout) + sizeof given.answer_timeout;
	constexpr std::size_t absurd = 4096;
	if (given.size < first_version || given.size > absurd)
		return EINVAL;
	// SAFETY: the caller says by `size` how many bytes there are, and any byte may be read as a std::byte.
	const std::span all(reinterpret_cast<const std::byte *>(&given), given.size);
	const auto unknown = all.subspan(std::min(all.size(), sizeof known));
	if (std::ranges::any_of(unknown, [](std::byte byte) { return byte != std::byte{}; }))
		return E2BIG;
	std::memcpy(&known, all.data(), std::min(all.size(), sizeof known));
	return 0;
}

} // namespace

int cnx_client_open(struct cnx_client **client, const struct cnx_client_options *options)
{
	if (!client)
		return c::report(EINVAL, "cnx_client_open() wants a place for the client, and got NULL");
	*client = nullptr;
	cnx_client_options known = CNX_CLIENT_OPTIONS_INIT;
	if (const int code = options ? copy_options(known, *options) : 0)
		return c::report(code, "the options are not of a version that this library knows: begin with "
		                       "CNX_CLIENT_OPTIONS_INIT, and use the newest libcnx");

	return c::guarded([&] {
		Options chosen;
		if (known.protocol >= 0)
			chosen.protocol = known.protocol;
		chosen.batches = known.batches;
		chosen.receive_buffer = known.receive_buffer;
		chosen.send_buffer = known.send_buffer;
		if (known.answer_timeout)
			chosen.answer_timeout = Timeout(known.answer_timeout);
		auto opened = Client::open(chosen);
		if (!opened)
			return c::report(opened.error());
		*client = std::make_unique<cnx_client>(std::move(*opened)).release();
		return 0;
	});
}
