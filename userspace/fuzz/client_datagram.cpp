// SPDX-License-Identifier: MIT
/* The decoder of datagrams, fed with anything: it ends, stays within the bytes, and what it yields is consistent. */
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "client/datagram.hpp"
#include "fuzz/input.hpp"

using namespace cnx::client;
using namespace cnx::fuzz;

namespace
{

/* What was understood is put together again, and has to be understood as the same. */
void check_message(const MessageView &message)
{
	std::vector<std::byte> again;
	if (!append_message(again, message, 0, 0, 0))
		return require(message.payload.size() > CNX_MAX_MESSAGE - sizeof(cnx_msg));
	DatagramReader reader(again);
	const auto item = reader.next();
	require(item && std::holds_alternative<MessageView>(*item));
	const auto &same = std::get<MessageView>(*item);
	require(same.id == message.id && same.seq == message.seq && same.ack == message.ack &&
	        same.flags == message.flags && text(same.payload) == text(message.payload));
	require(!reader.next());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const auto datagram = std::as_bytes(std::span(data, size));
	DatagramReader reader(datagram);
	std::size_t items = 0;
	while (const auto item = reader.next()) {
		/* Each takes a header's bytes at least, but for one that ends the walk. */
		require(++items <= size / 16 + 1);
		if (const auto *message = std::get_if<MessageView>(&*item)) {
			require(within(message->payload, datagram));
			check_message(*message);
		} else if (const auto *answer = std::get_if<AcknowledgementView>(&*item)) {
			require(answer->code >= 0 && answer->code <= 4095);
			require(within(answer->what, datagram));
			require(answer->what.find('\0') == std::string_view::npos);
		} else {
			require(std::get<Malformed>(*item).offset < size);
		}
	}
	require(!reader.next());
	return 0;
}
