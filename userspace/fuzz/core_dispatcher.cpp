// SPDX-License-Identifier: GPL-2.0-only
// The dispatcher and the registry, driven by a program: callbacks come and go, also from inside of callbacks and during
// the grace periods of others, and datagrams and drivers' messages reach them. A model, which knows nothing but a map,
// says of each message which callback it must reach and what its sender must be told, and of each operation its result.
#include "fuzz/reference.hpp"
#include "fuzz/world.hpp"

#include <cnx/core/dispatcher.hpp>

#include <cerrno>
#include <list>
#include <map>
#include <optional>
#include <string>

using namespace cnx;
using namespace cnx::fuzz;

namespace
{

using Entry = Callback<P>;

class Player;

/// What the model knows of a callback.
struct Model {
	enum class State { live, leaving, gone };

	Player &player;
	Id id;
	Kind kind;
	int capability; // -1: none is asked for
	bool open;
	std::string name;
	int status; // what it returns
	bool plays; // whether it does more than return
	std::uint64_t serial;
	State state = State::live;
	Entry *entry = nullptr;
	unsigned running = 0;
	std::uint64_t received = 0;
	std::uint64_t refused = 0;
	std::uint64_t failed = 0;
};

/// Who is told what of which message.
struct Told {
	std::size_t offset; // of the message in the datagram
	int status;

	friend bool operator==(const Told &, const Told &) = default;
};

/// A datagram, or a driver's message, on its way, as the model sees it. The model goes on to the next message that must
/// reach a callback when a callback is called, and not before: only callbacks change what it knows meanwhile.
struct Delivery {
	std::span<const std::byte> bytes;
	std::vector<reference::Message> messages;
	cnx_sender sender;
	bool from_driver;
	std::size_t next = 0;
	std::vector<Told> told{};
};

class Player
{
public:
	explicit Player(Input input) : input_(input), dispatcher_(Dispatcher<P>::create().value())
	{
		replica::Hooks::grant = granted;
		Alone::meanwhile = [this] { grace_period(); };
	}

	~Player()
	{
		Alone::meanwhile = nullptr;
		replica::Hooks::grant = nullptr;
	}

	void play()
	{
		while (!input_.empty())
			step();
		check();
	}

	int called(Model &model, const cnx_message &message, const cnx_sender &sender)
	{
		require(model.state == Model::State::live && !deliveries_.empty());
		Delivery &delivery = *deliveries_.back();
		const auto *const expected = go_on(delivery);
		require(expected && find(expected->message.id) == &model);
		require(Alone::read_ongoing() == (model.kind == Kind::atomic || guarded_ != 0));
		check_message(delivery, *expected, message, sender);
		++model.received;
		++model.running;
		if (model.plays)
			play_within(4);
		--model.running;
		// Its own removal would have been a deadlock.
		require(model.state == Model::State::live);
		if (model.status < 0)
			++model.failed;
		settle(delivery, *expected, model.status < 0 ? model.status : 0,
		       model.status < 0       ? CNX_DROP_FAILED
		       : delivery.from_driver ? CNX_DISPATCHED
		                              : CNX_RECEIVED);
		return model.status;
	}

private:
	enum class Op : std::uint8_t { Register, Unregister, Receive, Build, Dispatch, Guard, Grant, Move, Check };
	static constexpr unsigned ops = 9;
	static constexpr unsigned deepest = 4;
	static inline std::uint64_t capabilities = 0;

	static bool granted(const cnx_sender &, int capability)
	{
		return capability >= 0 && capability < 64 && (capabilities >> capability & 1);
	}

	static Id id_of(std::uint8_t number) { return number == 0xff ? control_id : Id{number & 3u, number >> 2 & 3u}; }

	/// What others do while somebody waits. From here on nobody finds what is being removed.
	void grace_period()
	{
		if (const auto *const chosen = std::exchange(removing_, nullptr)) {
			for (Model *const model : *chosen)
				model->state = Model::State::leaving;
		}
		play_within(4);
	}

	/// Some more steps, from inside of a callback or of a grace period.
	void play_within(unsigned most)
	{
		if (depth_ == deepest)
			return;
		++depth_;
		for (unsigned steps = input_.below(most); steps != 0 && !input_.empty(); --steps)
			step();
		--depth_;
	}

	void step()
	{
		switch (static_cast<Op>(input_.below(ops))) {
		case Op::Register:
			return add();
		case Op::Unregister:
			return remove();
		case Op::Receive:
			return receive(take_copy(input_.take<std::uint16_t>() % 2048));
		case Op::Build:
			return receive(build());
		case Op::Dispatch:
			return dispatch();
		case Op::Guard:
			return guard();
		case Op::Grant:
			capabilities = std::uint64_t{1} << 12 | input_.take<std::uint64_t>();
			if (input_.below(2) == 0)
				capabilities = 0;
			return;
		case Op::Move:
			P::running_on = input_.below(P::cpus);
			return;
		case Op::Check:
			return check();
		}
	}

