// SPDX-License-Identifier: GPL-2.0-only
// A program sends in its network namespace, without a pause, while cnx loads and comes to be there. With nothing
// loaded.
#include "ktap.hpp"
#include "namespace.hpp"

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>

using namespace cnx::test;

namespace
{

constexpr cnx_id nobody_has{0x7fff, 1};

/// Sends until it is told to stop, and counts.
class Sender
{
public:
	explicit Sender(const Namespace &space) : socket_(space.socket())
	{
		thread_ = std::thread([this] {
			const Bytes datagram = one(nobody_has, 1, {}, NLM_F_REQUEST | NLM_F_ACK);
			while (!stop_) {
				if (socket_.send(datagram) != 0)
					++refused_;
				else if (++sent_; socket_.receive(std::chrono::milliseconds(0)))
					++answered_;
			}
		});
	}
	Sender(const Sender &) = delete;
	Sender &operator=(const Sender &) = delete;
	~Sender() { end(); }

	void end()
	{
		if (!thread_.joinable())
			return;
		stop_ = true;
		thread_.join();
	}
	[[nodiscard]] unsigned sent() const { return sent_; }
	[[nodiscard]] unsigned answered() const { return answered_; }
	[[nodiscard]] unsigned refused() const { return refused_; }

private:
	Socket socket_;
	std::atomic<bool> stop_ = false;
	std::atomic<unsigned> sent_ = 0;
	std::atomic<unsigned> answered_ = 0;
	std::atomic<unsigned> refused_ = 0;
	std::thread thread_;
};

/// The bytes that wait to be read from cnx's socket in a namespace, of which nobody reads any; -1: there is no such
/// socket.
long queued_in(const Namespace &space)
{
	return space.in([] {
		std::ifstream sockets("/proc/thread-self/net/netlink");
		std::string line;
		while (std::getline(sockets, line)) {
			std::istringstream words(line);
			std::string address;
			std::string groups;
			unsigned protocol = 0;
			unsigned portid = 0;
			long queued = 0;
			if (words >> address >> protocol >> portid >> groups >> queued && portid == 0 &&
			    protocol == CNX_PROTOCOL_CONNECTOR)
				return queued;
		}
		return -1l;
	});
}

} // namespace

int main()
{
	Ktap ktap;
	const Namespace space;
	ktap.equal("early: netlink is made to pause where it matters", 0,
	           load_module("cnx_test_early_senders", ("task=" + std::to_string(::gettid())).c_str()));
	Sender sender(space);
	ktap.check("early: there is nobody to send to", eventually([&] { return sender.refused() > 10; }));
	ktap.equal("early: cnx loads", 0, load_module("cnx"));
	ktap.check("early: and answers", eventually([&] { return sender.answered() > 10; }));
	sender.end();
	ktap.note(std::to_string(sender.refused()) + " refused, " + std::to_string(sender.sent()) + " sent, " +
	          std::to_string(sender.answered()) + " answered");
	ktap.check("early: what was sent before cnx was there for good has no answer",
	           sender.sent() > sender.answered());
	ktap.equal("early: and is not kept for anybody", 0l, queued_in(space));
	ktap.equal("early: cnx unloads", 0, unload_module("cnx"));
	ktap.equal("early: and netlink pauses no more", 0, unload_module("cnx_test_early_senders"));
	return ktap.end();
}
