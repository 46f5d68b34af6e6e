// SPDX-License-Identifier: GPL-2.0-only
// The one C++ translation unit of cnx.ko: the core on the kernel's platform, and its entry points.
//
// One unit, because two that emit the same inline function cannot be linked into a module that keeps ftrace's and
// objtool's tables. Nothing here has a constructor that would have to run at load: the module loader runs none.
#include "batch.hpp"
#include "coalescing.hpp"
#include "platform.hpp"
#include "skb_pool.hpp"
#include "transport.hpp"

#include <cnx/core/control.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <string_view>

#include <cnx/runtime.hpp>

namespace cnx::kernel
{
namespace
{

using Entry = Callback<Platform>;

/// All of cnx between load and unload.
class Core
{
public:
	using Facts = Control<Platform>::Facts;

	[[nodiscard]] static Result<Owned<Platform, Core>> create(std::string_view version, unsigned pool_depth,
	                                                          std::size_t pool_bytes)
	{
		Facts facts{};
		std::copy_n(version.begin(), std::min(version.size(), facts.version.size() - 1), facts.version.begin());
		auto slots = CNX_TRY(Registry<Platform>::Calls::Slots::create());
		auto counters = CNX_TRY(Dispatcher<Platform>::GlobalCounters::create());
		auto pool = CNX_TRY(SkbPool::create(pool_depth, pool_bytes));
		auto core = CNX_TRY(
		    (Owned<Platform, Core>::create(std::move(slots), std::move(counters), std::move(pool), facts)));
		CNX_TRY(core->register_control());
		return core;
	}

	Core(Registry<Platform>::Calls::Slots &&slots, Dispatcher<Platform>::GlobalCounters &&counters, SkbPool &&pool,
	     const Facts &facts)
	    : dispatcher_(std::move(slots), std::move(counters)), pool_(std::move(pool)),
	      control_(dispatcher_, subscriptions_, losses_, facts),
	      transport_(dispatcher_, subscriptions_, losses_, pool_)
	{
	}
	Core(const Core &) = delete;
	Core &operator=(const Core &) = delete;

	void opened(std::uint32_t protocol, std::uint32_t groups) { control_.opened(protocol, groups); }

	[[nodiscard]] Dispatcher<Platform> &dispatcher() { return dispatcher_; }
	[[nodiscard]] Registry<Platform> &registry() { return dispatcher_.registry(); }
	[[nodiscard]] Transport &transport() { return transport_; }
	[[nodiscard]] SkbPool &pool() { return pool_; }

	[[nodiscard]] Result<Entry *> add(CallbackSpec spec, const std::optional<CoalescingLimits> &limits)
	{
		auto coalescing = Owned<Platform, Coalescing>::adopt(nullptr);
		if (limits) {
			coalescing = CNX_TRY(Coalescing::create(transport_, spec.id, *limits));
			spec.coalescing = coalescing.get();
		}
		Entry *const entry = CNX_TRY(registry().add(spec));
		// What remove() ends.
		static_cast<void>(std::move(coalescing).release());
		announce(Control<Platform>::event(CNX_EVENT_REGISTERED, *entry));
		return entry;
	}

	[[nodiscard]] Status remove(std::span<Entry *const> entries)
	{
		return registry().remove(entries, [this](const Entry &entry) {
			// No sender finds it any more; its end sends what waits.
			// SAFETY: add() put a Coalescing there, or nothing.
			static_cast<void>(
			    Owned<Platform, Coalescing>::adopt(static_cast<Coalescing *>(entry.coalescing())));
			announce(Control<Platform>::event(CNX_EVENT_UNREGISTERED, entry));
			if (cnx_k_tracing)
				cnx_k_trace_unregister(entry.id(), entry.name().data());
		});
	}

	/// Ends the batch, which has an skb.
	[[nodiscard]] int send(cnx_batch &batch, const cnx_destination *to)
	{
		Skb skb = Batch::finish(batch);
		if (!to)
			return to_errno(Error::invalid);
		if (batch.messages == 0)
			return -ENODATA;
		const bool may_sleep = batch.context == CNX_MAY_SLEEP;
		if (!batch.mixed)
			return transport_.send(std::move(skb), {batch.first, batch.messages}, *to, may_sleep);
		// Without memory for it, all of the messages count as the first one's.
		const auto manifest = skb.clone(may_sleep);
		return transport_.send(std::move(skb), {batch.first, batch.messages, manifest ? &*manifest : nullptr},
		                       *to, may_sleep);
	}

	void socket_closed(std::uint32_t portid)
	{
		// Most sockets had no subscription.
		static_cast<void>(subscriptions_.remove_all(portid));
		losses_.forget(portid);
	}

