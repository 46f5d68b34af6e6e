// SPDX-License-Identifier: GPL-2.0-only
#include "machine.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "receive.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace cnx::bench
{

// What the build has found: PRESENT(name) for each structure that is linked in, ABSENT(name) for each whose library is
// not on this machine.
#define PRESENT(name) void add_##name(const Options &options);
#define ABSENT(name)
#include "peers.inc"
#undef PRESENT
#undef ABSENT

namespace
{

void add_structures(const Options &options)
{
#define PRESENT(name) add_##name(options);
#define ABSENT(name)
#include "peers.inc"
#undef PRESENT
#undef ABSENT
}

std::string absent()
{
	std::string names;
#define PRESENT(name)
#define ABSENT(name) names += names.empty() ? #name : "," #name;
#include "peers.inc"
#undef PRESENT
#undef ABSENT
	return names;
}

/// Says nothing but what has gone wrong: the figures are in the file.
class Errors : public benchmark::BenchmarkReporter
{
public:
	bool ReportContext(const Context &) override { return true; }
	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &run : runs) {
			if (run.error_occurred) {
				std::fprintf(stderr, "\n%s: %s\n", run.benchmark_name().c_str(),
				             run.error_message.c_str());
				failed_ = true;
			}
		}
	}
	[[nodiscard]] bool failed() const { return failed_; }

private:
	bool failed_ = false;
};

/// Google Benchmark's own JSON, with names that say what was measured and not how long.
class Json : public benchmark::JSONReporter
{
public:
	void ReportRuns(const std::vector<Run> &runs) override
	{
		auto named = runs;
		for (Run &run : named) {
			run.run_name.time_type.clear();
			run.run_name.iterations.clear();
		}
		JSONReporter::ReportRuns(named);
	}
};

/// The library takes its settings as a command line.
void initialize(const Options &options)
{
	std::vector<std::string> words{"dispatch",
	                               "--benchmark_out=" + options.out,
	                               "--benchmark_out_format=json",
	                               "--benchmark_repetitions=" + std::to_string(options.repetitions),
	                               "--benchmark_min_time=" + std::to_string(options.seconds),
	                               "--benchmark_enable_random_interleaving=true"};
	std::vector<char *> pointers;
	for (std::string &word : words)
		pointers.push_back(word.data());
	int count = static_cast<int>(pointers.size());
	benchmark::Initialize(&count, pointers.data());
}

/// The library would find out only after the last benchmark.
bool can_be_written(const std::filesystem::path &path)
{
	std::error_code error;
	if (path.has_parent_path())
		std::filesystem::create_directories(path.parent_path(), error);
	return std::ofstream(path).good();
}

int run(int argc, char **argv)
{
	const auto [options, status] = parse_options(argc, argv);
	if (!options)
		return status;
	add_structures(*options);
	add_receive(*options);
	add_pool(*options);
	if (options->list)
		return 0;
	if (Progress::expected() == 0) {
		std::fputs("no benchmark matches the filter; --list shows their names\n", stderr);
		return 1;
	}
	if (!can_be_written(options->out)) {
		std::fprintf(stderr, "%s cannot be written; name another file with --out\n", options->out.c_str());
		return 1;
	}
	for (const auto &[key, value] : machine(*options))
		benchmark::AddCustomContext(key, value);
	benchmark::AddCustomContext("absent", absent());
	initialize(*options);
	Errors errors;
	Json json;
	benchmark::RunSpecifiedBenchmarks(&errors, &json);
	Progress::end();
	return errors.failed() ? 1 : 0;
}

} // namespace
} // namespace cnx::bench

int main(int argc, char **argv)
{
	return cnx::bench::run(argc, argv);
}
