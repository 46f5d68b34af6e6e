// SPDX-License-Identifier: MIT
/*
 * A client whose kernel says anything. The input is a program: first what the client does, each an opcode with its
 * arguments, and between them, whenever the client reads, what it is to find. It ends, and what it yields is
 * consistent.
 */
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include <linux/netlink.h>

#include "client/datagram.hpp"
#include "client/transport.hpp"
#include "fuzz/client_program.hpp"
#include "fuzz/input.hpp"

using namespace cnx::client;
using namespace cnx::fuzz;

namespace
{

constexpr std::uint32_t own_portid = 77;

/* Finds in the input what it reads. */
class Noise final : public Transport
{
public:
	explicit Noise(Input &input) : input_(input) {}

	int fd() const override { return -1; }
	std::uint32_t portid() const override { return own_portid; }

	Result<void> transmit(std::span<const std::byte> datagram) override
	{
		/* What the client itself sends has to be good. */
		DatagramReader reader(datagram);
		require(datagram.size() >= sizeof asked_);
		std::memcpy(&asked_, datagram.data(), sizeof asked_);
		while (const auto item = reader.next())
			require(std::holds_alternative<MessageView>(*item));
		return {};
	}

	Result<Datagram> receive(std::span<std::byte> buffer, Deadline) override
	{
		if (input_.empty())
			return std::unexpected(Error{ETIMEDOUT, "the input is at its end"});
		switch (static_cast<Found>(input_.take<std::uint8_t>() % found_count)) {
		case Found::Nothing:
			return std::unexpected(Error{ETIMEDOUT, "nothing"});
		case Found::Overflow:
			return std::unexpected(Error{ENOBUFS, "full"});
		case Found::Signal:
			return std::unexpected(Error{EINTR, "a signal"});
		case Found::Datagram:
			return store(buffer, input_.take_bytes(input_.take<std::uint16_t>()), 0, 0);
		case Found::Foreign:
			return store(buffer, input_.take_bytes(input_.take<std::uint16_t>()), 0, 1234);
		case Found::Long: {
			const auto more = input_.take<std::uint16_t>();
			return store(buffer, input_.take_bytes(input_.take<std::uint16_t>()), more, 0);
		}
		case Found::Answer:
			return answer(buffer);
		case Found::Acknowledgement:
			return acknowledge(buffer);
		}
		return std::unexpected(Error{ETIMEDOUT, "nothing"});
	}

	Result<void> join(std::uint32_t) override { return {}; }
	Result<void> leave(std::uint32_t) override { return {}; }

private:
	struct Headers {
		nlmsghdr netlink;
		cnx_msg message;
	};

	/* A datagram, of which `missing` bytes did not fit. */
	Result<Datagram> store(std::span<std::byte> buffer, std::span<const std::byte> bytes, std::size_t missing,
	                       std::uint32_t sender)
	{
		const std::size_t stored = std::min(buffer.size(), bytes.size());
		if (stored)
			std::memcpy(buffer.data(), bytes.data(), stored);
		return Datagram{stored, stored + missing, sender, input_.take<std::uint8_t>()};
	}

	/* What answers the last message that was sent, with a payload from the input: noise would never guess its seq.
	 */
	Result<Datagram> answer(std::span<std::byte> buffer)
	{
		const auto payload = input_.take_bytes(input_.take<std::uint16_t>() % 4096);
		std::vector<std::byte> bytes;
		require(append_message(bytes,
		                       {{asked_.message.id.idx, asked_.message.id.val},
		                        asked_.message.seq,
		                        asked_.message.ack + 1,
		                        0,
		                        payload},
		                       0, 0, 0));
		return store(buffer, bytes, 0, 0);
	}

