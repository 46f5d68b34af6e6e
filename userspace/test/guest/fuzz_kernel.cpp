// SPDX-License-Identifier: GPL-2.0-only
// Fuzzes the receive path of the loaded modules through real sockets:
//
//     fuzz_kernel SECONDS [SEED]
//
// Datagrams are changed by the mutator that the fuzzers of user space have. Where the kernel has KCOV, those that led
// to code which no other had reached are kept and changed further; without it they are kept at random. Every message
// must have been counted, by what became of it; everything that comes back must be well-formed; and cnx must go on
// answering. That the kernel did not complain is seen to by who reads its log.
#include "kcov.hpp"
#include "ktap.hpp"
#include "procevents.hpp"
#include "raw.hpp"

#include "fuzz/reference.hpp"
#include "fuzz/structure.hpp"

#include <unordered_set>

using namespace cnx::test;
using cnx::fuzz::once_in;
using cnx::fuzz::pick;
using cnx::fuzz::Random;
using cnx::fuzz::Structure;

namespace
{

using Datagram = std::vector<std::byte>;
using std::chrono::steady_clock;

constexpr std::array<cnx_id, 6> ids{echo_id, ticker_id, sleeper_id, control_id, process_id, unknown_id};

/// What is sent, and how.
struct Trial {
	Datagram datagram;
	bool unprivileged;
	bool from_new_socket; // which closes when it has been answered
};

class Fuzzer
{
public:
	explicit Fuzzer(unsigned seed) : random_(seed), kcov_(Kcov::open())
	{
		seeds();
		base_ = messages_counted();
		// To look at the counters is to send messages, too.
		own_ = messages_counted() - base_;
		base_ += own_;
	}

	void run(std::chrono::seconds time)
	{
		for (const auto end = steady_clock::now() + time; steady_clock::now() < end;)
			attempt(changed());
	}

	void report(Ktap &ktap)
	{
		ktap.check("inputs were sent", sent_ != 0);
		ktap.equal("each of their messages was counted by what became of it", expected_,
		           messages_counted() - base_ - own_);
		ktap.check("an echo is still answered", echoes());
		ktap.note(std::to_string(sent_) + " datagrams of " + std::to_string(expected_) + " messages, " +
		          std::to_string(kept_.size()) + " of them kept");
		if (kcov_)
			ktap.note(std::to_string(places_.size()) + " places in the modules, " +
			          std::to_string(steps_.size()) + " steps from one to another");
		else
			ktap.note("this kernel has no KCOV, so the inputs were made blindly");
	}

	[[nodiscard]] bool sees() const { return kcov_.has_value(); }

	/// The modules that have been looked into, and it was found that they tell.
	[[nodiscard]] std::size_t places() const { return places_.size(); }

private:
	static constexpr std::size_t keep_at_most = 4096;

	/// A message of each kind that somebody answers to.
	void seeds()
	{
		add_seed(one(echo_id, 1, bytes_of("hello"), request_flag));
		add_seed(one(sleeper_id, 1, bytes_of("1"), ack_flag));
		add_seed(one(unknown_id, 1, {}, ack_flag));
		for (std::uint16_t op = 0; op <= CNX_CONTROL_LOSSES + 1; ++op)
			add_seed(one(control_id, op, control_request(op, {ticker_id.idx, 0}, 1), request_flag));
		for (const std::uint32_t op : {CNX_PROC_LISTEN, CNX_PROC_IGNORE})
			add_seed(one(process_id, op, request_of(op, 0), request_flag));
		Bytes many;
		for (std::uint32_t seq = 0; seq < 20; ++seq)
			append(many, echo_id, seq, bytes_of("many"), seq % 2 ? ack_flag : std::uint16_t{0});
		add_seed(many);
	}

	void add_seed(const Bytes &bytes)
	{
		const auto view = std::as_bytes(std::span(bytes));
		kept_.push_back({{view.begin(), view.end()}, false, false});
	}

	Trial changed()
	{
		Trial trial = kept_[pick(random_, kept_.size())];
		Structure structure(trial.datagram);
		if (once_in(random_, 8)) {
			const Structure other(kept_[pick(random_, kept_.size())].datagram);
			structure.parts.insert(structure.parts.end(), other.parts.begin(), other.parts.end());
		}
		for (unsigned changes = 1 + pick(random_, 4); changes != 0; --changes)
			structure.mutate(random_, ids,
			                 [](Datagram &payload, Random &random) { change_bytes(payload, random); });
		// Datagrams stay within what a socket's buffer takes.
		if (structure.parts.size() > 40)
			structure.parts.resize(40);
		trial.datagram = structure.bytes();
		if (once_in(random_, 8))
			change_bytes(trial.datagram, random_);
		trial.unprivileged = once_in(random_, 4);
		trial.from_new_socket = once_in(random_, 8);
		return trial;
	}

