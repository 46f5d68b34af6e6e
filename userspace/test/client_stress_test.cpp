// SPDX-License-Identifier: GPL-2.0-only
/* The books of cnx stress, what it decides and reports, and how it watches over its workers. */
#include <cstring>
#include <list>
#include <memory>
#include <mutex>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client_stub.hpp"
#include "measure/measurement.hpp"
#include "stress/books.hpp"
#include "stress/exchange.hpp"
#include "stress/report.hpp"
#include "stress/run.hpp"
#include "stress/stream.hpp"

namespace
{

using namespace cnx;
using namespace cnx::stress;
using namespace std::chrono_literals;

/* As the driver makes them. */
client::Message burst_message(std::uint32_t job, std::uint32_t thread, std::uint64_t number, std::size_t size = 40)
{
	client::Message message{traffic_id, static_cast<std::uint32_t>(number), 0, 0, 0, {}};
	message.payload.resize(size);
	const cnx_stress_message head{job, thread, number, 1};
	std::memcpy(message.payload.data(), &head, sizeof(head));
	for (std::size_t i = sizeof(head); i < size; ++i)
		message.payload[i] = static_cast<std::byte>(number + (i - sizeof(head)));
	return message;
}

std::string invariant_of(const std::optional<Broken> &broken)
{
	return broken ? broken->invariant : "";
}

TEST(client_stress_stream, a_seed_reproduces_what_is_decided)
{
	Stream one(42, "churn", 1);
	Stream same(42, "churn", 1);
	for (int i = 0; i < 1000; ++i)
		EXPECT_EQ(one.next(), same.next());
	/* The numbers themselves, so that a run can be repeated by another build, on another machine. */
	Stream known(42, "churn", 1);
	EXPECT_EQ(known.next(), 0xb034f7ced6ed3963u);
}

TEST(client_stress_stream, workers_scenarios_and_seeds_decide_differently)
{
	const auto first = [](std::uint64_t seed, const char *name, unsigned worker) {
		return Stream(seed, name, worker).next();
	};
	const auto reference = first(42, "churn", 1);
	EXPECT_NE(reference, first(43, "churn", 1));
	EXPECT_NE(reference, first(42 + (std::uint64_t{1} << 32), "churn", 1));
	EXPECT_NE(reference, first(42, "chunk", 1));
	EXPECT_NE(reference, first(42, "churn", 2));
}

TEST(client_stress_stream, decisions_are_within_their_bounds)
{
	Stream stream(1, "", 0);
	bool lowest = false, highest = false;
	for (int i = 0; i < 1000; ++i) {
		const auto value = stream.between(5, 8);
		ASSERT_TRUE(value >= 5 && value <= 8);
		lowest |= value == 5;
		highest |= value == 8;
		ASSERT_EQ(stream.below(1), 0u);
		ASSERT_TRUE(stream.once_in(1));
	}
	EXPECT_TRUE(lowest && highest);
}

TEST(client_stress_books, what_comes_in_order_is_received)
{
	Listening listening;
	for (const std::uint64_t number : {1, 2, 5})
		EXPECT_FALSE(listening.take(burst_message(1, 0, number)));
	EXPECT_FALSE(listening.take(burst_message(1, 1, 1)));
	EXPECT_FALSE(listening.take(burst_message(2, 0, 1)));
	EXPECT_EQ(listening.received(), 5u);
}

TEST(client_stress_books, a_number_that_comes_late_or_twice_breaks_the_order)
{
	Listening listening;
	EXPECT_FALSE(listening.take(burst_message(1, 0, 2)));
	EXPECT_EQ(invariant_of(listening.take(burst_message(1, 0, 1))), order_per_sender);
	EXPECT_EQ(invariant_of(listening.take(burst_message(1, 0, 2))), order_per_sender);
	EXPECT_EQ(listening.received(), 1u);
}

TEST(client_stress_books, a_payload_that_is_spoiled_is_found)
{
	Listening listening;
	auto message = burst_message(1, 0, 7);
	message.payload.back() ^= std::byte{1};
	EXPECT_EQ(invariant_of(listening.take(message)), whole_payload);
	message = burst_message(1, 0, 7);
	message.seq = 8;
	EXPECT_EQ(invariant_of(listening.take(message)), whole_payload);
	message.payload.resize(sizeof(cnx_stress_message) - 1);
	EXPECT_EQ(invariant_of(listening.take(message)), whole_payload);
	EXPECT_EQ(listening.received(), 0u);
}

TEST(client_stress_books, only_what_was_received_or_counted_settles)
{
	EXPECT_FALSE(settle(10, 10, 0, 0));
	EXPECT_FALSE(settle(10, 4, 6, 0));
	EXPECT_EQ(invariant_of(settle(10, 9, 0, 0)), all_accounted_for);
	EXPECT_EQ(invariant_of(settle(10, 9, 2, 0)), all_accounted_for) << "more than was sent";
	EXPECT_FALSE(settle(10, 7, 2, 1));
	EXPECT_EQ(invariant_of(settle(10, 7, 1, 1)), all_accounted_for);
	EXPECT_EQ(invariant_of(settle(10, 11, 0, 5)), all_accounted_for);
	const auto broken = settle(10, 7, 1, 1);
	EXPECT_EQ(broken->expected, "10 sent");
	EXPECT_EQ(broken->seen, "7 received + 1 counted lost = 8, and at most 1 losses without a name");
}

/* What an echo makes of a question. */
client::Message reply_to(const std::vector<std::byte> &payload)
{
	Question question;
	std::memcpy(&question, payload.data(), sizeof(question));
	return {echo_id, static_cast<std::uint32_t>(question.number), 1, 0, 0, payload};
}

TEST(client_stress_books, replies_are_to_questions_that_were_asked)
{
	Asking asking(77, 3);
	const auto one = asking.ask(16), two = asking.ask(200), three = asking.ask(16), four = asking.ask(16);
	EXPECT_EQ(two.size(), 200u);
	EXPECT_FALSE(asking.take(reply_to(one), echo_id));
	EXPECT_FALSE(asking.take(reply_to(three), echo_id));
	EXPECT_EQ(invariant_of(asking.take(reply_to(two), echo_id)), order_per_sender);
	EXPECT_EQ(invariant_of(asking.take(reply_to(three), echo_id)), order_per_sender);
	EXPECT_EQ(invariant_of(asking.take(reply_to(write_question({77, 3, 5}, 16)), echo_id)), order_per_sender)
	    << "a question that was never asked";
	EXPECT_EQ(invariant_of(asking.take(reply_to(write_question({78, 3, 4}, 16)), echo_id)), right_portid);
	EXPECT_EQ(invariant_of(asking.take(reply_to(write_question({77, 2, 4}, 16)), echo_id)), right_portid);
	EXPECT_EQ(invariant_of(asking.take(reply_to(four), sink_id)), whole_payload) << "another callback's";
	auto late = reply_to(four);
	late.ack = 2;
	EXPECT_EQ(invariant_of(asking.take(late, echo_id)), whole_payload);

	EXPECT_EQ(asking.replies(), 2u);
	EXPECT_EQ(invariant_of(asking.settle(1, 0)), all_accounted_for);
	EXPECT_FALSE(asking.settle(2, 0));
	asking.refused();
	EXPECT_FALSE(asking.settle(1, 0));
}

TEST(client_stress_memory, meminfo_is_read)
{
	const auto memory = parse_memory("MemTotal:        1000 kB\nMemFree:  5 kB\nMemAvailable:   900 kB\n"
	                                 "SReclaimable:   30 kB\nSUnreclaim:      20 kB\n");
	ASSERT_TRUE(memory);
	EXPECT_EQ(memory->total, 1000u);
	EXPECT_EQ(memory->available, 900u);
	EXPECT_EQ(memory->unreclaimable, 20u);
	for (const char *wrong :
	     {"", "MemTotal: 1 kB\nMemAvailable: 1 kB\n", "MemTotal:\nMemAvailable: 1\nSUnreclaim: 1",
	      "MemTotal: x\nMemAvailable: 1\nSUnreclaim: 1", "MemTotal 1"})
		EXPECT_FALSE(parse_memory(wrong)) << wrong;
}

TEST(client_stress_memory, drift_has_bounds)
{
	const Memory before{1 << 20, 800'000, 10'000};
	const auto bounds = memory_bounds(before, 2, false);
	EXPECT_EQ(bounds.unreclaimable, 16u << 10);
	EXPECT_EQ(memory_bounds(before, 2, true).unreclaimable, 64u << 10);
	EXPECT_EQ(memory_bounds(before, 2, true).available, 4 * bounds.available);
	auto after = before;
	EXPECT_FALSE(compare(before, after, bounds));
	after.unreclaimable += bounds.unreclaimable;
	after.available -= bounds.available;
	EXPECT_FALSE(compare(before, after, bounds));
	++after.unreclaimable;
	ASSERT_TRUE(compare(before, after, bounds));
	EXPECT_EQ(compare(before, after, bounds)->seen, "26385 KiB, 16385 KiB more");
	after = before;
	after.available -= bounds.available + 1;
	ASSERT_TRUE(compare(before, after, bounds));
	EXPECT_TRUE(compare(before, after, bounds)->expected.starts_with("MemAvailable"));
	/* That there is more than before is no harm. */
	after = {1 << 20, 1'000'000, 1};
	EXPECT_FALSE(compare(before, after, bounds));
}

constexpr ScenarioKind some_kinds[] = {
    {"one", "", true, nullptr}, {"two", "", true, nullptr}, {"three", "", false, nullptr}};

TEST(client_stress_mix, names_choose_scenarios)
{
	using Names = std::vector<std::string>;
	EXPECT_EQ(parse_mix("two", some_kinds), Names{"two"});
	EXPECT_EQ(parse_mix("three,one", some_kinds), (Names{"one", "three"}));
	EXPECT_EQ(parse_mix("one,one", some_kinds), Names{"one"});
	EXPECT_EQ(parse_mix("all", some_kinds), (Names{"one", "two", "three"}));
	EXPECT_EQ(parse_mix("one,all", some_kinds), (Names{"one", "two", "three"}));
	for (const char *wrong : {"", ",", "one,", ",one", "one,,two", "One", " one", "one two", "four"})
		EXPECT_FALSE(parse_mix(wrong, some_kinds)) << wrong;
	EXPECT_NE(parse_mix("one,four", some_kinds).error().find("'four'"), std::string::npos);
}

RunReport broken_report()
{
	RunReport report;
	report.plan = {{"one", "three"}, 2.5, 1000, 18446744073709551615u, 30};
	report.took = 1.25;
	report.scenarios = {{"one", Outcome::broken, "", {{"sent", 10}, {"received", 9}}},
	                    {"three", Outcome::skipped, "there is no \"three\" here", {}}};
	report.broken = {{"one", all_accounted_for, "10 sent", "9 received"}};
	report.memory = MemoryOutcome{{100, 90, 10}, {100, 80, 12}, {16, 48}};
	return report;
}

TEST(client_stress_report, tells_what_was_broken_and_how_to_repeat_it)
{
	EXPECT_EQ(to_text(broken_report()),
	          "seed 18446744073709551615, 1.2 s\n"
	          "one        broken   10 sent, 9 received\n"
	          "three      skipped  there is no \"three\" here\n"
	          "memory: SUnreclaim 12 KiB (+2), within 16 KiB; MemAvailable 80 KiB (-10), within 48 KiB\n"
	          "BROKEN in one: sent = received + counted lost\n"
	          "  expected: 10 sent\n"
	          "  seen:     9 received\n"
	          "to reproduce it: cnx stress --mix one,three --time 2.5 --count 1000 --seed 18446744073709551615\n"
	          "result: broken\n");
}

TEST(client_stress_report, is_json_that_can_be_read_back)
{
	const auto json = nlohmann::json::parse(to_json(broken_report()).dump());
	EXPECT_EQ(json["result"], "broken");
	EXPECT_EQ(json["seed"], 18446744073709551615u);
	EXPECT_EQ(json["scenarios"][0]["counts"]["received"], 9);
	EXPECT_EQ(json["scenarios"][1]["reason"], "there is no \"three\" here");
	EXPECT_EQ(json["broken"][0]["seen"], "9 received");
	EXPECT_EQ(json["memory"]["sunreclaim_after_kib"], 12);
	EXPECT_EQ(json["reproduce"], command_of(broken_report().plan));
	auto held = broken_report();
	held.broken.clear();
	held.interrupted = true;
	EXPECT_EQ(to_json(held)["result"], "held");
	EXPECT_NE(to_text(held).find("result: interrupted; all invariants held so far"), std::string::npos);
	EXPECT_EQ(to_text(held).find("reproduce"), std::string::npos);
}

/* A module and a driver that answer what a run asks before it begins. */
class World
{
public:
	Surroundings surroundings()
	{
		Surroundings around;
		around.open = [this](const client::Options &) {
			const std::scoped_lock lock(mutex_);
			auto &kernel = kernels_.emplace_back();
			kernel.answer = [this](client::test::Kernel &self, const client::test::Sent &sent) {
				answer(self, sent);
			};
			return client::Client(std::make_unique<client::test::Stub>(kernel));
		};
		around.interrupted = [this] { return interrupted.load(); };
		return around;
	}

