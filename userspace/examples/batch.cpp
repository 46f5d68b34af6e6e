// SPDX-License-Identifier: MIT
// Sends many messages as one datagram and tells which were refused: batch [COUNT]
#include <cnx/client.hpp>
#include <cstdio>
#include <cstdlib>

namespace client = cnx::client;

static int fail(const client::Error &error)
{
	std::fprintf(stderr, "batch: %s\n", error.what.c_str());
	return 1;
}

int main(int argc, char **argv)
{
	const auto count = static_cast<std::uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 0) : 100);

	/* Every message for the echo driver but the last, which is for nobody. */
	std::vector<client::MessageView> messages;
	for (std::uint32_t seq = 1; seq <= count; ++seq)
		messages.push_back({.id = {32, 1}, .seq = seq, .payload = client::bytes("one of many")});
	messages.push_back({.id = {999, 999}});

	auto connection = client::Client::open({.receive_buffer = 8 << 20, .send_buffer = 4 << 20});
	if (!connection)
		return fail(connection.error());
	const auto batch = connection->send_batch(messages, client::Answer::Always);
	if (!batch)
		return fail(batch.error());
	std::printf("%zu sent, %zu refused\n", messages.size(), batch->refused.size());
	for (const auto &refusal : batch->refused)
		std::printf("message %u: %s\n", refusal.seq - batch->first + 1, refusal.what.c_str());

	/* What the driver answers comes as messages of its own. */
	unsigned replies = 0;
	while (connection->receive(std::chrono::milliseconds(0)))
		++replies;
	std::printf("%u replies\n", replies);
}
