// SPDX-License-Identifier: MIT
// Asks the driver behind an id something and prints its answer: request [IDX VAL [TEXT]]
#include <cnx/client.hpp>
#include <cstdio>
#include <cstdlib>

namespace client = cnx::client;

static int fail(const client::Error &error)
{
	std::fprintf(stderr, "request: %s\n", error.what.c_str());
	return 1;
}

int main(int argc, char **argv)
{
	/* The echo driver, unless another is named. */
	client::Id id{32, 1};
	if (argc > 2)
		id = {static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 0)),
		      static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 0))};

	auto connection = client::Client::open();
	if (!connection)
		return fail(connection.error());

	const auto question = client::bytes(argc > 3 ? argv[3] : "hello");
	const auto reply = connection->request({.id = id, .payload = question}, std::chrono::seconds(5));
	if (!reply)
		return fail(reply.error());
	const auto answer = client::text(reply->payload);
	std::printf("%.*s\n", static_cast<int>(answer.size()), answer.data());
}