	std::atomic<bool> interrupted{false};
	std::atomic<int> driver{0}; /* an errno instead of its report */

private:
	void answer(client::test::Kernel &kernel, const client::test::Sent &sent) const
	{
		if (sent.message.id == client::control_id) {
			kernel.control<cnx_counters>(sent, {});
		} else if (sent.message.id == command_id && driver) {
			kernel.acknowledge(sent.netlink.nlmsg_seq, driver);
		} else if (sent.message.id == command_id) {
			const Report report{};
			kernel.message({command_id, sent.message.seq, 1, 0, std::as_bytes(std::span(&report, 1))});
		} else {
			client::test::echo(kernel, sent);
		}
	}

	std::mutex mutex_;
	std::list<client::test::Kernel> kernels_;
};

/* A scenario that is made of functions, for one test at a time. */
struct Script {
	std::string obstacle;
	std::function<void(Worker &)> work;
	std::atomic<unsigned> restored{0};
};
Script *script = nullptr;

class Scripted : public Scenario
{
public:
	std::string obstacle() override { return script->obstacle; }
	void run(Worker &worker) override { script->work(worker); }
	void restore() override { ++script->restored; }
};

class Idle : public Scenario
{
public:
	void run(Worker &worker) override
	{
		while (worker.go_on())
			std::this_thread::sleep_for(1ms);
	}
};

constexpr ScenarioKind scripted_kinds[] = {
    {"scripted", "", true, [] { return std::unique_ptr<Scenario>(new Scripted); }},
    {"idle", "", false, [] { return std::unique_ptr<Scenario>(new Idle); }},
};

class client_stress_run : public testing::Test
{
protected:
	client_stress_run() { script = &script_; }

