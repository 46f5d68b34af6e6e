// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings of messages as files, written and read (doc/recording.md describes the format). A file is believed in
 * nothing: lengths are bounded before they are used, every byte is covered by a checksum that goes on from record to
 * record, and what stands ahead of the first damage is good.
 */
#ifndef CNX_CLI_RECORDING_HPP
#define CNX_CLI_RECORDING_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <cnx/client.hpp>

namespace cnx::tool
{

inline constexpr std::size_t recording_header_size = 40;
/* A message record without its payload; and the largest record. */
inline constexpr std::size_t recording_message_size = 44;
inline constexpr std::size_t recording_largest = recording_message_size + CNX_MAX_MESSAGE;

struct RecordingStart {
	std::int64_t wall_clock = 0; /* nanoseconds since 1970, at the start */
	std::uint64_t monotonic = 0; /* the clock of the records at the same moment, in nanoseconds */
	bool same_byte_order = true; /* the payloads are in this machine's byte order */
};

struct Recorded {
	std::uint64_t time; /* nanoseconds of CLOCK_MONOTONIC */
	std::variant<client::Message, client::Overrun> what;
};

/* What is wrong with a file, and where. */
struct Damage {
	std::uint64_t offset; /* bytes from the start of the file */
	std::string what;     /* the end of a sentence that begins with the file's name */
};

/* Writes to a file that stays its caller's. What the stream could not take, the stream's error flag tells. */
class RecordingWriter
{
public:
	RecordingWriter(std::FILE *file, const RecordingStart &start);

	void message(std::uint64_t time, const client::Message &message);
	void overrun(std::uint64_t time, const client::Overrun &overrun);
	/* Without it the file counts as cut. */
	void end(std::uint64_t time);

private:
	class Record;
	void write(Record &record);

	std::FILE *file_;
	std::uint32_t checksum_ = 0;
	std::uint64_t records_ = 0;
};

/* Reads from a file that stays its caller's, one record at a time, and takes no more memory than the largest needs. */
class RecordingReader
{
public:
	static std::expected<RecordingReader, Damage> open(std::FILE *file);

	const RecordingStart &start() const { return start_; }

	/* The next record; nothing at the end of a whole file. */
	std::expected<std::optional<Recorded>, Damage> next();

private:
	explicit RecordingReader(std::FILE *file) : file_(file), buffer_(recording_largest) {}

	/* Bytes that were there; fewer than asked for only at the end of the file. */
	std::size_t read(std::span<std::byte> bytes);
	Damage damage(std::string what) const;
	Damage cut() const;
	std::expected<std::optional<Recorded>, Damage> decode(std::span<const std::byte> record);

	std::FILE *file_;
	std::vector<std::byte> buffer_;
	RecordingStart start_;
	std::uint64_t offset_ = 0; /* of the record that is being read */
	std::uint64_t records_ = 0;
	std::uint32_t checksum_ = 0;
};

} // namespace cnx::tool

#endif // CNX_CLI_RECORDING_HPP
