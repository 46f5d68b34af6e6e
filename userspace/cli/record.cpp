// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdio_ext.h>

#include "cli/file.hpp"
#include "cli/listen.hpp"
#include "cli/output.hpp"
#include "cli/recording.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct RecordOptions {
	ListenOptions listen;
	std::string file;
	bool force = false;
};

/* steady_clock is CLOCK_MONOTONIC. */
std::uint64_t monotonic_time()
{
	return static_cast<std::uint64_t>(
	    std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

RecordingStart start_now()
{
	return {std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count(),
	        monotonic_time()};
}

class Recorder final : public Audience
{
public:
	Recorder(const Context &context, std::string name, std::FILE *file)
	    : context_(context), name_(std::move(name)), file_(file), writer_(file, start_now())
	{
	}

	void message(const client::Message &message) override { writer_.message(monotonic_time(), message); }
	void overrun(const client::Overrun &overrun) override { writer_.overrun(monotonic_time(), overrun); }

	/* They are part of the stream, too; whoever replays it leaves them out. */
	void change(const client::CallbackEvent &, const client::Message &message) override
	{
		writer_.message(monotonic_time(), message);
	}

	bool flush() override
	{
		if (!failure_ && (std::fflush(file_) != 0 || std::ferror(file_)))
			failure_ = errno;
		return !failure_;
	}

	void end(const Heard &heard) override
	{
		writer_.end(monotonic_time());
		heard_ = heard;
		ended_ = true;
		flush();
	}

	/* Whether there was anything to listen to. */
	bool ended() const { return ended_; }

	/* The exit code of the whole. */
	int tell(int status) const
	{
		if (failure_) {
			/* It is told here, and needs no second sentence at the end of the program. */
			std::clearerr(file_);
			__fpurge(file_);
			return context_.fail(*failure_,
			                     fmt::format("cannot write {}: {}; what stands in it up to there can "
			                                 "be replayed",
			                                 name_, std::strerror(*failure_)));
		}
		std::FILE *where = name_ == "-" ? stderr : stdout;
		if (context_.json && where == stdout)
			context_.print({{"file", name_},
			                {"messages", heard_.messages},
			                {"overruns", heard_.overruns},
			                {"missed", heard_.missed_is_whole ? Json(heard_.missed) : Json(nullptr)}});
		else
			put(where, "{}: {} messages, {}{} missed in {} overruns\n", name_, heard_.messages,
			    heard_.missed_is_whole ? "" : "more than ", heard_.missed, heard_.overruns);
		return status;
	}

private:
	const Context &context_;
	std::string name_;
	std::FILE *file_;
	RecordingWriter writer_;
	Heard heard_;
	bool ended_ = false;
	std::optional<int> failure_; /* errno */
};

int record(const Context &context, const RecordOptions &options)
{
	/* Without cnx no file is made. */
	if (auto probe = context.open(); !probe)
		return context.fail(probe.error());
	OwnedFile opened;
	if (options.file != "-") {
		opened.reset(std::fopen(options.file.c_str(), options.force ? "wbe" : "wbxe"));
		if (!opened && errno == EEXIST)
			return context.fail(EEXIST, fmt::format("{} exists: choose another name, or overwrite it with "
			                                        "--force",
			                                        options.file));
		if (!opened)
			return context.fail(errno,
			                    fmt::format("cannot write {}: {}", options.file, std::strerror(errno)));
	}
	std::FILE *file = opened ? opened.get() : stdout;
	std::setvbuf(file, nullptr, _IOFBF, std::size_t{256} << 10);
	Recorder recorder(context, options.file, file);
	const int status = listen(context, options.listen, recorder);
	if (!recorder.ended()) {
		if (opened)
			std::remove(options.file.c_str());
		return status;
	}
	return recorder.tell(status);
}

} // namespace

void add_record(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("record", "Write what drivers send to a file");
	auto options = std::make_shared<RecordOptions>();
	verb->add_option("FILE", options->file, "The file, which must not be there yet; or - for standard output")
	    ->required();
	options->listen.add_to(*verb);
	verb->add_flag("--force", options->force, "Overwrite the file");
	verb->footer(
	    "Examples:\n"
	    "  cnx record messages.cnx\n"
	    "  cnx record messages.cnx --group 101 --time 60\n"
	    "  cnx record - --idx 101 --count 1000 | xz >messages.cnx.xz\n"
	    "It ends at Ctrl-C, or as --count and --time say. Where messages were missed the file says so. `cnx\n"
	    "replay` reads it; doc/recording.md describes it.\n");
	verb->callback([&context, options] { context.status = record(context, *options); });
}

} // namespace cnx::tool
