// SPDX-License-Identifier: GPL-2.0-only
// The control plane, with what it answers from: subscriptions and losses of sockets that open and close. Requests are
// sound, odd or mere bytes; a model of maps says what each is answered, to the last record.
#include "fuzz/world.hpp"

#include <cnx/core/control.hpp>

#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

using namespace cnx;
using namespace cnx::fuzz;

namespace
{

int ignore(void *, const cnx_message *, const cnx_sender *)
{
	return 0;
}

struct Registered {
	Callback<P> *entry;
	bool open;
};

struct Lost {
	std::uint64_t serial;
	std::uint64_t count;
};

class Player
{
public:
	explicit Player(Input input)
	    : input_(input), dispatcher_(Dispatcher<P>::create().value()),
	      control_(*dispatcher_, subscriptions_, losses_, {1, 2, {"1.2.3"}})
	{
		control_.opened(28, 1024);
		for (auto *&socket : P::sockets)
			socket = sockets_.emplace_back(std::make_unique<Endpoint>()).get();
	}

	void play()
	{
		while (!input_.empty())
			step();
		check();
	}

private:
	enum class Op : std::uint8_t { Ask, AskBytes, Register, Unregister, Close, Lose, Count, Move, Crowd, Check };
	static constexpr unsigned ops = 10;
	static constexpr std::size_t whole = CNX_MAX_MESSAGE - sizeof(cnx_msg);

	void step()
	{
		switch (static_cast<Op>(input_.below(ops))) {
		case Op::Ask:
			return ask();
		case Op::AskBytes: {
			const auto bytes = input_.take_bytes(input_.below(40));
			return request({bytes.begin(), bytes.end()});
		}
		case Op::Register:
			return add();
		case Op::Unregister:
			return remove();
		case Op::Close:
			return close();
		case Op::Lose:
			return lose();
		case Op::Count: {
			const Id id = any_id();
			const bool there = callbacks_.contains(key_of(id));
			require(dispatcher_->dispatch({id, 0, 0, 0, 0, nullptr}).status == (there ? 0 : -ENODEV));
			++counted_[P::running_on][there ? CNX_DISPATCHED : CNX_DROP_UNKNOWN_ID];
			return;
		}
		case Op::Move:
			P::running_on = input_.below(P::cpus);
			return;
		case Op::Crowd:
			return crowd();
		case Op::Check:
			return check();
		}
	}

	Id any_id()
	{
		const auto number = input_.take<std::uint8_t>();
		return {number & 3u, number >> 2 & 7u};
	}

	cnx_sender any_sender()
	{
		const auto who = input_.take<std::uint8_t>();
		return {.pid = 1,
		        .uid = who >> 7 & 1u,
		        .gid = 0,
		        .portid = who % static_cast<unsigned>(P::sockets.size()),
		        .net = nullptr,
		        .skb = nullptr};
	}

	void ask()
	{
		static constexpr std::array<std::uint16_t, 10> asked{
		    CNX_CONTROL_INFO,      CNX_CONTROL_LIST,        CNX_CONTROL_COUNTERS, CNX_CONTROL_SHOW,
		    CNX_CONTROL_SUBSCRIBE, CNX_CONTROL_UNSUBSCRIBE, CNX_CONTROL_LOSSES,   0,
		    CNX_EVENT_REGISTERED,  CNX_CONTROL_LOSSES + 1};
		const auto odd = input_.take<std::uint8_t>();
		cnx_control_request request_{.version = CNX_CONTROL_VERSION,
		                             .op = asked[odd % asked.size()],
		                             .count = input_.take<std::uint8_t>(),
		                             .id = any_id(),
		                             .cursor = input_.take<std::uint8_t>()};
		if (odd >= 0xf0)
			request_.version = input_.take<std::uint16_t>();
		if (odd % 3 == 0)
			request_.id.val = 0;
		if (odd >= 0xe0)
			request_.cursor = input_.take<std::uint64_t>();
		if (odd >= 0xe8)
			request_.id.idx = input_.take<std::uint32_t>();
		if (odd % 7 == 0)
			request_.count &= 1;
		// What follows a request is nobody's affair.
		std::vector<std::byte> bytes(sizeof(request_) + (odd >= 0xc0 ? odd & 7 : 0));
		std::memcpy(bytes.data(), &request_, sizeof(request_));
		request(bytes);
	}