	Model *find(Id id)
	{
		for (auto &model : models_) {
			if (model.state == Model::State::live && key_of(model.id) == key_of(id))
				return &model;
		}
		return nullptr;
	}

	std::vector<std::byte> take_copy(std::size_t count)
	{
		const auto bytes = input_.take_bytes(count);
		return {bytes.begin(), bytes.end()};
	}

	// What registering may sleep for forbids it in a read section.
	void add()
	{
		const Id id = id_of(input_.take<std::uint8_t>());
		const int kind = static_cast<int>(input_.below(3));
		const int sender = input_.take<std::int8_t>();
		const auto bytes = input_.take_bytes(input_.below(40));
		const auto traits = input_.take<std::uint8_t>();
		const int status = input_.take<std::int8_t>();
		if (Alone::read_ongoing())
			return;
		std::string name(bytes.size(), '\0');
		for (std::size_t i = 0; i < bytes.size(); ++i)
			name[i] = static_cast<char>(bytes[i]);
		name = name.c_str();
		const bool open = traits & 1;
		const bool without_function = traits >> 2 == 0x3f;
		const bool without_name = traits >> 2 == 0x3e;
		Model &model =
		    models_.emplace_back(Model{.player = *this,
		                               .id = id,
		                               .kind = kind == CNX_KIND_SLEEPABLE ? Kind::sleepable : Kind::atomic,
		                               .capability = sender == CNX_SENDER_ANYONE      ? -1
		                                             : sender == CNX_SENDER_NET_ADMIN ? 12
		                                                                              : sender - 1,
		                               .open = open,
		                               .name = name,
		                               .status = status,
		                               .plays = (traits & 2) != 0,
		                               .serial = serial_ + 1,
		                               .state = Model::State::gone});
		const auto spec = Registry<P>::check(id, without_name ? nullptr : name.c_str(),
		                                     without_function ? nullptr : run, &model, kind, sender, open);
		const bool sound = !without_function && !without_name && kind <= int{CNX_KIND_SLEEPABLE} &&
		                   sender >= -1 && sender <= 41 && !name.empty() && name.size() < CNX_NAME_SIZE;
		require(spec.has_value() == sound);
		if (!spec)
			return;
		const bool exists = find(id) != nullptr;
		const Shortage shortage(input_);
		const auto added = registry().add(*spec);
		if (!added) {
			require(added.error() == Error::exists
			            ? exists
			            : added.error() == Error::no_memory && shortage.happened());
			return;
		}
		require(!exists);
		model.state = Model::State::live;
		model.entry = *added;
		++serial_;
		require((*added)->serial() == serial_ && (*added)->kind() == model.kind &&
		        (*added)->capability() == model.capability && (*added)->open_to_listeners() == open);
	}

	/// Those that are there, or on their way out: the entries of others are no longer anybody's to name.
	Model *any()
	{
		std::vector<Model *> all;
		for (auto &model : models_) {
			if (model.state != Model::State::gone)
				all.push_back(&model);
		}
		return all.empty() ? nullptr : all[input_.below(static_cast<unsigned>(all.size()))];
	}

	void remove()
	{
		std::vector<Model *> chosen;
		for (unsigned left = 1 + input_.below(3); left != 0; --left) {
			if (Model *const model = any())
				chosen.push_back(model);
		}
		if (chosen.empty())
			return;
		std::vector<Entry *> entries;
		bool deadlock = Alone::read_ongoing();
		bool invalid = false;
		for (std::size_t i = 0; i < chosen.size(); ++i) {
			entries.push_back(chosen[i]->entry);
			deadlock |= chosen[i]->running != 0;
			invalid |= chosen[i]->state == Model::State::leaving ||
			           std::find(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(i),
			                     chosen[i]) != chosen.begin() + static_cast<std::ptrdiff_t>(i);
		}
		removing_ = &chosen;
		std::size_t gone = 0;
		const Shortage shortage(input_);
		const Status status = registry().remove(entries, [&](const Entry &entry) {
			require(gone < chosen.size() && &entry == entries[gone]);
			check_record(*chosen[gone], entry.record());
			chosen[gone++]->state = Model::State::gone;
		});
		removing_ = nullptr;
		require(to_errno(status) == (deadlock ? -EDEADLK : invalid ? -EINVAL : 0));
		require(gone == (status ? chosen.size() : 0));
	}

