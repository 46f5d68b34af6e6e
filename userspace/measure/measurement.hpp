// SPDX-License-Identifier: GPL-2.0-only
/* What `cnx bench` measures, and how it is told. */
#ifndef CNX_MEASURE_MEASUREMENT_HPP
#define CNX_MEASURE_MEASUREMENT_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <cnx/client.hpp>

#include "../../bench/latency.hpp"

namespace cnx::measure
{

/* Nanoseconds. */
struct Percentiles {
	std::uint64_t p50 = 0, p99 = 0, p999 = 0, max = 0;
};

struct Measurement {
	std::string name;
	double seconds = 0;         /* from the first message to the last */
	std::uint64_t sent = 0;     /* messages; to several listeners, once for each */
	std::uint64_t received = 0; /* messages, where they were to go */
	std::uint64_t lost = 0;     /* messages, as cnx counts them */
	std::optional<Percentiles> latency;

	double received_each_second() const { return seconds > 0 ? static_cast<double>(received) / seconds : 0; }
	double lost_percent() const { return sent ? 100.0 * static_cast<double>(lost) / static_cast<double>(sent) : 0; }
};

Percentiles percentiles_of(const bench::Latencies &latencies);

/* What a measurement needs. */
struct Bench {
	std::function<client::Result<client::Client>(const client::Options &)> open;
	std::function<bool()> interrupted;
	std::chrono::duration<double> time; /* of each measurement */
};

struct MeasurementKind {
	const char *family; /* what --only names */
	std::string name;
	std::string about;
	std::function<client::Result<Measurement>(const Bench &)> measure;
};

std::vector<MeasurementKind> measurement_kinds();

/* What was measured on. */
struct Machine {
	std::string kernel;
	unsigned cpus = 0;
	std::string version; /* of the module */
};

/* A head and a line for each. */
std::string to_table(std::span<const Measurement> measurements);
nlohmann::ordered_json to_json(const Machine &machine, std::span<const Measurement> measurements);
/* A picture of the latencies on a logarithmic scale, with the throughput and the loss beside them. */
std::string to_svg(const Machine &machine, std::span<const Measurement> measurements);

} // namespace cnx::measure

#endif // CNX_MEASURE_MEASUREMENT_HPP