	void request(const std::vector<std::byte> &bytes)
	{
		const cnx_sender sender = any_sender();
		const std::size_t room = input_.below(8) == 0 ? whole : input_.take<std::uint16_t>() % 1024;
		const cnx_message message{control_id, 7, 0, 0, static_cast<std::uint16_t>(bytes.size()), bytes.data()};
		// Exactly so many bytes, so that AddressSanitizer sees one too many.
		std::vector<std::byte> reply(room);
		const Shortage shortage(input_);
		const auto used = control_.answer(message, sender, reply);
		require(!used || (*used <= room && *used >= sizeof(cnx_control_reply)));
		if (bytes.size() < sizeof(cnx_control_request))
			return refused(used, -EBADMSG);
		cnx_control_request asked;
		std::memcpy(&asked, bytes.data(), sizeof(asked));
		if (asked.version != CNX_CONTROL_VERSION)
			return refused(used, -EBADMSG);
		if (room < sizeof(cnx_control_reply))
			return refused(used, -EMSGSIZE);
		reply.resize(used ? *used : 0);
		judge(asked, sender, used, Reply(reply, room), shortage);
	}

	/// A reply, taken apart, and what room it had for records.
	struct Reply {
		Reply(std::span<const std::byte> bytes, std::size_t space) : room(space - sizeof(header))
		{
			if (bytes.size() < sizeof(header))
				return;
			std::memcpy(&header, bytes.data(), sizeof(header));
			records = bytes.subspan(sizeof(header));
		}

		template <typename T>
		[[nodiscard]] std::vector<T> all() const
		{
			require(records.size() == header.count * sizeof(T));
			std::vector<T> values(header.count);
			if (!values.empty())
				std::memcpy(values.data(), records.data(), records.size());
			return values;
		}

		cnx_control_reply header{};
		std::span<const std::byte> records;
		std::size_t room;
	};

	static void refused(const Result<std::size_t> &used, int error)
	{
		require(!used && to_errno(used.error()) == error);
	}

	void judge(const cnx_control_request &asked, const cnx_sender &sender, const Result<std::size_t> &used,
	           const Reply &reply, const Shortage &shortage)
	{
		if (used)
			require(reply.header.version == CNX_CONTROL_VERSION && reply.header.op == asked.op);
		switch (asked.op) {
		case CNX_CONTROL_INFO:
			return judge_info(used, reply);
		case CNX_CONTROL_LIST:
			return judge_list(asked, used, reply);
		case CNX_CONTROL_COUNTERS:
			return judge_counters(asked, used, reply);
		case CNX_CONTROL_SHOW:
			return judge_show(asked, used, reply);
		case CNX_CONTROL_SUBSCRIBE:
			return judge_subscribe(asked, sender, used, reply, shortage);
		case CNX_CONTROL_UNSUBSCRIBE:
			return judge_unsubscribe(asked, sender, used, reply, shortage);
		case CNX_CONTROL_LOSSES:
			return judge_losses(asked, sender, used, reply);
		default:
			return refused(used, -EOPNOTSUPP);
		}
	}

	void judge_info(const Result<std::size_t> &used, const Reply &reply) const
	{
		if (reply.room < sizeof(cnx_info))
			return refused(used, -EMSGSIZE);
		require(used.has_value());
		const auto info = reply.all<cnx_info>().at(0);
		require(info.protocol == 28 && info.groups == 1024 && info.max_message == CNX_MAX_MESSAGE &&
		        info.counters == CNX_COUNTERS && info.callbacks == callbacks_.size() &&
		        info.subscriptions == subscribed_.size() && std::string(info.version) == "1.2.3");
	}