	client::Result<RunReport> run(Plan plan, const std::function<void(const RunReport &)> &hung = nullptr)
	{
		return stress::Run(plan, world_.surroundings(), scripted_kinds).execute(hung);
	}

	World world_;
	Script script_;
};

TEST_F(client_stress_run, ends_when_the_time_is_over)
{
	script_.work = [](Worker &worker) {
		while (worker.go_on())
			worker.count("turns");
	};
	const auto report = run({{"scripted", "idle"}, 0.2, 0, 1, 30});
	ASSERT_TRUE(report);
	EXPECT_GE(report->took, 0.2);
	EXPECT_TRUE(report->broken.empty());
	EXPECT_EQ(report->scenarios.at(0).counts.at(0).first, "turns");
	EXPECT_EQ(script_.restored, 1u);
}

TEST_F(client_stress_run, ends_when_the_count_is_reached_and_takes_those_that_count_nothing_along)
{
	script_.work = [](Worker &worker) {
		for (; worker.go_on(); worker.did(10))
			worker.count("messages", 10);
	};
	const auto report = run({{"scripted", "idle"}, 0, 100, 1, 30});
	ASSERT_TRUE(report);
	EXPECT_EQ(report->scenarios.at(0).counts.at(0).second, 100u);
}

TEST_F(client_stress_run, ends_at_the_first_broken_promise)
{
	script_.work = [](Worker &worker) { worker.holds(settle(2, 1, 0, 0)); };
	const auto report = run({{"scripted", "idle"}, 30, 0, 1, 30});
	ASSERT_TRUE(report);
	ASSERT_EQ(report->broken.size(), 1u);
	EXPECT_EQ(report->broken[0].scenario, "scripted");
	EXPECT_EQ(report->broken[0].invariant, all_accounted_for);
	EXPECT_EQ(report->scenarios.at(0).outcome, Outcome::broken);
	EXPECT_EQ(report->scenarios.at(1).outcome, Outcome::held);
	EXPECT_LT(report->took, 10);
}

TEST_F(client_stress_run, an_interrupt_ends_it_with_the_report_so_far)
{
	script_.work = [this](Worker &worker) {
		worker.count("before");
		world_.interrupted = true;
		while (worker.go_on())
			std::this_thread::sleep_for(1ms);
	};
	const auto report = run({{"scripted"}, 30, 0, 1, 30});
	ASSERT_TRUE(report);
	EXPECT_TRUE(report->interrupted);
	EXPECT_TRUE(report->broken.empty());
	EXPECT_EQ(report->scenarios.at(0).counts.size(), 1u);
}

TEST_F(client_stress_run, a_worker_that_gives_no_sign_of_life_is_reported)
{
	std::atomic<bool> noticed{false};
	script_.work = [&](Worker &worker) {
		auto beside = worker.beside(3, [&](Worker &) {
			while (!noticed)
				std::this_thread::sleep_for(1ms);
		});
		while (worker.go_on())
			std::this_thread::sleep_for(1ms);
	};
	RunReport seen;
	const auto report = run({{"scripted", "idle"}, 60, 0, 9, 0.5}, [&](const RunReport &hung) {
		seen = hung;
		noticed = true;
	});
	ASSERT_TRUE(report);
	ASSERT_EQ(seen.broken.size(), 1u);
	EXPECT_EQ(seen.broken[0].invariant, "every worker gets on");
	EXPECT_EQ(seen.broken[0].seen, "none from worker scripted/3");
	EXPECT_NE(to_text(seen).find("--seed 9"), std::string::npos);
	EXPECT_GE(script_.restored, 1u);
}

TEST_F(client_stress_run, what_cannot_run_is_skipped_among_others_and_refused_alone)
{
	script_.obstacle = "it is not there";
	const auto mixed = run({{"scripted", "idle"}, 0.1, 0, 1, 30});
	ASSERT_TRUE(mixed);
	EXPECT_EQ(mixed->scenarios.at(0).outcome, Outcome::skipped);
	EXPECT_EQ(mixed->scenarios.at(0).reason, "it is not there");
	EXPECT_EQ(mixed->scenarios.at(1).outcome, Outcome::held);
	const auto alone = run({{"scripted"}, 0.1, 0, 1, 30});
	ASSERT_FALSE(alone);
	EXPECT_NE(alone.error().what.find("it is not there"), std::string::npos);
	EXPECT_EQ(script_.restored, 2u);
}

TEST_F(client_stress_run, a_driver_that_is_missing_is_named_with_the_remedy)
{
	world_.driver = ENODEV;
	const auto report = run({{"idle"}, 0.1, 0, 1, 30});
	ASSERT_FALSE(report);
	EXPECT_EQ(report.error().code, ENODEV);
	EXPECT_NE(report.error().what.find("cnx load stress"), std::string::npos);
	world_.driver = EPERM;
	EXPECT_EQ(run({{"idle"}, 0.1, 0, 1, 30}).error().code, EPERM);
}

TEST_F(client_stress_run, an_echo_that_answers_is_accounted_for)
{
	script_.work = [](Worker &worker) {
		auto asker = Asker::open(worker);
		ASSERT_TRUE(asker);
		while (worker.go_on())
			ASSERT_TRUE(asker->ask(4, 100, echo_id));
		EXPECT_EQ(asker->books().asked(), asker->books().replies());
	};
	const auto report = run({{"scripted"}, 0, 1000, 1, 30});
	ASSERT_TRUE(report);
	EXPECT_TRUE(report->broken.empty());
}

std::vector<measure::Measurement> two_measurements()
{
	measure::Measurement one{"a<b>&\"c\"", 2,   1000,
	                         900,          100, measure::Percentiles{1500, 20'000, 300'000, 4'000'000}};
	measure::Measurement nothing{"nothing", 0, 0, 0, 0, std::nullopt};
	return {one, nothing};
}

TEST(client_stress_bench, percentiles_of_many_listeners_are_those_of_all)
{
	bench::Latencies one, other;
	for (int i = 0; i < 99; ++i)
		one.add(100);
	other.add(1000);
	one.add(other);
	const auto percentiles = measure::percentiles_of(one);
	EXPECT_NEAR(static_cast<double>(percentiles.p50), 100, 7);
	EXPECT_EQ(percentiles.max, 1000u);
	EXPECT_EQ(percentiles.p999, 1000u);
}

TEST(client_stress_bench, a_table_has_a_line_for_each)
{
	const auto table = measure::to_table(two_measurements());
	EXPECT_NE(table.find(" 450   10.0%        1.5       20.0      300.0     4000.0\n"), std::string::npos) << table;
	EXPECT_NE(table.find("nothing                         0    0.0%\n"), std::string::npos) << table;
}

TEST(client_stress_bench, json_has_what_the_table_has)
{
	const auto json = measure::to_json({"6.1", 2, "0.1.0"}, two_measurements());
	EXPECT_EQ(json["measurements"][0]["latency_ns"]["p99.9"], 300'000);
	EXPECT_TRUE(json["measurements"][1]["latency_ns"].is_null());
	EXPECT_EQ(json["measurements"][0]["received_per_second"], 450.0);
}

TEST(client_stress_bench, a_picture_is_one_whatever_is_in_it)
{
	for (const auto &measurements : {two_measurements(), std::vector<measure::Measurement>{}}) {
		const auto svg = measure::to_svg({"6.1", 2, "0.1.0"}, measurements);
		EXPECT_TRUE(svg.starts_with("<svg "));
		EXPECT_TRUE(svg.ends_with("</svg>\n"));
		EXPECT_EQ(svg.find("nan"), std::string::npos);
		EXPECT_EQ(svg.find("inf"), std::string::npos);
	}
	const auto svg = measure::to_svg({"6.1", 2, "0.1.0"}, two_measurements());
	EXPECT_NE(svg.find(">a&lt;b&gt;&amp;&quot;c&quot;</text>"), std::string::npos);
	EXPECT_NE(svg.find(">450/s, 10.0% lost</text>"), std::string::npos);
}

} // namespace