	[[gnu::always_inline]] void receive(std::span<const std::byte> bytes, const cnx_sender &sender)
	{
		dispatcher_.receive(bytes, sender, [&](const NetlinkMessage &message, Outcome outcome) {
			acknowledge(message.start, outcome, sender);
		});
	}

private:
	/// A reply fits an skb of two pages with its overhead; longer listings go on by cursor.
	static constexpr std::size_t reply_room = 7 * 1024;

	[[gnu::noinline]] void acknowledge(const std::byte *message, Outcome outcome, const cnx_sender &sender)
	{
		dispatcher_.counters().add(CNX_ACKNOWLEDGED);
		cnx_k_answer(sender.skb, message, outcome.status, explain(outcome.counted));
	}

	[[nodiscard]] Status register_control()
	{
		CallbackSpec spec{.id = control_id,
		                  .kind = Kind::sleepable,
		                  .capability = no_capability, // each request is judged by itself
		                  .open_to_listeners = false,
		                  .function = on_control,
		                  .context = this,
		                  .name = {"cnx_control"}};
		CNX_TRY(registry().add(spec));
		return {};
	}

	static int on_control(void *context, const cnx_message *message, const cnx_sender *sender)
	{
		// SAFETY: the context is what register_control() gave, and the registry ends before the core does.
		return static_cast<Core *>(context)->control(*message, *sender);
	}

	[[nodiscard]] int control(const cnx_message &request, const cnx_sender &sender)
	{
		struct Buffer {
			std::array<std::byte, reply_room> bytes;
		};
		auto buffer = Owned<Platform, Buffer>::create();
		if (!buffer)
			return to_errno(buffer.error());
		const auto used = control_.answer(request, sender, (*buffer)->bytes);
		if (!used)
			return to_errno(used.error());
		// A driver may ask too, and has no socket to answer to.
		if (sender.portid == 0)
			return 0;
		const cnx_message reply{.id = control_id,
		                        .seq = request.seq,
		                        .ack = request.ack + 1,
		                        .flags = 0,
		                        .length = static_cast<std::uint16_t>(*used),
		                        .payload = (*buffer)->bytes.data()};
		cnx_destination to{};
		to.net = sender.net;
		to.portid = sender.portid;
		// Who asked asks again if he has no room, so this is no loss of his; and he must not wait here for
		// himself to make room.
		to.lossless = true;
		const int status = transport_.send(reply, to, false);
		if (status != 0) {
			dispatcher_.counters().add(CNX_DROP_ANSWER);
			Platform::observe_drop(CNX_DROP_ANSWER);
		}
		return status;
	}

	void announce(const cnx_event &event)
	{
		const cnx_message message{.id = control_id,
		                          .seq = events_.fetch_add(1, std::memory_order_relaxed) + 1,
		                          .ack = 0,
		                          .flags = 0,
		                          .length = sizeof(event),
		                          .payload = &event};
		cnx_destination to{};
		to.group = CNX_CONTROL_IDX;
		{
			const Platform::ReadGuard guard;
			if (subscriptions_.of_group(guard, CNX_CONTROL_IDX).empty())
				return;
		}
		// A subscriber that cannot take the event is told by its own socket (ENOBUFS), and it is counted.
		static_cast<void>(transport_.send(message, to, true));
	}