	/// Whether there is no room for any of `left` records of `size` bytes.
	static bool crammed(const Reply &reply, std::size_t left, std::size_t size)
	{
		return left != 0 && reply.room < size;
	}

	/// How many of `left` records of `size` bytes come.
	static std::size_t page(const cnx_control_request &asked, const Reply &reply, std::size_t left,
	                        std::size_t size)
	{
		const std::size_t most = asked.count == 0 ? left : std::min<std::size_t>(left, asked.count);
		return std::min(most, reply.room / size);
	}

	void judge_list(const cnx_control_request &asked, const Result<std::size_t> &used, const Reply &reply)
	{
		std::map<std::uint64_t, const Registered *> in_order;
		for (const auto &[key, registered] : callbacks_) {
			if (registered.entry->serial() > asked.cursor)
				in_order[registered.entry->serial()] = &registered;
		}
		if (crammed(reply, in_order.size(), sizeof(cnx_callback_record)))
			return refused(used, -EMSGSIZE);
		require(used.has_value());
		const auto records = reply.all<cnx_callback_record>();
		require(records.size() == page(asked, reply, in_order.size(), sizeof(cnx_callback_record)));
		auto at = in_order.begin();
		for (const auto &record : records) {
			require(record.serial == at->first && key_of(record.id) == at->second->entry->key());
			++at;
		}
		require(reply.header.cursor == (at == in_order.end() ? 0 : records.back().serial));
	}

	void judge_counters(const cnx_control_request &asked, const Result<std::size_t> &used, const Reply &reply)
	{
		const std::size_t left = asked.cursor < P::cpus ? P::cpus - asked.cursor : 0;
		if (crammed(reply, left, sizeof(cnx_counters)))
			return refused(used, -EMSGSIZE);
		require(used.has_value());
		const auto records = reply.all<cnx_counters>();
		require(records.size() == page(asked, reply, left, sizeof(cnx_counters)));
		for (std::size_t i = 0; i < records.size(); ++i) {
			require(records[i].cpu == asked.cursor + i && records[i].reserved == 0);
			for (unsigned counter = 0; counter < CNX_COUNTERS; ++counter)
				require(records[i].value[counter] == counted_[records[i].cpu][counter]);
		}
		require(reply.header.cursor == (records.size() == left ? 0 : asked.cursor + records.size()));
	}

	void judge_show(const cnx_control_request &asked, const Result<std::size_t> &used, const Reply &reply) const
	{
		const auto found = callbacks_.find(key_of(asked.id));
		if (found == callbacks_.end())
			return refused(used, -ENODEV);
		if (reply.room < sizeof(cnx_callback_record))
			return refused(used, -EMSGSIZE);
		require(used.has_value());
		require(reply.all<cnx_callback_record>().at(0).serial == found->second.entry->serial());
	}

	[[nodiscard]] bool open_group(std::uint32_t group) const
	{
		bool some = false;
		for (const auto &[key, registered] : callbacks_) {
			if (registered.entry->id().idx != group)
				continue;
			if (!registered.open)
				return false;
			some = true;
		}
		return some;
	}

	void judge_subscribe(const cnx_control_request &asked, const cnx_sender &sender,
	                     const Result<std::size_t> &used, const Reply &reply, const Shortage &shortage)
	{
		const std::uint32_t group = asked.id.idx;
		if (asked.id.val != 0 || sender.portid == 0 || asked.count > CNX_SUBSCRIBE_BATCHES ||
		    (group == 0 && asked.count == 0))
			return refused(used, -EINVAL);
		if (sender.uid != 0 && group != 0 && !open_group(group))
			return refused(used, -EPERM);
		const auto there = subscribed_.find({group, sender.portid});
		if (there != subscribed_.end() && !there->second.endpoint->closed)
			return refused(used, -EEXIST);
		const std::size_t most = CNX_MAX_SUBSCRIPTIONS / (sender.uid == 0 ? 1 : 2);
		if (there == subscribed_.end() && subscribed_.size() >= most)
			return refused(used, -ENOSPC);
		if (!used)
			return require(used.error() == Error::no_memory && shortage.happened());
		require(reply.header.count == 0 && reply.records.empty() && reply.header.cursor == 0);
		subscribed_[{group, sender.portid}] = {asked.count, P::endpoint(sender)};
	}

