// SPDX-License-Identifier: GPL-2.0-only
// cnx/driver.h for drivers in C++: registrations that cannot leak, batches that cannot be sent half-written, payloads
// that have a type. Contexts, errors and promises are those of the C functions.
#ifndef CNX_DRIVER_HPP
#define CNX_DRIVER_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/message.hpp>
#include <cnx/core/result.hpp>
#include <cnx/driver.h>
#include <cnx/runtime.hpp>

#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace cnx
{

/// A negative errno of the C interface as a Status. Numbers that no enumerator names keep their value.
[[nodiscard]] inline Status to_status(int status)
{
	if (status < 0)
		return std::unexpected(static_cast<Error>(-status));
	return {};
}

/// The bytes of a message as a T, or nothing if they are too few.
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::optional<T> payload_as(const cnx_message &message)
{
	return load<T>(payload_of(message));
}

/// A receiver is an object with `int receive(const cnx_message &, const cnx_sender &)`, and a kind that says whether
/// that function may sleep: `static constexpr cnx_kind kind`.
template <typename R>
concept Receiver = requires(R &receiver, const cnx_message &message, const cnx_sender &sender)
{
	{
		receiver.receive(message, sender)
		} -> std::same_as<int>;
	{
		R::kind
		} -> std::convertible_to<cnx_kind>;
};

/// A registered callback, unregistered when this ends. Move-only. Process context, for its beginning and its end.
class [[nodiscard]] Registration
{
public:
	struct Options {
		int sender = CNX_SENDER_NET_ADMIN;
		bool open_to_listeners = false;
		cnx_coalescing coalescing{};
		cnx_scope scope = CNX_INITIAL_NAMESPACE;
	};

	/// Register `receiver`, which must outlive the registration, under `id`. Errors: those of cnx_register().
	template <Receiver R>
	[[nodiscard]] static Result<Registration> create(Id id, const char *name, R &receiver, Options options)
	{
		const cnx_registration registration{.id = id,
		                                    .name = name,
		                                    .callback = trampoline<R>,
		                                    .context = std::addressof(receiver),
		                                    .kind = R::kind,
		                                    .sender = options.sender,
		                                    .open_to_listeners = options.open_to_listeners,
		                                    .coalescing = options.coalescing,
		                                    .scope = options.scope};
		cnx_callback *const callback = cnx_register(&registration);
		// SAFETY: only reads the address; the kernel returns errors as the last 4095 addresses.
		const auto address = reinterpret_cast<std::uintptr_t>(callback);
		if (address >= static_cast<std::uintptr_t>(-4095))
			return std::unexpected(static_cast<Error>(-static_cast<std::intptr_t>(address)));
		return Registration(callback);
	}

	Registration(Registration &&other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
	Registration &operator=(Registration &&) = delete;

	/// Must not run inside the callback itself, where there is no way to wait for its end: end the registration
	/// with unregister() if that can be, and look at what it says.
	~Registration()
	{
		// To go on after a refusal would be to free what the callback still uses.
		if (callback_ && cnx_unregister(callback_) != 0)
			__builtin_trap();
	}

	/// End it now. deadlock: called from inside the callback; the registration is as it was.
	[[nodiscard]] Status unregister()
	{
		CNX_TRY(to_status(cnx_unregister(callback_)));
		callback_ = nullptr;
		return {};
	}

private:
	explicit Registration(cnx_callback *callback) : callback_(callback) {}

	template <Receiver R>
	static int trampoline(void *context, const cnx_message *message, const cnx_sender *sender)
	{
		// SAFETY: create() registered this function with the address of an R.
		return static_cast<R *>(context)->receive(*message, *sender);
	}

	cnx_callback *callback_;
};

/// Send one message whose payload is the bytes of `payload`. Errors: those of cnx_send().
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] Status send(Id id, std::uint32_t seq, const T &payload, const cnx_destination &to, cnx_context context)
{
	static_assert(sizeof(cnx_msg) + sizeof(T) <= CNX_MAX_MESSAGE, "the payload is larger than a message may be");
	const cnx_message message{
	    .id = id, .seq = seq, .ack = 0, .flags = 0, .length = sizeof(T), .payload = std::addressof(payload)};
	return to_status(cnx_send(&message, &to, context));
}

/// Several messages in one datagram. Dropped, it is cancelled; sending consumes it.
class [[nodiscard]] MessageBatch
{
public:
	/// A message that is being written: in the batch once committed, gone without a trace if dropped. While one
	/// lives, its batch must not be used.
	class [[nodiscard]] Reservation
	{
	public:
		Reservation(Reservation &&other) noexcept
		    : batch_(std::exchange(other.batch_, nullptr)), payload_(other.payload_)
		{
		}
		Reservation &operator=(Reservation &&) = delete;
		~Reservation()
		{
			if (batch_)
				cnx_batch_drop(batch_);
		}

		/// Where the payload goes; zero-filled to begin with.
		[[nodiscard]] std::span<std::byte> payload() const { return payload_; }

		/// Write a value at the front of the payload. too_large: it does not fit.
		template <typename T>
		requires std::is_trivially_copyable_v<T>
		[[nodiscard]] Status write(const T &value)
		{
			if (sizeof(T) > payload_.size())
				return std::unexpected(Error::too_large);
			__builtin_memcpy(payload_.data(), std::addressof(value), sizeof(T));
			return {};
		}

		[[nodiscard]] Status commit() && { return to_status(cnx_batch_commit(std::exchange(batch_, nullptr))); }

	private:
		friend class MessageBatch;
		Reservation(cnx_batch *batch, std::span<std::byte> payload) : batch_(batch), payload_(payload) {}

		cnx_batch *batch_;
		std::span<std::byte> payload_;
	};

	/// `capacity`: bytes of datagram. Errors: those of cnx_batch_begin().
	[[nodiscard]] static Result<MessageBatch> create(std::size_t capacity, cnx_context context)
	{
		MessageBatch batch;
		CNX_TRY(to_status(cnx_batch_begin(&batch.batch_, capacity, context)));
		return batch;
	}

	MessageBatch(MessageBatch &&other) noexcept : batch_(std::exchange(other.batch_, cnx_batch{})) {}
	MessageBatch &operator=(MessageBatch &&) = delete;
	~MessageBatch() { cnx_batch_cancel(&batch_); }

	/// Room for one more message of header.length bytes of payload. Errors: those of cnx_batch_reserve().
	[[nodiscard]] Result<Reservation> reserve(const cnx_message &header) CNX_LIFETIME_BOUND
	{
		void *const payload = cnx_batch_reserve(&batch_, &header);
		// SAFETY: only reads the address; the kernel returns errors as the last 4095 addresses.
		const auto address = reinterpret_cast<std::uintptr_t>(payload);
		if (address >= static_cast<std::uintptr_t>(-4095))
			return std::unexpected(static_cast<Error>(-static_cast<std::intptr_t>(address)));
		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: what is no error is header.length bytes of the batch's buffer.
		return Reservation(&batch_, {static_cast<std::byte *>(payload), header.length});
		CNX_UNSAFE_BUFFERS_END
	}

	/// Errors: those of cnx_batch_send().
	[[nodiscard]] Status send(const cnx_destination &to) && { return to_status(cnx_batch_send(&batch_, &to)); }

private:
	MessageBatch() = default;

	cnx_batch batch_{};
};

/// A driver's state from its module's init to its exit. Needs no constructor at load, and no destructor at unload.
/// INVARIANT: live_ says whether storage_ holds a T; create() and destroy() are called by init and exit alone.
template <typename T>
class ModuleState
{
public:
	constexpr ModuleState() = default;

	template <typename... Args>
	T &create(Args &&...args)
	{
		live_ = true;
		// SAFETY: placement takes the address of the storage, which is aligned and large enough for a T.
		return *new (static_cast<void *>(storage_)) T(std::forward<Args>(args)...);
	}
	void destroy()
	{
		if (std::exchange(live_, false))
			get().~T();
	}
	// SAFETY: by the invariant, between create() and destroy() a T lives in the storage.
	[[nodiscard]] T &get() { return *std::launder(reinterpret_cast<T *>(storage_)); }

private:
	alignas(T) std::byte storage_[sizeof(T)]{};
	bool live_ = false;
};

} // namespace cnx

#endif // CNX_DRIVER_HPP
