// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_NOTES_HPP
#define CNX_KERNEL_NOTES_HPP

#include "deferral.h"
#include "platform.hpp"

#include <cnx/core/magazines.hpp>
#include <cnx/core/memory.hpp>
#include <cnx/core/result.hpp>

#include <span>
#include <utility>

namespace cnx::kernel
{

/// The notes of sends that are put off: so many for each CPU, which are all that there ever are. Taking one and giving
/// it back needs no lock and no allocator, in any context. On a kernel where nothing is put off there are none.
class Notes
{
public:
	/// May sleep. no_memory.
	[[nodiscard]] static Result<Notes> create()
	{
		Notes notes;
#ifdef CONFIG_PREEMPT_RT
		const std::size_t count = std::size_t{each} * Platform::cpu_count();
		void *const memory = Platform::allocate(count * sizeof(cnx_k_note));
		if (!memory)
			return std::unexpected(Error::no_memory);
		// SAFETY: the memory is zero-filled and has room for so many, which are plain structs.
		notes.all_ = std::span(static_cast<cnx_k_note *>(memory), count);
		auto free = CNX_TRY(Free::create(each));
		notes.free_ = CNX_TRY((Owned<Platform, Free>::create(std::move(free))));
		for (std::size_t i = 0; i < count; ++i) {
			notes.all_[i].cpu = static_cast<unsigned>(i / each);
			notes.give(notes.all_[i]);
		}
#endif
		return notes;
	}

	Notes(Notes &&other) noexcept : all_(std::exchange(other.all_, {})), free_(std::move(other.free_)) {}
	Notes &operator=(Notes &&) = delete;
	/// All of them have been given back.
	~Notes()
	{
		Platform::release(all_.data(), all_.size_bytes());
	}

	/// nullptr: too many wait. Any context.
	[[nodiscard]] cnx_k_note *take()
	{
		return free_.get() ? free_->take().buffer : nullptr;
	}

	/// Any context.
	void give(cnx_k_note &note)
	{
		// There is a slot for each.
		static_cast<void>(free_->give(note.cpu, note));
	}

private:
	static constexpr unsigned each = 1024;
	using Free = Magazines<Platform, cnx_k_note>;

	Notes() = default;

	std::span<cnx_k_note> all_;
	// nullptr: nothing is ever put off.
	Owned<Platform, Free> free_ = Owned<Platform, Free>::adopt(nullptr);
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_NOTES_HPP
