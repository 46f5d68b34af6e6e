// SPDX-License-Identifier: MIT
// Shows what is multicast to a group, and what was missed of it: monitor [GROUP [COUNT]]
#include <cnx/client.hpp>
#include <cstdio>
#include <cstdlib>

namespace client = cnx::client;

static int fail(const client::Error &error)
{
	std::fprintf(stderr, "monitor: %s\n", error.what.c_str());
	return 1;
}

int main(int argc, char **argv)
{
	/* The group of the ticker driver, unless another is named. */
	const auto group = static_cast<std::uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 0) : 33);
	unsigned long wanted = argc > 2 ? std::strtoul(argv[2], nullptr, 0) : 10;

	auto connection = client::Client::open({.batches = true});
	if (!connection)
		return fail(connection.error());
	if (const auto joined = connection->join(group); !joined)
		return fail(joined.error());

	while (wanted) {
		const auto event = connection->receive();
		if (!event)
			return fail(event.error());
		if (const auto *message = std::get_if<client::Message>(&*event)) {
			std::printf("%u:%u seq %u, %zu bytes\n", message->id.idx, message->id.val, message->seq,
			            message->payload.size());
			--wanted;
		} else if (const auto *overrun = std::get_if<client::Overrun>(&*event)) {
			if (overrun->missed)
				std::printf("missed %llu\n", static_cast<unsigned long long>(*overrun->missed));
			else
				std::puts("missed an unknown number");
		}
	}
}