	Result<Datagram> acknowledge(std::span<std::byte> buffer)
	{
		struct {
			nlmsghdr header{};
			nlmsgerr body{};
		} refusal;
		refusal.header.nlmsg_len = sizeof refusal;
		refusal.header.nlmsg_type = NLMSG_ERROR;
		refusal.header.nlmsg_flags = NLM_F_CAPPED;
		refusal.body.error = -static_cast<int>(input_.take<std::uint8_t>());
		refusal.body.msg.nlmsg_len = sizeof(nlmsghdr);
		refusal.body.msg.nlmsg_seq = asked_.netlink.nlmsg_seq + input_.take<std::uint8_t>();
		return store(buffer, std::as_bytes(std::span(&refusal, 1)), 0, 0);
	}

	Input &input_;
	Headers asked_{};
};

/* What the client does, and what has to hold of what it says. */
class Player
{
public:
	explicit Player(std::span<const std::byte> bytes) : input_(bytes), client_(make()) {}

	void play()
	{
		/* An input is short, so it ends by itself, unless the client does not. */
		while (!input_.empty())
			step(static_cast<Call>(input_.take<std::uint8_t>() % call_count));
		/* What was kept is there until it has been fetched, and then no more. */
		for (unsigned left = 0; look(client_.receive(Timeout{0})); ++left)
			require(left < 100000);
	}

private:
	Client make()
	{
		Options options;
		options.batches = input_.take<std::uint8_t>() & 1;
		return Client(std::make_unique<Noise>(input_), options);
	}

	void step(Call call)
	{
		switch (call) {
		case Call::Receive:
			look(client_.receive(Timeout{0}));
			break;
		case Call::Request:
			if (const auto reply = client_.request(message(), Timeout{0}))
				require(reply->id == Id{1, 2} && reply->ack == 1);
			break;
		case Call::Send:
			static_cast<void>(
			    client_.send(message(), static_cast<Answer>(input_.take<std::uint8_t>() % 4)));
			break;
		case Call::Batch:
			batch();
			break;
		case Call::Join:
			static_cast<void>(client_.join(input_.take<std::uint16_t>()));
			break;
		case Call::Leave:
			static_cast<void>(client_.leave(input_.take<std::uint16_t>()));
			break;
		case Call::Info:
			if (const auto info = client_.info())
				require(info->version.size() <= 32);
			break;
		case Call::List:
			if (const auto list = client_.list())
				for (const auto &callback : *list)
					require(callback.name.size() <= CNX_NAME_SIZE);
			break;
		case Call::Show:
			static_cast<void>(client_.show({1, 2}));
			break;
		case Call::Counters:
			static_cast<void>(client_.counters());
			break;
		case Call::Losses:
			if (const auto losses = client_.losses())
				for (const auto &loss : *losses)
					require(loss.portid == own_portid);
			break;
		}
	}

	MessageView message() { return {{1, 2}, 0, 0, 0, input_.take_bytes(input_.take<std::uint8_t>())}; }

	void batch()
	{
		const std::vector<MessageView> messages(input_.take<std::uint8_t>() % 16, {{1, 2}, 1, 0, 0, {}});
		const auto sent = client_.send_batch(messages, Answer::Always);
		if (!sent)
			return;
		std::set<std::uint32_t> refused;
		for (const auto &refusal : sent->refused) {
			require(refusal.code != 0 && refusal.seq - sent->first < messages.size());
			require(refused.insert(refusal.seq).second);
		}
	}

	/* Whether there is more. */
	bool look(const Result<Event> &event)
	{
		if (!event)
			return event.error().code != ETIMEDOUT;
		if (const auto *overrun = std::get_if<Overrun>(&*event)) {
			require(overrun->count > overruns_);
			overruns_ = overrun->count;
		} else if (const auto *message = std::get_if<Message>(&*event)) {
			/* A descriptor of a callback is read out of whatever claims to be one. */
			if (const auto change = callback_event(*message))
				require(change->name.size() <= CNX_NAME_SIZE);
		} else {
			require(std::get<Acknowledgement>(*event).code >= 0);
		}
		return true;
	}

	Input input_;
	Client client_;
	std::uint64_t overruns_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	Player(std::as_bytes(std::span(data, size))).play();
	return 0;
}