	/// A datagram of messages for those who may be there.
	std::vector<std::byte> build()
	{
		std::vector<std::byte> bytes;
		for (unsigned left = input_.below(8); left != 0; --left) {
			const auto traits = input_.take<std::uint8_t>();
			cnx_msg message{.id = id_of(input_.take<std::uint8_t>()),
			                .seq = input_.take<std::uint8_t>(),
			                .ack = traits,
			                .len = 0,
			                .flags = traits};
			const auto payload = input_.take_bytes(input_.below(20));
			message.len = static_cast<std::uint16_t>(payload.size());
			NetlinkHeader header{static_cast<std::uint32_t>(16 + sizeof(message) + payload.size()),
			                     netlink_type_done, static_cast<std::uint16_t>(traits & 7), message.seq, 0};
			if (traits >> 3 == 1)
				header.type = netlink_type_noop;
			if (traits >> 3 == 2)
				header.length = input_.take<std::uint8_t>();
			if (traits >> 3 == 3)
				message.len = input_.take<std::uint8_t>();
			const auto at = bytes.size();
			bytes.resize(at + netlink_align(16 + sizeof(message) + payload.size()));
			std::memcpy(&bytes[at], &header, 16);
			std::memcpy(&bytes[at + 16], &message, sizeof(message));
			if (!payload.empty())
				std::memcpy(&bytes[at + 16 + sizeof(message)], payload.data(), payload.size());
		}
		return bytes;
	}

	// A datagram comes in process context.
	void receive(const std::vector<std::byte> &bytes)
	{
		const auto who = input_.take<std::uint8_t>();
		if (Alone::read_ongoing())
			return;
		auto understood = reference::understand(bytes);
		Delivery delivery{
		    .bytes = bytes,
		    .messages = std::move(understood.messages),
		    .sender = {.pid = who, .uid = who & 1u, .gid = 0, .portid = who, .net = nullptr, .skb = nullptr},
		    .from_driver = false};
		std::vector<Told> told;
		deliveries_.push_back(&delivery);
		dispatcher_->receive(
		    bytes, delivery.sender, [&](const NetlinkMessage &message, const Outcome &outcome) {
			    told.push_back({static_cast<std::size_t>(message.start - bytes.data()), outcome.status});
		    });
		require(!go_on(delivery));
		deliveries_.pop_back();
		if (understood.end != CNX_RECEIVED)
			++counters_[understood.end];
		require(told == delivery.told);
	}

	void dispatch()
	{
		const auto bytes = take_copy(input_.below(20));
		const cnx_message message{.id = id_of(input_.take<std::uint8_t>()),
		                          .seq = input_.take<std::uint8_t>(),
		                          .ack = 0,
		                          .flags = 7,
		                          .length = static_cast<std::uint16_t>(bytes.size()),
		                          .payload = bytes.data()};
		// As if it had come in a datagram that asks for an answer.
		const reference::Message alone{
		    .offset = 0,
		    .length = 0,
		    .type = netlink_type_done,
		    .flags = netlink_flag_ack,
		    .seq = 0,
		    .portid = 0,
		    .body = CNX_RECEIVED,
		    .message = {message.id, message.seq, message.ack, message.length, message.flags}};
		Delivery delivery{.bytes = bytes, .messages = {alone}, .sender = {}, .from_driver = true};
		const bool interrupted = std::exchange(P::interrupted, P::interrupted || input_.below(4) == 0);
		deliveries_.push_back(&delivery);
		const Outcome outcome = dispatcher_->dispatch(message);
		require(!go_on(delivery));
		deliveries_.pop_back();
		P::interrupted = interrupted;
		require(delivery.told.size() == 1 && delivery.told[0].status == outcome.status);
	}

	/// Some steps inside of a read section, and what is found at its start stays there until its end.
	void guard()
	{
		const P::ReadGuard guard;
		++guarded_;
		const Id id = id_of(input_.take<std::uint8_t>());
		const Entry *const found = registry().find(guard, id);
		require(found == (find(id) ? find(id)->entry : nullptr));
		play_within(4);
		if (found)
			require(key_of(found->id()) == key_of(id) && found->serial() <= serial_);
		--guarded_;
	}

