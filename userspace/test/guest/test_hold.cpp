// SPDX-License-Identifier: GPL-2.0-only
// One small thing for a script: test_hold echo | unknown | truncated | socket SECONDS
#include "raw.hpp"

using namespace cnx::test;

int main(int count, char **words)
{
	const std::string_view what = count > 1 ? words[1] : "";
	Socket socket;
	if (what == "echo") {
		socket.send(one(echo_id, 1, bytes_of("hello")));
		const auto reply = socket.receive();
		return reply && reply->payload == bytes_of("hello") ? 0 : 1;
	}
	if (what == "unknown") {
		socket.send(one(unknown_id, 1, {}, ack_flag));
		const auto reply = socket.receive();
		return reply && reply->error == -ENODEV ? 0 : 1;
	}
	if (what == "truncated")
		return socket.send(Bytes(7)) ? 1 : 0;
	if (what == "socket" && count > 2) {
		std::this_thread::sleep_for(std::chrono::seconds(std::atoi(words[2])));
		return 0;
	}
	std::fputs("test_hold echo | unknown | truncated | socket SECONDS\n", stderr);
	return 2;
}
