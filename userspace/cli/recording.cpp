// SPDX-License-Identifier: GPL-2.0-only
#include "cli/recording.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <concepts>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

namespace cnx::tool
{
namespace
{

/* Not text, and damaged by whoever takes it for text. */
constexpr std::string_view magic = "\x89"
                                   "CNXREC\n";
constexpr std::uint16_t version = 1;
constexpr std::uint8_t monotonic_clock = 1;
constexpr std::uint8_t own_order = std::endian::native == std::endian::little ? 1 : 2;
constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

enum Kind : std::uint16_t { message_kind = 1, overrun_kind = 2, end_kind = 3 };

constexpr std::size_t head_size = 16; /* length, kind, reserved, time */
constexpr std::size_t checksum_size = 4;
constexpr std::size_t overrun_size = head_size + 16 + checksum_size;
constexpr std::size_t end_size = head_size + 8 + checksum_size;
static_assert(recording_message_size == head_size + 24 + checksum_size);

/* zlib's CRC-32, continued from that of all records before. */
std::uint32_t checksum_of(std::uint32_t before, std::span<const std::byte> bytes)
{
	// SAFETY: any byte may be read as an unsigned char, and the length is the span's own.
	const auto *data = reinterpret_cast<const Bytef *>(bytes.data());
	return static_cast<std::uint32_t>(crc32_z(before, data, bytes.size()));
}

/* Numbers from bytes, little-endian, in order. The caller has seen to it that there are enough. */
class Fields
{
public:
	explicit Fields(std::span<const std::byte> bytes) : rest_(bytes) {}

	template <std::integral T>
	T take()
	{
		std::make_unsigned_t<T> value = 0;
		for (std::size_t index = 0; index < sizeof(T); ++index)
			value |= static_cast<std::make_unsigned_t<T>>(std::to_integer<std::uint64_t>(rest_[index])
			                                              << (8 * index));
		rest_ = rest_.subspan(sizeof(T));
		return static_cast<T>(value);
	}

	std::span<const std::byte> take(std::size_t size)
	{
		const auto bytes = rest_.first(size);
		rest_ = rest_.subspan(size);
		return bytes;
	}

private:
	std::span<const std::byte> rest_;
};

class Builder
{
public:
	template <std::integral T>
	Builder &add(T number)
	{
		for (std::size_t index = 0; index < sizeof(T); ++index)
			bytes_.push_back(
			    static_cast<std::byte>(static_cast<std::make_unsigned_t<T>>(number) >> (8 * index)));
		return *this;
	}

	Builder &add(std::span<const std::byte> bytes)
	{
		bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
		return *this;
	}

