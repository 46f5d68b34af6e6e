// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: what is written is read, and of a file that is cut or damaged anywhere, what stands before that. */
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/recording.hpp"

namespace
{

using namespace cnx;

struct Close {
	void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

client::Message message(std::uint32_t val, std::string_view text)
{
	const auto bytes = client::bytes(text);
	return {{7, val}, val + 1, val + 2, 3, 9, {bytes.begin(), bytes.end()}};
}

/* A header, two messages with an overrun between them, and the mark of the end. */
std::string recording()
{
	const File file(std::tmpfile());
	tool::RecordingWriter writer(file.get(), {1'600'000'000'000'000'000, 1000, true});
	writer.message(1000, message(1, "hello"));
	writer.overrun(2000, {1, 42});
	writer.message(3000, message(2, ""));
	writer.end(4000);
	std::string bytes(static_cast<std::size_t>(std::ftell(file.get())), '\0');
	std::rewind(file.get());
	EXPECT_EQ(std::fread(bytes.data(), 1, bytes.size(), file.get()), bytes.size());
	return bytes;
}

struct Read {
	std::vector<tool::Recorded> good;
	std::optional<tool::Damage> damage;
};

Read read(const std::string &bytes)
{
	const File file(std::tmpfile());
	EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file.get()), bytes.size());
	std::rewind(file.get());
	Read result;
	auto reader = tool::RecordingReader::open(file.get());
	if (!reader) {
		result.damage = reader.error();
		return result;
	}
	for (;;) {
		auto recorded = reader->next();
		if (!recorded)
			result.damage = recorded.error();
		if (!recorded || !*recorded)
			return result;
		result.good.push_back(std::move(**recorded));
	}
}

constexpr std::size_t first_message = tool::recording_header_size;
constexpr std::size_t overrun_at = first_message + tool::recording_message_size + 5;
constexpr std::size_t second_message = overrun_at + 36;
constexpr std::size_t end_at = second_message + tool::recording_message_size;
constexpr std::size_t whole = end_at + 28;

/* How many records lie wholly before a byte. */
std::size_t records_before(std::size_t offset)
{
	const std::size_t ends[] = {overrun_at, second_message, end_at};
	return static_cast<std::size_t>(std::ranges::count_if(ends, [offset](auto end) { return end <= offset; }));
}

void expect_good(const Read &result, std::size_t count)
{
	ASSERT_EQ(result.good.size(), count);
	if (count > 0) {
		const auto &first = std::get<client::Message>(result.good[0].what);
		EXPECT_EQ(result.good[0].time, 1000u);
		EXPECT_EQ(first.id, (client::Id{7, 1}));
		EXPECT_EQ(first.seq, 2u);
		EXPECT_EQ(first.ack, 3u);
		EXPECT_EQ(first.flags, 3u);
		EXPECT_EQ(first.group, 9u);
		EXPECT_EQ(client::text(first.payload), "hello");
	}
	if (count > 1) {
		const auto &overrun = std::get<client::Overrun>(result.good[1].what);
		EXPECT_EQ(overrun.count, 1u);
		EXPECT_EQ(overrun.missed, 42u);
	}
	if (count > 2) {
		EXPECT_TRUE(std::get<client::Message>(result.good[2].what).payload.empty());
	}
}

TEST(tool_recording, is_read_as_it_was_written)
{
	const auto bytes = recording();
	ASSERT_EQ(bytes.size(), whole);
	const auto result = read(bytes);
	EXPECT_FALSE(result.damage) << result.damage->what;
	expect_good(result, 3);
}

TEST(tool_recording, keeps_when_it_was_made_and_where)
{
	for (const bool same : {true, false}) {
		const File file(std::tmpfile());
		tool::RecordingWriter(file.get(), {-5, 77, same}).end(0);
		std::rewind(file.get());
		const auto reader = tool::RecordingReader::open(file.get());
		ASSERT_TRUE(reader) << reader.error().what;
		EXPECT_EQ(reader->start().wall_clock, -5);
		EXPECT_EQ(reader->start().monotonic, 77u);
		EXPECT_EQ(reader->start().same_byte_order, same);
	}
}