	void judge_unsubscribe(const cnx_control_request &asked, const cnx_sender &sender,
	                       const Result<std::size_t> &used, const Reply &reply, const Shortage &shortage)
	{
		if (asked.id.val != 0 || sender.portid == 0)
			return refused(used, -EINVAL);
		if (!subscribed_.contains({asked.id.idx, sender.portid}))
			return refused(used, -ENOENT);
		if (!used)
			return require(used.error() == Error::no_memory && shortage.happened());
		require(reply.header.count == 0 && reply.records.empty());
		subscribed_.erase({asked.id.idx, sender.portid});
	}

	void judge_losses(const cnx_control_request &asked, const cnx_sender &sender, const Result<std::size_t> &used,
	                  const Reply &reply) const
	{
		const std::uint32_t portid = asked.id.idx;
		if (asked.id.val != 0)
			return refused(used, -EINVAL);
		if (portid != sender.portid && sender.uid != 0)
			return refused(used, -EPERM);
		std::map<std::uint64_t, std::pair<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t>> in_order;
		for (const auto &[pair, lost] : lost_) {
			if (lost.serial > asked.cursor && (portid == 0 || pair.first == portid))
				in_order[lost.serial] = {pair, lost.count};
		}
		if (crammed(reply, in_order.size(), sizeof(cnx_loss)))
			return refused(used, -EMSGSIZE);
		require(used.has_value());
		const auto records = reply.all<cnx_loss>();
		require(records.size() == page(asked, reply, in_order.size(), sizeof(cnx_loss)));
		auto at = in_order.begin();
		for (const auto &record : records) {
			const auto &[pair, count] = at++->second;
			require(record.portid == pair.first && key_of(record.id) == pair.second &&
			        record.lost == count && record.reserved == 0);
		}
		// A cursor that is not 0 leads on to what is left; there may be nothing of this listener behind it.
		require((reply.header.cursor == 0) == (at == in_order.end()));
		if (at != in_order.end())
			require(reply.header.cursor < at->first && reply.header.cursor >= asked.cursor);
	}

	void add()
	{
		const Id id = any_id();
		const bool open = input_.below(2);
		const auto spec =
		    Registry<P>::check(id, "name", ignore, nullptr, CNX_KIND_ATOMIC, CNX_SENDER_ANYONE, open);
		const Shortage shortage(input_);
		const auto added = dispatcher_->registry().add(spec.value());
		const bool there = callbacks_.contains(key_of(id));
		if (!added)
			return require(added.error() == Error::exists ? there : shortage.happened());
		require(!there);
		callbacks_[key_of(id)] = {*added, open};
		const auto event = Control<P>::event(CNX_EVENT_REGISTERED, **added);
		require(event.op == CNX_EVENT_REGISTERED && key_of(event.id) == key_of(id) &&
		        std::string(event.name) == "name" && event.flags == 0);
	}

	void remove()
	{
		const auto found = callbacks_.find(key_of(any_id()));
		if (found == callbacks_.end())
			return;
		Callback<P> *entry = found->second.entry;
		require(dispatcher_->registry().remove({&entry, 1}).has_value());
		callbacks_.erase(found);
	}