	static void change_bytes(Datagram &bytes, Random &random)
	{
		if (bytes.empty() || once_in(random, 8)) {
			bytes.resize(bytes.size() + 1 + pick(random, 8));
		} else if (once_in(random, 8)) {
			bytes.resize(pick(random, bytes.size()));
		} else {
			std::byte &byte = bytes[pick(random, bytes.size())];
			byte =
			    once_in(random, 2) ? byte ^ std::byte(1u << pick(random, 8)) : std::byte(pick(random, 256));
		}
	}

	void attempt(Trial trial)
	{
		if (trial.from_new_socket) {
			Socket fresh;
			send(fresh, trial);
		} else {
			send(*socket_, trial);
			// What it subscribed to and listens to has to end now and then.
			if (once_in(random_, 200))
				socket_.emplace();
		}
		if (kept_.size() < keep_at_most && (kcov_ ? learned_ : once_in(random_, 64)))
			kept_.push_back(std::move(trial));
	}

	void send(Socket &socket, const Trial &trial)
	{
		Bytes bytes(trial.datagram.size());
		if (!bytes.empty())
			std::memcpy(bytes.data(), trial.datagram.data(), bytes.size());
		if (trial.unprivileged && ::seteuid(nobody))
			give_up("the rights cannot be laid down");
		if (kcov_)
			kcov_->start();
		const int status = socket.send(bytes);
		learned_ = kcov_ && learn(kcov_->stop());
		if (trial.unprivileged && ::seteuid(0))
			give_up("the rights cannot be taken up again");
		// A datagram that is larger than the socket's buffer never comes to cnx.
		if (status == 0) {
			++sent_;
			const auto understood = cnx::fuzz::reference::understand(trial.datagram);
			expected_ += understood.end != CNX_RECEIVED;
			for (const auto &message : understood.messages)
				expected_ += message.type != NLMSG_NOOP;
		}
		// A malformed answer ends this program.
		while (socket.receive(std::chrono::milliseconds(0)) || socket.error() == ENOBUFS)
			;
	}

	/// Whether the modules were somewhere new, or came there from elsewhere.
	bool learn(std::span<const std::uint64_t> been)
	{
		bool learned = false;
		std::uint64_t last = 0;
		for (const std::uint64_t place : been) {
			if (!modules_.contain(place))
				continue;
			places_.insert(place);
			learned |= steps_.insert(place ^ last << 1).second;
			last = place;
		}
		return learned;
	}

	std::uint64_t messages_counted()
	{
		const Counts all = counts(observer_);
		std::uint64_t sum = all[CNX_RECEIVED];
		for (std::size_t counter = CNX_DROP_TRUNCATED; counter <= CNX_DROP_WOULD_BLOCK; ++counter)
			sum += all[counter];
		return sum;
	}

	static bool echoes()
	{
		Socket socket;
		socket.send(one(echo_id, 4711, bytes_of("still there")));
		const auto reply = socket.receive();
		return reply && !reply->is_error && reply->message.seq == 4711 &&
		       reply->payload == bytes_of("still there");
	}

	Random random_;
	std::optional<Kcov> kcov_;
	ModuleAddresses modules_;
	Socket observer_;
	std::optional<Socket> socket_{std::in_place};
	std::vector<Trial> kept_;
	std::unordered_set<std::uint64_t> places_;
	std::unordered_set<std::uint64_t> steps_;
	bool learned_ = false;
	std::uint64_t base_ = 0;
	std::uint64_t own_ = 0;
	std::uint64_t sent_ = 0;
	std::uint64_t expected_ = 0;
};

/// A whole number from 1 on; 0 for anything else.
unsigned number(const char *text)
{
	char *end = nullptr;
	const unsigned long value = std::strtoul(text, &end, 10);
	return *end != '\0' || value > 1000000 ? 0 : static_cast<unsigned>(value);
}

} // namespace

int main(int argc, char **argv)
{
	const unsigned seconds = argc >= 2 ? number(argv[1]) : 0;
	const unsigned seed = argc == 3 ? number(argv[2]) : static_cast<unsigned>(::getpid());
	if (argc > 3 || seconds == 0 || seed == 0) {
		std::fputs("cnx: say for how many seconds, and perhaps with which seed, both up to 1000000: "
		           "fuzz_kernel 60 7\n",
		           stderr);
		return 2;
	}
	Ktap ktap;
	ktap.note("seed " + std::to_string(seed));
	Fuzzer fuzzer(seed);
	fuzzer.run(std::chrono::seconds(seconds));
	fuzzer.report(ktap);
	if (fuzzer.sees())
		ktap.check("the kernel told where in the modules it has been", fuzzer.places() > 100);
	return ktap.end();
}
