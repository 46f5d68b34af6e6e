// SPDX-License-Identifier: GPL-2.0-only
// Compares what a program that nobody here wrote has shown with what the workload has recorded (test_workload.cpp):
//
//     test_judge RECORD forkstat|extrace OUTPUT
//
// Every event of the record has to be there, once, and in order; events of other processes are passed over. Says what
// differs, and ends with 1 then; with 2 where one of the files cannot be read as what it should be.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace
{

// "fork CHILD", "exec PID" or "exit PID STATUS".
using Events = std::vector<std::string>;

struct Record {
	Events events;
	std::map<std::string, std::string> parents; // by child
	std::string first;                          // the workload's first process
};

[[noreturn]] void unreadable(std::string_view file, const std::string &why)
{
	std::printf("%.*s: %s\n", static_cast<int>(file.size()), file.data(), why.c_str());
	std::exit(2);
}

std::vector<std::string> lines_of(const char *name)
{
	std::ifstream file(name);
	std::vector<std::string> lines;
	for (std::string line; std::getline(file, line);)
		lines.push_back(line);
	if (lines.empty())
		unreadable(name, "there is nothing in it");
	return lines;
}

std::vector<std::string> words_of(const std::string &line)
{
	std::istringstream stream(line);
	std::vector<std::string> words;
	for (std::string word; stream >> word;)
		words.push_back(word);
	return words;
}

bool is_number(std::string_view text)
{
	return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Record read_record(const char *name)
{
	Record record;
	for (const auto &line : lines_of(name)) {
		const auto words = words_of(line);
		if (words.size() == 3 && words[0] == "fork") {
			if (record.first.empty())
				record.first = words[1];
			record.parents[words[2]] = words[1];
			record.events.push_back("fork " + words[2]);
		} else if (words.size() == (words[0] == "exit" ? 3 : 2)) {
			record.events.push_back(line);
		} else {
			unreadable(name, "no event: " + line);
		}
	}
	return record;
}

// A program's output, turned into events of the processes of the record.
class Shown
{
public:
	Shown(const Record &record, const char *name) : record_(record), name_(name) {}

	// "20:12:23 fork  109 parent  ..." and, for its child, "20:12:23 fork  110 child  ..."; "20:12:23 exec  120
	// ..."; "20:12:23 exit  120  2560 0.005s ..." with the status that wait(2) has.
	void read_forkstat()
	{
		std::string parent;
		for (const auto &line : lines_of(name_)) {
			const auto words = words_of(line);
			if (words.size() < 4 || words[0] == "Time")
				continue;
			if (words[1] == "recv")
				unreadable(name_, "forkstat was told of a loss: " + line);
			if (!is_number(words[2]))
				unreadable(name_, "no event: " + line);
			if (words[1] == "fork" && words[3] == "parent") {
				parent = words[2];
			} else if (words[1] == "fork" && words[3] == "child") {
				check_parent(words[2], parent);
				parent.clear();
				add(words[2], "fork " + words[2]);
			} else if (words[1] == "exec") {
				add(words[2], "exec " + words[2]);
			} else if (words[1] == "exit") {
				add(words[2], "exit " + words[2] + " " + words[3]);
			} else {
				unreadable(name_, "no event: " + line);
			}
		}
	}

	// "120+ workload leave 10", and "120- workload exited status=10 time=0.004s", the status being an exit code or
	// the name of a signal.
	void read_extrace()
	{
		for (const auto &line : lines_of(name_)) {
			const auto words = words_of(line);
			// It asks /proc, too, and processes that are not the workload's do not wait there.
			if (line.starts_with("extrace: process vanished") && !record_.parents.contains(words.back()))
				continue;
			const auto pid = words.empty() ? "" : words[0].substr(0, words[0].size() - 1);
			if (!is_number(pid))
				unreadable(name_, "no event: " + line);
			if (words[0].back() == '+')
				add(pid, "exec " + pid);
			else if (words[0].back() == '-')
				add(pid, "exit " + pid + " " + std::to_string(status_in(line)));
			else
				unreadable(name_, "no event: " + line);
		}
	}

	[[nodiscard]] const Events &events() const { return events_; }
	// Forks that were shown with another parent than they had.
	[[nodiscard]] const std::vector<std::string> &wrong_parents() const { return wrong_parents_; }

private:
	void add(const std::string &pid, std::string event)
	{
		if (record_.parents.contains(pid))
			events_.push_back(std::move(event));
	}

	// forkstat asks /proc for the parent, which names the first of the workload when a parent has come to its end.
	void check_parent(const std::string &child, const std::string &parent)
	{
		const auto found = record_.parents.find(child);
		if (found != record_.parents.end() && parent != found->second && parent != record_.first)
			wrong_parents_.push_back(child + " of " + found->second + ", shown as of " +
			                         (parent.empty() ? "none" : parent));
	}

	int status_in(const std::string &line) const
	{
		constexpr std::string_view mark = "status=";
		const auto at = line.rfind(mark);
		if (at == std::string::npos)
			unreadable(name_, "no status: " + line);
		const auto status = words_of(line.substr(at + mark.size())).at(0);
		if (is_number(status))
			return std::atoi(status.c_str()) << 8;
		for (int number = 1; number < NSIG; ++number)
			if (const char *known = ::sigabbrev_np(number); known && status == std::string("SIG") + known)
				return number;
		unreadable(name_, "no status: " + line);
	}

	const Record &record_;
	const char *name_;
	Events events_;
	std::vector<std::string> wrong_parents_;
};

// What extrace shows of the record: it takes notice of a process when that execs.
Events with_exec(const Events &events)
{
	std::set<std::string> known;
	Events shown;
	for (const auto &event : events) {
		const auto words = words_of(event);
		if (words[0] == "exec")
			known.insert(words[1]);
		if (words[0] != "fork" && known.contains(words[1]))
			shown.push_back(event);
	}
	return shown;
}

// Says what differs. Returns whether anything does.
bool differ(const Events &wanted, const Events &shown)
{
	std::map<std::string, int> balance;
	for (const auto &event : shown)
		++balance[event];
	// An exec may happen several times.
	for (const auto &event : wanted)
		--balance[event];
	bool differs = false;
	for (const auto &[event, more] : balance) {
		if (more != 0)
			std::printf("%s by %d: %s\n", more < 0 ? "too few" : "too many", std::abs(more), event.c_str());
		differs |= more != 0;
	}
	if (differs)
		return true;
	const auto [is, should] = std::ranges::mismatch(shown, wanted);
	if (is == shown.end())
		return false;
	std::printf("out of order: %s came where it was %s\n", is->c_str(), should->c_str());
	return true;
}

} // namespace

int main(int count, char **words)
{
	const std::string_view program = count == 4 ? words[2] : "";
	if (program != "forkstat" && program != "extrace") {
		std::fputs("test_judge RECORD forkstat|extrace OUTPUT\n", stderr);
		return 2;
	}
	const Record record = read_record(words[1]);
	Shown shown(record, words[3]);
	Events wanted = record.events;
	if (program == "forkstat") {
		shown.read_forkstat();
	} else {
		shown.read_extrace();
		wanted = with_exec(wanted);
	}
	bool differs = differ(wanted, shown.events());
	for (const auto &fork : shown.wrong_parents()) {
		std::printf("another parent: %s\n", fork.c_str());
		differs = true;
	}
	if (!differs)
		std::printf("%zu events\n", wanted.size());
	return differs ? 1 : 0;
}