	/// A socket closes, and another one gets its portid: sometimes before it has been forgotten, never after.
	void close()
	{
		const std::uint32_t portid = 1 + input_.below(static_cast<unsigned>(P::sockets.size()) - 1);
		P::sockets[portid]->closed = true;
		P::sockets[portid] = sockets_.emplace_back(std::make_unique<Endpoint>()).get();
		for (unsigned asked = input_.below(3); asked != 0; --asked)
			ask();
		const std::size_t gone = std::erase_if(subscribed_, [portid](const auto &s) {
			return s.first.second == portid && s.second.endpoint->closed;
		});
		const Shortage shortage(input_);
		const Status status = subscriptions_.remove_all(portid);
		require(status.has_value() == (gone != 0) && (status || status.error() == Error::no_entry));
		losses_.forget(portid);
		std::erase_if(lost_, [portid](const auto &lost) { return lost.first.first == portid; });
	}

	void lose()
	{
		const std::uint32_t portid = input_.below(static_cast<unsigned>(P::sockets.size()));
		const Id id = any_id();
		const auto count = input_.take<std::uint8_t>();
		const Shortage shortage(input_);
		const bool there = lost_.contains({portid, key_of(id)});
		if (!losses_.add(portid, id, count))
			return require(!there && shortage.happened());
		auto &lost = lost_[{portid, key_of(id)}];
		if (!there)
			lost.serial = ++lost_serial_;
		lost.count += count;
	}

	/// As a request does that may have few; the bounds of requests themselves are too far away to be met often.
	void crowd()
	{
		const std::uint32_t portid = input_.below(static_cast<unsigned>(P::sockets.size()));
		const std::size_t most = input_.below(8);
		const bool there = subscribed_.contains({7, portid});
		const Shortage shortage(input_);
		const Status added = subscriptions_.add(
		    {.group = 7, .portid = portid, .flags = 0, .endpoint = P::sockets[portid]}, most);
		if (there)
			return require(to_errno(added) == -EEXIST);
		if (subscribed_.size() >= most)
			return require(to_errno(added) == -ENOSPC);
		if (!added)
			return require(added.error() == Error::no_memory && shortage.happened());
		subscribed_[{7, portid}] = {0, P::sockets[portid]};
	}

	void check()
	{
		require(subscriptions_.size() == subscribed_.size());
		std::set<std::uint32_t> groups{0, 1, 2, 3, 7};
		for (const auto &[pair, subscription] : subscribed_)
			groups.insert(pair.first);
		for (const std::uint32_t group : groups) {
			const P::ReadGuard guard;
			const auto all = subscriptions_.of_group(guard, group);
			auto at = subscribed_.lower_bound({group, 0});
			for (const Subscription &subscription : all) {
				require(at != subscribed_.end() && at->first == std::pair(group, subscription.portid) &&
				        at->second.flags == subscription.flags &&
				        at->second.endpoint == subscription.endpoint);
				++at;
			}
			require(at == subscribed_.end() || at->first.first != group);
			require(all.empty() || subscriptions_.likely(group));
		}
		if (subscribed_.empty()) {
			for (std::uint32_t group = 0; group < 64; ++group)
				require(!subscriptions_.likely(group));
		}
	}

	struct Subscribed {
		std::uint32_t flags;
		Endpoint *endpoint;
	};

	Input input_;
	std::vector<std::unique_ptr<Endpoint>> sockets_;
	Owned<P, Dispatcher<P>> dispatcher_;
	Subscriptions<P> subscriptions_;
	Losses<P> losses_;
	Control<P> control_;
	std::map<std::uint64_t, Registered> callbacks_;
	std::map<std::pair<std::uint32_t, std::uint32_t>, Subscribed> subscribed_;
	std::map<std::pair<std::uint32_t, std::uint64_t>, Lost> lost_;
	std::uint64_t lost_serial_ = 0;
	std::array<std::array<std::uint64_t, CNX_COUNTERS>, P::cpus> counted_{};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const Fresh fresh;
	Player(Input(std::as_bytes(std::span(data, size)))).play();
	return 0;
}
