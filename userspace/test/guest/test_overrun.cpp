// SPDX-License-Identifier: GPL-2.0-only
// A listener that is too slow: it is told, it is counted, and it recovers. With cnx and a fast cnx_ticker loaded.
#include "ktap.hpp"
#include "raw.hpp"

#include <cnx/client.hpp>

using namespace cnx::test;
namespace lib = cnx::client;
using Losses = std::vector<lib::Loss>;

namespace
{

struct Heard {
	unsigned messages = 0;
	bool overrun = false;
	bool recovered = false; // a message after the overrun was told
};

/// Sleeps through many ticks with hardly any room, then listens.
Heard oversleep(Socket &listener)
{
	Heard heard;
	std::this_thread::sleep_for(std::chrono::milliseconds(500));
	for (int i = 0; i < 2000 && !heard.recovered; ++i) {
		const auto received = listener.receive();
		if (received) {
			++heard.messages;
			heard.recovered = heard.overrun;
		} else if (listener.error() == ENOBUFS) {
			heard.overrun = true;
		} else {
			break;
		}
	}
	return heard;
}

void judge(Ktap &ktap, Socket &observer, Socket &listener, const std::string &how, const std::function<int()> &begin)
{
	const int tiny = 4096;
	::setsockopt(listener.fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
	const Counts before = counts(observer);
	const auto ticker = [&] {
		return ask(observer, CNX_CONTROL_SHOW, ticker_id)
		    .record<cnx_callback_record>()
		    .value_or(cnx_callback_record{});
	};
	const auto lost_before = ticker().lost;
	ktap.equal(how + ": begins to listen", 0, begin());
	const Heard heard = oversleep(listener);
	const Counts after = counts(observer);
	ktap.check(how + ": hears what there was room for", heard.messages > 0);
	ktap.check(how + ": is told that it lost some", heard.overrun);
	ktap.check(how + ": hears again afterwards", heard.recovered);
	ktap.check(how + ": its loss is counted", after[CNX_LOST_OVERRUN] > before[CNX_LOST_OVERRUN]);
	ktap.check(how + ": what it heard is counted", after[CNX_SENT] > before[CNX_SENT]);
	ktap.check(how + ": it is laid to the callback", ticker().lost > lost_before);
}

/// A client of the library that listens to the ticker, and what it has heard.
class Listener
{
public:
	explicit Listener(std::size_t buffer, bool batches = false) : client_(open(buffer, batches)) {}

	lib::Client &client() { return client_; }

	bool listen() { return client_.join(ticker_id.idx).has_value(); }

	/// Hears all that there is.
	void hear()
	{
		while (const auto event = client_.receive(lib::Timeout::zero()))
			take(*event);
	}

	/// Hears one message more. False: none came.
	bool hear_another()
	{
		for (const auto before = messages; messages == before;) {
			const auto event = client_.receive(lib::Timeout(1000));
			if (!event)
				return false;
			take(*event);
		}
		return true;
	}

	/// What the kernel says that it missed.
	std::uint64_t lost()
	{
		std::uint64_t sum = 0;
		for (const auto &loss : client_.losses().value_or(Losses()))
			sum += loss.portid == client_.portid() ? loss.lost : 0;
		return sum;
	}

	std::uint64_t messages = 0;
	std::uint64_t overruns = 0;
	std::uint64_t unknown = 0;
	std::uint64_t missed = 0;
	std::uint64_t holes = 0; // messages missing by their numbers
	bool in_group = true;    // each message named its group

private:
	static lib::Client open(std::size_t buffer, bool batches)
	{
		lib::Options options;
		options.receive_buffer = buffer;
		options.batches = batches;
		auto opened = lib::Client::open(options);
		if (!opened)
			give_up(opened.error().what);
		return std::move(*opened);
	}

	void take(const lib::Event &event)
	{
		if (const auto *overrun = std::get_if<lib::Overrun>(&event)) {
			++overruns;
			unknown += !overrun->missed;
			missed += overrun->missed.value_or(0);
		} else if (const auto *message = std::get_if<lib::Message>(&event)) {
			if (messages++)
				holes += message->seq - last_ - 1;
			last_ = message->seq;
			in_group &= message->group == ticker_id.idx;
		}
	}

	lib::Client client_;
	std::uint32_t last_ = 0;
};

/// One subscriber stops reading again and again, another one does not: of each the numbers add up.
void count(Ktap &ktap, bool batches)
{
	const std::string how = batches ? "losses, in batches: " : "losses: ";
	Listener slow(4096, batches);
	Listener fast(std::size_t{8} << 20, batches);
	ktap.check(how + "two clients subscribe", slow.listen() && fast.listen());
	for (int round = 0; round < 5; ++round) {
		std::this_thread::sleep_for(std::chrono::milliseconds(100));
		fast.hear();
		slow.hear();
	}
	// Nothing is missing behind a message that comes when all was heard.
	ktap.check(how + "the slow one hears again", slow.hear_another());
	ktap.equal(how + "it missed what its messages' numbers say", slow.holes, slow.missed);
	const auto overruns = slow.overruns;
	ktap.check(how + "and leaves", slow.client().leave(ticker_id.idx).has_value());
	slow.hear();
	ktap.check(how + "it was told of overruns", overruns >= 2 && slow.missed > 0);
	ktap.equal(how + "each with its number", 0u, slow.unknown);
	ktap.note(std::to_string(slow.messages) + " heard, " + std::to_string(slow.missed) + " missed, " +
	          std::to_string(slow.overruns) + " overruns");
	ktap.equal(how + "and together what the kernel says", slow.lost(), slow.missed);
	ktap.check(how + "a subscription's messages name their group", slow.in_group);

	fast.hear();
	ktap.check(how + "the fast one hears all", fast.messages > slow.messages && fast.holes == 0);
	ktap.equal(how + "and is told of no overrun", 0u, fast.overruns);
	ktap.equal(how + "and lost nothing", 0u, fast.lost());
	ktap.check(how + "and sees what the other one lost",
	           std::ranges::any_of(fast.client().losses(0).value_or(Losses()), [&](const lib::Loss &loss) {
		           return loss.portid == slow.client().portid() &&
		                  loss.id == lib::Id{ticker_id.idx, ticker_id.val} && loss.lost == slow.missed;
	           }));
	const auto others = as_nobody([&] {
		auto client = lib::Client::open();
		const auto own = client->losses();
		const auto all = client->losses(0);
		return own && !all && all.error().code == EPERM ? 0 : -1;
	});
	ktap.equal(how + "without rights one sees one's own alone", 0, others);
}

} // namespace

int main()
{
	Ktap ktap;
	Socket observer;
	{
		Socket member;
		judge(ktap, observer, member, "overrun: a member of the group",
		      [&] { return member.join(ticker_id.idx); });
	}
	{
		Socket subscriber;
		judge(ktap, observer, subscriber, "overrun: a subscriber", [&] {
			// The reply needs room, too, so the request is made without waiting for it.
			return subscriber.send(
			    one(control_id, 1, control_request(CNX_CONTROL_SUBSCRIBE, {ticker_id.idx, 0})));
		});
	}
	count(ktap, false);
	count(ktap, true);
	const Counts before = counts(observer);
	std::this_thread::sleep_for(std::chrono::milliseconds(100));
	const Counts after = counts(observer);
	ktap.check("overrun: when nobody listens, that is counted",
	           after[CNX_LOST_NO_LISTENER] > before[CNX_LOST_NO_LISTENER] &&
	               after[CNX_SENT] - before[CNX_SENT] <= 1);
	return ktap.end();
}
