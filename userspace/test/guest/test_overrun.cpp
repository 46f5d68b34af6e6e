// SPDX-License-Identifier: GPL-2.0-only
// A listener that is too slow: it is told, it is counted, and it recovers. With cnx and a fast cnx_ticker loaded.
#include "ktap.hpp"
#include "raw.hpp"

using namespace cnx::test;

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
			const cnx_control_request request{.version = CNX_CONTROL_VERSION,
			                                  .op = CNX_CONTROL_SUBSCRIBE,
			                                  .count = 0,
			                                  .id = {ticker_id.idx, 0},
			                                  .cursor = 0};
			Bytes bytes(sizeof(request));
			std::memcpy(bytes.data(), &request, sizeof(request));
			return subscriber.send(one(control_id, 1, bytes));
		});
	}
	const Counts before = counts(observer);
	std::this_thread::sleep_for(std::chrono::milliseconds(100));
	const Counts after = counts(observer);
	ktap.check("overrun: when nobody listens, that is counted",
	           after[CNX_LOST_NO_LISTENER] > before[CNX_LOST_NO_LISTENER] &&
	               after[CNX_SENT] - before[CNX_SENT] <= 1);
	return ktap.end();
}