	std::span<const std::byte> bytes() const { return bytes_; }

private:
	std::vector<std::byte> bytes_;
};

void write_all(std::FILE *file, std::span<const std::byte> bytes)
{
	std::fwrite(bytes.data(), 1, bytes.size(), file);
}

} // namespace

class RecordingWriter::Record : public Builder
{
public:
	Record(std::size_t size, Kind kind, std::uint64_t time)
	{
		add(static_cast<std::uint32_t>(size)).add(std::uint16_t{kind}).add(std::uint16_t{0}).add(time);
	}
};

RecordingWriter::RecordingWriter(std::FILE *file, const RecordingStart &start) : file_(file)
{
	Builder header;
	header.add(client::bytes(magic)).add(version).add(std::uint16_t{recording_header_size});
	header.add(start.same_byte_order ? own_order : static_cast<std::uint8_t>(3 - own_order));
	header.add(monotonic_clock)
	    .add(std::uint16_t{0})
	    .add(start.wall_clock)
	    .add(start.monotonic)
	    .add(std::uint32_t{0});
	checksum_ = checksum_of(0, header.bytes());
	header.add(checksum_);
	write_all(file_, header.bytes());
}

void RecordingWriter::write(Record &record)
{
	checksum_ = checksum_of(checksum_, record.bytes());
	record.add(checksum_);
	write_all(file_, record.bytes());
	++records_;
}

void RecordingWriter::message(std::uint64_t time, const client::Message &message)
{
	Record record(recording_message_size + message.payload.size(), message_kind, time);
	record.add(message.group).add(message.id.idx).add(message.id.val).add(message.seq).add(message.ack);
	record.add(static_cast<std::uint16_t>(message.payload.size())).add(message.flags).add(message.payload);
	write(record);
}

void RecordingWriter::overrun(std::uint64_t time, const client::Overrun &overrun)
{
	Record record(overrun_size, overrun_kind, time);
	record.add(overrun.count).add(overrun.missed.value_or(unknown));
	write(record);
}

void RecordingWriter::end(std::uint64_t time)
{
	Record record(end_size, end_kind, time);
	record.add(records_);
	write(record);
}

std::size_t RecordingReader::read(std::span<std::byte> bytes)
{
	return std::fread(bytes.data(), 1, bytes.size(), file_);
}

Damage RecordingReader::damage(std::string what) const
{
	return {offset_, std::move(what)};
}

Damage RecordingReader::cut() const
{
	if (std::ferror(file_))
		return damage(fmt::format("cannot be read at byte {}: {}", offset_, std::strerror(errno)));
	return damage(fmt::format("is cut: the record at byte {} is not whole", offset_));
}

std::expected<RecordingReader, Damage> RecordingReader::open(std::FILE *file)
{
	RecordingReader reader(file);
	std::array<std::byte, recording_header_size> header;
	const auto size = reader.read(header);
	Fields fields(header);
	if (std::ferror(file))
		return std::unexpected(reader.cut());
	const std::size_t compared = std::min(size, magic.size());
	if (size == 0 || client::text(fields.take(magic.size())).substr(0, compared) != magic.substr(0, compared))
		return std::unexpected(reader.damage("is no recording: `cnx record` makes one"));
	if (size < header.size())
		return std::unexpected(reader.damage("is cut: its header is not whole"));
	reader.checksum_ = checksum_of(0, std::span(header).first(header.size() - checksum_size));
	if (Fields(std::span(header).last(checksum_size)).take<std::uint32_t>() != reader.checksum_)
		return std::unexpected(reader.damage("is damaged: its header's checksum is wrong"));
	const auto its_version = fields.take<std::uint16_t>();
	const auto its_size = fields.take<std::uint16_t>();
	const auto order = fields.take<std::uint8_t>();
	const auto clock = fields.take<std::uint8_t>();
	if (its_version != version || its_size != recording_header_size || clock != monotonic_clock || order < 1 ||
	    order > 2)
		return std::unexpected(reader.damage(fmt::format(
		    "is a recording of version {}, which this cnx does not read: use a later one", its_version)));
	fields.take<std::uint16_t>();
	reader.start_.same_byte_order = order == own_order;
	reader.start_.wall_clock = fields.take<std::int64_t>();
	reader.start_.monotonic = fields.take<std::uint64_t>();
	reader.offset_ = header.size();
	return reader;
}

std::expected<std::optional<Recorded>, Damage> RecordingReader::next()
{
	const auto length_bytes = std::span(buffer_).first(sizeof(std::uint32_t));
	if (const auto size = read(length_bytes); size < length_bytes.size()) {
		if (size == 0 && !std::ferror(file_))
			return std::unexpected(
			    damage(fmt::format("is cut: it ends at byte {} without the mark of the end", offset_)));
		return std::unexpected(cut());
	}
	const auto length = Fields(length_bytes).take<std::uint32_t>();
	if (length < head_size + checksum_size || length > recording_largest)
		return std::unexpected(damage(
		    fmt::format("is damaged: the record at byte {} says that it has {} bytes", offset_, length)));
	const auto record = std::span(buffer_).first(length);
	if (const auto rest = record.subspan(length_bytes.size()); read(rest) < rest.size())
		return std::unexpected(cut());
	const auto content = record.first(length - checksum_size);
	checksum_ = checksum_of(checksum_, content);
	if (Fields(record.last(checksum_size)).take<std::uint32_t>() != checksum_)
		return std::unexpected(
		    damage(fmt::format("is damaged: the checksum of the record at byte {} is wrong", offset_)));
	auto recorded = decode(content);
	if (!recorded)
		return recorded;
	offset_ += length;
	++records_;
	std::byte behind;
	if (!*recorded && read(std::span(&behind, 1)) != 0)
		return std::unexpected(
		    damage(fmt::format("is damaged: there is more at byte {}, behind the mark of the end", offset_)));
	return recorded;
}

std::expected<std::optional<Recorded>, Damage> RecordingReader::decode(std::span<const std::byte> record)
{
	const std::size_t length = record.size() + checksum_size;
	Fields fields(record);
	fields.take<std::uint32_t>();
	const auto kind = fields.take<std::uint16_t>();
	fields.take<std::uint16_t>();
	const auto time = fields.take<std::uint64_t>();
	if (kind == message_kind && length >= recording_message_size) {
		client::Message message;
		message.group = fields.take<std::uint32_t>();
		message.id.idx = fields.take<std::uint32_t>();
		message.id.val = fields.take<std::uint32_t>();
		message.seq = fields.take<std::uint32_t>();
		message.ack = fields.take<std::uint32_t>();
		const auto size = fields.take<std::uint16_t>();
		message.flags = fields.take<std::uint16_t>();
		if (size == length - recording_message_size) {
			const auto payload = fields.take(size);
			message.payload.assign(payload.begin(), payload.end());
			return Recorded{time, std::move(message)};
		}
	} else if (kind == overrun_kind && length == overrun_size) {
		client::Overrun overrun{fields.take<std::uint64_t>(), fields.take<std::uint64_t>()};
		if (overrun.missed == unknown)
			overrun.missed = std::nullopt;
		return Recorded{time, overrun};
	} else if (kind == end_kind && length == end_size && fields.take<std::uint64_t>() == records_) {
		return std::nullopt;
	}
	return std::unexpected(damage(fmt::format("is damaged: the record at byte {} contradicts itself", offset_)));
}

} // namespace cnx::tool
