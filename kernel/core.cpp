// SPDX-License-Identifier: GPL-2.0-only
// The one C++ translation unit of cnx.ko: the core on the kernel's platform, and its entry points.
//
// One unit, because two that emit the same inline function cannot be linked into a module that keeps ftrace's and
// objtool's tables. Nothing here has a constructor that would have to run at load: the module loader runs none.
#include "core.hpp"
#include "deferral.hpp"

#include <algorithm>
#include <atomic>
#include <span>

#include <cnx/runtime.hpp>

namespace cnx::kernel
{
namespace
{

/// What linux/err.h calls ERR_PTR() and IS_ERR().
template <typename Object>
[[nodiscard]] Object *error_pointer(Error error)
{
	// SAFETY: the last 4095 addresses are no object's, and stand for errors.
	return reinterpret_cast<Object *>(static_cast<std::intptr_t>(to_errno(error)));
}
[[nodiscard]] bool is_error(const Registered *registered)
{
	// SAFETY: only reads the address.
	return reinterpret_cast<std::uintptr_t>(registered) >= static_cast<std::uintptr_t>(-4095);
}

// Both written by init and exit, when nobody else is there; read by everyone between them.
constinit Core *core = nullptr;
constinit Connector *initial = nullptr; // the initial namespace's
// The same while cnx is open.
constinit std::atomic<Connector *> receiving = nullptr;

// SAFETY: a cnx_connector is a Connector under an opaque name.
[[nodiscard]] Connector *from_opaque(cnx_connector *connector)
{
	return reinterpret_cast<Connector *>(connector);
}
// SAFETY: as above.
[[nodiscard]] cnx_connector *to_opaque(Connector *connector)
{
	return reinterpret_cast<cnx_connector *>(connector);
}

// SAFETY: as above, of a cnx_listener and a Listener.
[[nodiscard]] Listener *from_opaque(cnx_listener *listener)
{
	return reinterpret_cast<Listener *>(listener);
}

/// What an entry point was handed.
[[nodiscard, gnu::always_inline]] inline std::span<const std::byte> datagram_at(const void *bytes, __kernel_size_t size)
{
	CNX_UNSAFE_BUFFERS_BEGIN
	// SAFETY: the caller's skb is linear and has `size` bytes at `bytes` until the entry point returns.
	return {static_cast<const std::byte *>(bytes), size};
	CNX_UNSAFE_BUFFERS_END
}

/// nullptr: cnx has no socket in that namespace.
[[nodiscard, gnu::always_inline]] inline Connector *connector_of(const net *space)
{
	return !space || space == &init_net ? initial : from_opaque(cnx_k_connector_of(space));
}

} // namespace

extern "C" {

int cnx_core_init(const char *version, unsigned int pool_depth, unsigned int pool_bytes)
{
	auto created = Core::create(version, pool_depth, pool_bytes);
	if (!created)
		return to_errno(created.error());
	const auto connector = (*created)->open();
	if (!connector)
		return to_errno(connector.error());
	core = std::move(*created).release();
	initial = *connector;
	return 0;
}

void cnx_core_exit(void)
{
	core->close(std::exchange(initial, nullptr));
	// What was retired is reclaimed by code of this module, which is about to go.
	static_cast<void>(Owned<Platform, Core>::adopt(std::exchange(core, nullptr)));
	Platform::flush_retired();
}

void cnx_core_open(bool open)
{
	receiving.store(open ? initial : nullptr, std::memory_order_release);
}

bool cnx_core_is_open(void)
{
	return receiving.load(std::memory_order_acquire) != nullptr;
}

cnx_connector *cnx_core_initial(void)
{
	return to_opaque(initial);
}

cnx_connector *cnx_core_connector_create(void)
{
	const auto connector = core->open();
	return connector ? to_opaque(*connector) : nullptr;
}

void cnx_core_connector_close(cnx_connector *connector)
{
	core->close(from_opaque(connector));
}

void cnx_core_connector_opened(cnx_connector *connector, sock *kernel, __u32 protocol, __u32 groups, bool alone)
{
	from_opaque(connector)->opened(kernel, protocol, groups, alone);
}

void cnx_core_pool_refill_begins(void)
{
	core->pool().refill_begins();
}

bool cnx_core_pool_fill(unsigned int cpu)
{
	return core->pool().fill(cpu, initial->dispatcher().counters());
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
	if (Connector *const connector = receiving.load(std::memory_order_acquire)) [[likely]]
		connector->receive(datagram_at(bytes, size), sender);
}

void cnx_core_receive_by(cnx_connector *connector, sk_buff *skb, const void *bytes, __kernel_size_t size, net *net,
                         cnx_k_origin origin)
{
	const cnx_sender sender{
	    .pid = origin.pid, .uid = origin.uid, .gid = origin.gid, .portid = origin.portid, .net = net, .skb = skb};
	from_opaque(connector)->receive(datagram_at(bytes, size), sender);
}

void cnx_core_socket_closed(cnx_connector *connector, __u32 portid)
{
	from_opaque(connector)->socket_closed(portid);
}

#ifdef CONFIG_PREEMPT_RT
void cnx_core_send_deferred(cnx_k_note *note)
{
	Deferral::deliver(*note);
	core->notes().give(*note);
}
#endif

bool cnx_core_group_is_open(cnx_connector *connector, __u32 group)
{
	return from_opaque(connector)->registry().open_to_listeners(group);
}

bool cnx_core_next_callback(cnx_connector *connector, __u64 after, cnx_callback_record *record)
{
	bool found = false;
	from_opaque(connector)->registry().visit_after(after, [&](const Entry &entry) {
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
		return error_pointer<cnx_callback>(Error::invalid);
	const auto spec = Registry<Platform>::check(registration->id, registration->name, registration->callback,
	                                            registration->context, static_cast<int>(registration->kind),
	                                            registration->sender, registration->open_to_listeners);
	if (!spec)
		return error_pointer<cnx_callback>(spec.error());
	if (key_of(spec->id) == key_of(control_id))
		return error_pointer<cnx_callback>(Error::invalid);
	const auto limits = Coalescing::check(registration->coalescing);
	if (!limits)
		return error_pointer<cnx_callback>(limits.error());
	if (registration->scope != CNX_INITIAL_NAMESPACE && registration->scope != CNX_EVERY_NAMESPACE)
		return error_pointer<cnx_callback>(Error::invalid);
	const auto registered = core->add(*spec, *limits, registration->scope, *initial);
	if (!registered)
		return error_pointer<cnx_callback>(registered.error());
	if (cnx_k_tracing)
		cnx_k_trace_register(spec->id, spec->name.data());
	// SAFETY: a cnx_callback is a Registered under an opaque name, undone by cnx_unregister_all() alone.
	return reinterpret_cast<cnx_callback *>(*registered);
}

int cnx_unregister_all(cnx_callback *const *callbacks, __kernel_size_t count)
{
	if (!callbacks && count != 0)
		return to_errno(Error::invalid);
	// SAFETY: cnx_callback and Registered are one type under two names, so an array of pointers to one is an array
	// of pointers to the other.
	CNX_UNSAFE_BUFFERS_BEGIN
	const std::span all(reinterpret_cast<Registered *const *>(callbacks), count);
	CNX_UNSAFE_BUFFERS_END
	if (std::any_of(all.begin(), all.end(), [](const Registered *each) { return !each || is_error(each); }))
		return to_errno(Error::invalid);
	if (all.empty())
		return 0;
	// What was put off is to find its callback.
	if (!Deferral::needed())
		Deferral::settle();
	return to_errno(core->remove(all));
}

int cnx_unregister(cnx_callback *callback)
{
	return cnx_unregister_all(&callback, 1);
}

int cnx_send(const cnx_message *message, const cnx_destination *to, cnx_context context)
{
	if (!message || !to) [[unlikely]]
		return to_errno(Error::invalid);
	Connector *const connector = connector_of(to->net);
	if (!connector) [[unlikely]]
		return -ESRCH;
	if (Deferral::needed()) [[unlikely]]
		return Deferral(core->notes()).send(*connector, *message, *to);
	Deferral::settle();
	return connector->transport().send(*message, *to, context == CNX_MAY_SLEEP);
}

cnx_listener *cnx_listener_create(const cnx_sender *sender, const cnx_listening *listening)
{
	Connector *const connector = sender && sender->skb ? connector_of(sender->net) : nullptr;
	if (!connector || !listening || !listening->closed)
		return error_pointer<cnx_listener>(Error::invalid);
	const auto listener =
	    connector->listeners().add({sender->portid, cnx_k_sender_socket(sender->skb)}, *listening);
	// SAFETY: a cnx_listener is a Listener under an opaque name, undone by from_opaque() alone.
	return listener ? reinterpret_cast<cnx_listener *>(*listener) : error_pointer<cnx_listener>(listener.error());
}

void cnx_listener_destroy(cnx_listener *listener)
{
	Listeners::remove(from_opaque(listener));
}

int cnx_listeners_send(cnx_listener *const *listeners, __kernel_size_t count, const cnx_message *message,
                       cnx_context context)
{
	// SAFETY: a cnx_listener is a Listener under an opaque name, and so is an array of their addresses, which has
	// as many as the driver says.
	CNX_UNSAFE_BUFFERS_BEGIN
	const std::span all(reinterpret_cast<Listener *const *>(listeners), count);
	CNX_UNSAFE_BUFFERS_END
	if (Deferral::needed()) [[unlikely]]
		return Deferral(core->notes()).send(all, *message);
	Deferral::settle();
	return Listener::send(all, *message, context == CNX_MAY_SLEEP);
}

void cnx_listener_barrier(void)
{
	cnx_k_wait_for_closing();
}

int cnx_answer(const cnx_sender *sender, const cnx_message *answer, __u32 group)
{
	Connector *const connector = sender && sender->skb ? connector_of(sender->net) : nullptr;
	if (!connector || !answer) [[unlikely]]
		return to_errno(Error::invalid);
	if (Deferral::needed()) [[unlikely]]
		return Deferral(core->notes()).answer(*connector, *sender, *answer, group);
	Deferral::settle();
	return connector->answer(*sender, *answer, group);
}

int cnx_dispatch(const cnx_message *message)
{
	if (!message || (message->length && !message->payload)) [[unlikely]]
		return to_errno(Error::invalid);
	if (sizeof(cnx_msg) + message->length > CNX_MAX_MESSAGE) [[unlikely]]
		return to_errno(Error::too_large);
	return initial->dispatcher().dispatch(*message).status;
}

int cnx_batch_begin(cnx_batch *batch, __kernel_size_t capacity, cnx_context context)
{
	return batch ? to_errno(Batch::begin(*batch, capacity, context, initial->transport()))
	             : to_errno(Error::invalid);
}

int cnx_batch_send(cnx_batch *batch, const cnx_destination *to)
{
	if (!batch || !batch->skb)
		return to_errno(Error::invalid);
	Connector *const connector = to ? connector_of(to->net) : nullptr;
	if (connector && Deferral::needed()) [[unlikely]]
		return Deferral(core->notes()).send(*connector, *batch, *to);
	if (connector) [[likely]] {
		Deferral::settle();
		return connector->send(*batch, *to);
	}
	cnx_batch_cancel(batch);
	return to ? -ESRCH : to_errno(Error::invalid);
}

void cnx_batch_cancel(cnx_batch *batch)
{
	if (batch && batch->skb)
		static_cast<void>(Batch::finish(*batch));
}
}

} // namespace cnx::kernel
