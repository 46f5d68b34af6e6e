// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_CALLBACK_HPP
#define CNX_CORE_CALLBACK_HPP

#include <cnx/callback.h>
#include <cnx/core/annotations.hpp>
#include <cnx/core/counters.hpp>
#include <cnx/core/memory.hpp>
#include <cnx/core/message.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace cnx
{

enum class Kind : std::uint8_t { atomic, sleepable };

enum class CallbackCounter : unsigned { received, refused, failed, sent, lost };
inline constexpr std::size_t callback_counters = 5;

/// The capability number that stands for "anyone may send".
inline constexpr int no_capability = -1;

/// What a registration says, checked. Made by Registry::check().
struct CallbackSpec {
	Id id;
	Kind kind;
	int capability;
	bool open_to_listeners;
	cnx_callback_fn function;
	void *context;
	std::array<char, CNX_NAME_SIZE> name; // NUL-terminated
	void *coalescing = nullptr;           // the transport's; nullptr: messages go at once
};

/// What the receive path does not need of a callback.
struct Label {
	std::array<char, CNX_NAME_SIZE> name; // NUL-terminated
	void *coalescing = nullptr;
	std::uint64_t serial = 0; // the order of registration, from 1
};

/// A registered callback: one cache line, which is all that the receive path reads of it, so that many callbacks lie as
/// close together as they can.
template <Platform P>
class alignas(64) Callback
{
public:
	using Counted = Counters<P, CallbackCounter, callback_counters>;

	/// May sleep. no_memory.
	[[nodiscard]] static Result<Owned<P, Callback>> create(const CallbackSpec &spec) CNX_EXCLUDES(read_section)
	{
		auto counted = CNX_TRY(Counted::create());
		auto label =
		    CNX_TRY((Owned<P, Label>::create(Label{.name = spec.name, .coalescing = spec.coalescing})));
		return Owned<P, Callback>::create(spec, std::move(counted), std::move(label));
	}

	/// For create().
	Callback(const CallbackSpec &spec, Counted &&counted, Owned<P, Label> &&label)
	    : function_(spec.function), context_(spec.context), key_(key_of(spec.id)), counted_(std::move(counted)),
	      capability_(spec.capability), kind_(spec.kind), open_to_listeners_(spec.open_to_listeners),
	      unconditional_(spec.kind == Kind::atomic && spec.capability == no_capability), label_(std::move(label))
	{
		static_assert(sizeof(Callback) == 64);
	}

	[[nodiscard]] Id id() const { return std::bit_cast<Id>(key_); }
	[[nodiscard]] std::uint64_t key() const { return key_; }
	[[nodiscard]] Kind kind() const { return kind_; }
	[[nodiscard]] int capability() const { return capability_; }
	[[nodiscard]] bool open_to_listeners() const { return open_to_listeners_; }
	/// Whether it is atomic and anyone may send to it, so that a message is handed to it without another question.
	[[nodiscard]] bool unconditional() const { return unconditional_; }
	[[nodiscard]] std::uint64_t serial() const { return label_->serial; }
	[[nodiscard]] const std::array<char, CNX_NAME_SIZE> &name() const { return label_->name; }

	/// What CallbackSpec said. It outlives the callback, and every read section that found the callback.
	[[nodiscard]] void *coalescing() const { return label_->coalescing; }

	int call(const cnx_message &message, const cnx_sender &sender) const
	{
		return function_(context_, &message, &sender);
	}

	void count(CallbackCounter counter, std::uint64_t n = 1) const { counted_.add(counter, n); }

	/// CNX_CALLBACK_
	[[nodiscard]] std::uint32_t flags() const
	{
		return (kind_ == Kind::sleepable ? CNX_CALLBACK_SLEEPABLE : 0u) |
		       (coalescing() ? CNX_CALLBACK_COALESCING : 0u);
	}

	/// What the control plane and /proc show of it.
	[[nodiscard]] cnx_callback_record record() const
	{
		cnx_callback_record record{
		    .id = id(),
		    .serial = serial(),
		    .flags = flags(),
		    .capability = capability_,
		    .received = counted_.sum(CallbackCounter::received),
		    .refused = counted_.sum(CallbackCounter::refused),
		    .failed = counted_.sum(CallbackCounter::failed),
		    .sent = counted_.sum(CallbackCounter::sent),
		    .lost = counted_.sum(CallbackCounter::lost),
		    .name = {},
		};
		__builtin_memcpy(record.name, name().data(), name().size());
		return record;
	}

private:
	template <Platform>
	friend class Registry;

	cnx_callback_fn function_;
	void *context_;
	std::uint64_t key_;
	Counted counted_;
	int capability_;
	Kind kind_;
	bool open_to_listeners_;
	bool unconditional_;
	// The registry's, under its lock: whether it is being removed, and the list in order of registration.
	bool leaving_ = false;
	Owned<P, Label> label_;
	Callback *previous_ = nullptr;
	Callback *next_ = nullptr;
};

} // namespace cnx

#endif // CNX_CORE_CALLBACK_HPP