TEST(tool_recording, an_unknown_number_of_missed_messages_stays_unknown)
{
	const File file(std::tmpfile());
	tool::RecordingWriter writer(file.get(), {});
	writer.overrun(1, {3, std::nullopt});
	writer.end(2);
	std::rewind(file.get());
	auto reader = tool::RecordingReader::open(file.get());
	ASSERT_TRUE(reader);
	const auto recorded = reader->next();
	ASSERT_TRUE(recorded && *recorded);
	EXPECT_EQ(std::get<client::Overrun>((*recorded)->what).missed, std::nullopt);
}

TEST(tool_recording, the_largest_message_fits)
{
	const File file(std::tmpfile());
	tool::RecordingWriter writer(file.get(), {});
	writer.message(1, message(1, std::string(CNX_MAX_MESSAGE - sizeof(cnx_msg), 'x')));
	writer.end(2);
	std::rewind(file.get());
	auto reader = tool::RecordingReader::open(file.get());
	ASSERT_TRUE(reader);
	const auto recorded = reader->next();
	ASSERT_TRUE(recorded && *recorded);
	EXPECT_EQ(std::get<client::Message>((*recorded)->what).payload.size(), CNX_MAX_MESSAGE - sizeof(cnx_msg));
}

TEST(tool_recording, cut_anywhere_its_good_part_is_used)
{
	const auto bytes = recording();
	for (std::size_t size = 0; size < bytes.size(); ++size) {
		SCOPED_TRACE(size);
		const auto result = read(bytes.substr(0, size));
		ASSERT_TRUE(result.damage);
		expect_good(result, records_before(size));
		const bool is_recording = size > 0;
		EXPECT_EQ(result.damage->what.find("is cut") != std::string::npos, is_recording) << result.damage->what;
		if (size >= first_message) {
			/* Where the first record stands that is not whole. */
			const std::size_t starts[] = {first_message, overrun_at, second_message, end_at};
			EXPECT_EQ(result.damage->offset, starts[records_before(size)]);
		}
	}
}

TEST(tool_recording, each_bit_counts)
{
	const auto bytes = recording();
	for (std::size_t offset = 0; offset < bytes.size(); ++offset)
		for (const unsigned bit : {0, 3, 7}) {
			SCOPED_TRACE(offset);
			auto damaged = bytes;
			damaged[offset] = static_cast<char>(damaged[offset] ^ (1 << bit));
			const auto result = read(damaged);
			ASSERT_TRUE(result.damage) << bit;
			expect_good(result, records_before(offset));
		}
	for (std::size_t offset = 0; offset < bytes.size(); ++offset) {
		SCOPED_TRACE(offset);
		auto damaged = bytes;
		damaged[offset] = static_cast<char>(~damaged[offset]);
		EXPECT_TRUE(read(damaged).damage);
	}
}

TEST(tool_recording, what_is_left_out_added_or_put_elsewhere_is_noticed)
{
	const auto bytes = recording();
	const auto without = bytes.substr(0, overrun_at) + bytes.substr(second_message);
	expect_good(read(without), 1);
	EXPECT_TRUE(read(without).damage);
	const auto twice = bytes.substr(0, overrun_at) + bytes.substr(first_message);
	expect_good(read(twice), 1);
	EXPECT_TRUE(read(twice).damage);
	EXPECT_TRUE(read(bytes + "x").damage);
	EXPECT_TRUE(read(bytes + bytes).damage);
	EXPECT_TRUE(read("no recording at all, but longer than its header would be").damage);
	EXPECT_TRUE(read(std::string(100, '\0')).damage);
}

TEST(tool_recording, no_length_is_believed)
{
	for (const std::uint32_t length : {0u, 1u, 19u, 0x4100u, 0x7fffffffu, 0xffffffffu}) {
		auto bytes = recording();
		for (std::size_t index = 0; index < 4; ++index)
			bytes[first_message + index] = static_cast<char>(length >> (8 * index));
		const auto result = read(bytes);
		ASSERT_TRUE(result.damage) << length;
		EXPECT_EQ(result.damage->offset, first_message);
		EXPECT_TRUE(result.good.empty());
	}
}

} // namespace