	Dispatcher<Platform> dispatcher_;
	SkbPool pool_;
	Subscriptions<Platform> subscriptions_;
	Losses<Platform> losses_;
	Control<Platform> control_;
	Transport transport_;
	std::atomic<std::uint32_t> events_{0};
};

/// What linux/err.h calls ERR_PTR() and IS_ERR().
[[nodiscard]] cnx_callback *error_pointer(Error error)
{
	// SAFETY: the last 4095 addresses are no object's, and stand for errors.
	return reinterpret_cast<cnx_callback *>(static_cast<std::intptr_t>(to_errno(error)));
}
[[nodiscard]] bool is_error(const Entry *entry)
{
	// SAFETY: only reads the address.
	return reinterpret_cast<std::uintptr_t>(entry) >= static_cast<std::uintptr_t>(-4095);
}

// Written by init and exit, when nobody else is there; read by everyone between them.
constinit Core *core = nullptr;

} // namespace

extern "C" {

int cnx_core_init(const char *version, unsigned int pool_depth, unsigned int pool_bytes)
{
	auto created = Core::create(version, pool_depth, pool_bytes);
	if (!created)
		return to_errno(created.error());
	core = std::move(*created).release();
	return 0;
}

void cnx_core_exit(void)
{
	// What was retired is reclaimed by code of this module, which is about to go.
	static_cast<void>(Owned<Platform, Core>::adopt(std::exchange(core, nullptr)));
	Platform::flush_retired();
}

void cnx_core_opened(__u32 protocol, __u32 groups)
{
	core->opened(protocol, groups);
}

void cnx_core_pool_refill_begins(void)
{
	core->pool().refill_begins();
}

bool cnx_core_pool_fill(unsigned int cpu)
{
	return core->pool().fill(cpu, core->dispatcher().counters());
}

unsigned int cnx_core_pool_drain(unsigned int cpu, unsigned int most)
{
	return core->pool().drain(cpu, most);
}

unsigned int cnx_core_pool_size(void)
{
	return core->pool().size();
}

void cnx_core_receive(sk_buff *skb, const void *bytes, __kernel_size_t size, net *net, cnx_k_origin origin)
{
	const cnx_sender sender{
	    .pid = origin.pid, .uid = origin.uid, .gid = origin.gid, .portid = origin.portid, .net = net, .skb = skb};
	// SAFETY: the caller's skb is linear and has `size` bytes at `bytes` until this returns.
	core->receive({static_cast<const std::byte *>(bytes), size}, sender);
}

void cnx_core_socket_closed(__u32 portid)
{
	core->socket_closed(portid);
}

bool cnx_core_group_is_open(__u32 group)
{
	return core->registry().open_to_listeners(group);
}

bool cnx_core_next_callback(__u64 after, cnx_callback_record *record)
{
	bool found = false;
	core->registry().visit_after(after, [&](const Entry &entry) {
		if (found)
			return false;
		*record = entry.record();
		found = true;
		return true;
	});
	return found;
}

// What drivers call; see cnx/driver.h.

cnx_callback *cnx_register(const cnx_registration *registration)
{
	if (!registration)
		return error_pointer(Error::invalid);
	const auto spec = Registry<Platform>::check(registration->id, registration->name, registration->callback,
	                                            registration->context, registration->kind, registration->sender,
	                                            registration->open_to_listeners);
	if (!spec)
		return error_pointer(spec.error());
	if (key_of(spec->id) == key_of(control_id))
		return error_pointer(Error::invalid);
	const auto limits = Coalescing::check(registration->coalescing);
	if (!limits)
		return error_pointer(limits.error());
	const auto entry = core->add(*spec, *limits);
	if (!entry)
		return error_pointer(entry.error());
	if (cnx_k_tracing)
		cnx_k_trace_register(spec->id, spec->name.data());
	// SAFETY: a cnx_callback is an Entry under an opaque name, undone by cnx_unregister_all() alone.
	return reinterpret_cast<cnx_callback *>(*entry);
}

int cnx_unregister_all(cnx_callback *const *callbacks, __kernel_size_t count)
{
	if (!callbacks && count != 0)
		return to_errno(Error::invalid);
	// SAFETY: cnx_callback and Entry are one type under two names, so an array of pointers to one is an array of
	// pointers to the other.
	const std::span entries(reinterpret_cast<Entry *const *>(callbacks), count);
	if (std::any_of(entries.begin(), entries.end(), [](const Entry *entry) { return !entry || is_error(entry); }))
		return to_errno(Error::invalid);
	return entries.empty() ? 0 : to_errno(core->remove(entries));
}

int cnx_unregister(cnx_callback *callback)
{
	return cnx_unregister_all(&callback, 1);
}

int cnx_send(const cnx_message *message, const cnx_destination *to, cnx_context context)
{
	if (!message || !to) [[unlikely]]
		return to_errno(Error::invalid);
	return core->transport().send(*message, *to, context == CNX_MAY_SLEEP);
}

int cnx_dispatch(const cnx_message *message)
{
	if (!message || (message->length && !message->payload)) [[unlikely]]
		return to_errno(Error::invalid);
	if (sizeof(cnx_msg) + message->length > CNX_MAX_MESSAGE) [[unlikely]]
		return to_errno(Error::too_large);
	return core->dispatcher().dispatch(*message).status;
}

int cnx_batch_begin(cnx_batch *batch, __kernel_size_t capacity, cnx_context context)
{
	return batch ? to_errno(Batch::begin(*batch, capacity, context, core->transport())) : to_errno(Error::invalid);
}

int cnx_batch_send(cnx_batch *batch, const cnx_destination *to)
{
	if (!batch || !batch->skb)
		return to_errno(Error::invalid);
	return core->send(*batch, to);
}

void cnx_batch_cancel(cnx_batch *batch)
{
	if (batch && batch->skb)
		static_cast<void>(Batch::finish(*batch));
}
}

} // namespace cnx::kernel