	/// The next message that must reach a callback; what becomes of those before it is settled. nullptr: none is
	/// left.
	const reference::Message *go_on(Delivery &delivery)
	{
		for (; delivery.next < delivery.messages.size(); ++delivery.next) {
			const auto &message = delivery.messages[delivery.next];
			if (message.type == netlink_type_noop)
				continue;
			if (message.body != CNX_RECEIVED) {
				const int status = message.body == CNX_DROP_TOO_LARGE ? -EMSGSIZE : -EBADMSG;
				settle(delivery, message, status, message.body);
				continue;
			}
			Model *const model = find(message.message.id);
			if (!model) {
				settle(delivery, message, -ENODEV, CNX_DROP_UNKNOWN_ID);
			} else if (delivery.from_driver && model->kind == Kind::sleepable &&
			           (Alone::read_ongoing() || P::interrupted)) {
				settle(delivery, message, -EAGAIN, CNX_DROP_WOULD_BLOCK);
			} else if (!delivery.from_driver && model->capability >= 0 && delivery.sender.uid != 0 &&
			           !granted(delivery.sender, model->capability)) {
				++model->refused;
				settle(delivery, message, -EPERM, CNX_DROP_NOT_PERMITTED);
			} else {
				return &delivery.messages[delivery.next++];
			}
		}
		return nullptr;
	}

	void settle(Delivery &delivery, const reference::Message &message, int status, cnx_counter counted)
	{
		++counters_[counted];
		if (message.flags & 4 || (message.flags & 1 && status != 0))
			delivery.told.push_back({message.offset, status});
	}

	static void check_message(const Delivery &delivery, const reference::Message &expected,
	                          const cnx_message &message, const cnx_sender &sender)
	{
		require(message.id.idx == expected.message.id.idx && message.id.val == expected.message.id.val &&
		        message.seq == expected.message.seq && message.ack == expected.message.ack &&
		        message.length == expected.message.len && message.flags == expected.message.flags);
		require(message.payload == delivery.bytes.data() + (delivery.from_driver ? 0 : expected.payload()));
		require(sender.portid == delivery.sender.portid && sender.uid == delivery.sender.uid &&
		        sender.pid == delivery.sender.pid);
	}

	static void check_record(const Model &model, const cnx_callback_record &record)
	{
		require(key_of(record.id) == key_of(model.id) && record.serial == model.serial &&
		        record.capability == model.capability && record.received == model.received &&
		        record.refused == model.refused && record.failed == model.failed && model.name == record.name);
		require(record.flags == (model.kind == Kind::sleepable ? CNX_CALLBACK_SLEEPABLE : 0));
	}

	/// What the core shows of itself is what the model knows.
	void check()
	{
		// Its lock is one that may not be taken in a read section.
		if (Alone::read_ongoing())
			return;
		for (const auto &[counter, count] : counters_)
			require(dispatcher_->counters().sum(counter) == count);
		std::vector<const Model *> live;
		for (const auto &model : models_) {
			if (model.state == Model::State::live)
				live.push_back(&model);
		}
		std::sort(live.begin(), live.end(),
		          [](const Model *one, const Model *other) { return one->serial < other->serial; });
		require(registry().size() == live.size());
		const auto after = input_.take<std::uint8_t>();
		auto next =
		    std::find_if(live.begin(), live.end(), [after](const Model *m) { return m->serial > after; });
		require(registry().visit_after(after, [&](const Entry &entry) {
			require(next != live.end() && &entry == (*next)->entry);
			check_record(**next++, entry.record());
			return true;
		}));
		require(next == live.end());
		for (std::uint8_t number = 0; number < 16; ++number) {
			const P::ReadGuard guard;
			Model *const model = find(id_of(number));
			require(registry().find(guard, id_of(number)) == (model ? model->entry : nullptr));
		}
		for (std::uint32_t idx = 0; idx < 4; ++idx) {
			bool some = false;
			bool all = true;
			for (const Model *const model : live) {
				if (model->id.idx == idx) {
					some = true;
					all = all && model->open;
				}
			}
			require(registry().open_to_listeners(idx) == (some && all));
		}
	}

	static int run(void *context, const cnx_message *message, const cnx_sender *sender)
	{
		// SAFETY: add() registers this function with the address of a Model, which lives as long as its player.
		auto &model = *static_cast<Model *>(context);
		return model.player.called(model, *message, *sender);
	}

	Registry<P> &registry() { return dispatcher_->registry(); }

	Input input_;
	// Before the dispatcher, whose callbacks point into it.
	std::list<Model> models_;
	Owned<P, Dispatcher<P>> dispatcher_;
	std::map<cnx_counter, std::uint64_t> counters_;
	std::vector<Delivery *> deliveries_;
	const std::vector<Model *> *removing_ = nullptr;
	std::uint64_t serial_ = 0;
	unsigned depth_ = 0;
	unsigned guarded_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const Fresh fresh;
	Player(Input(std::as_bytes(std::span(data, size)))).play();
	return 0;
}
