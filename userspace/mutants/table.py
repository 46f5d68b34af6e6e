# SPDX-License-Identifier: GPL-2.0-only
"""What is taken away from cnx, one thing at a time, and which tests must notice.

Each mutant is (name, file, what it takes away, text, what stands there instead, tests). The text occurs once in the file.
A test is one of

    unit FILE[:FILTER]     a file of userspace/test under AddressSanitizer and UBSan; of a client test, the client library
    tsan FILE[:FILTER]     a core test under ThreadSanitizer, over the replica's plain RCU: what orders memory on paper
    corpus PROGRAM         the corpus of a fuzzer
    fuzz PROGRAM           the same, and then half a minute of new inputs
    compile_fail CASE      what must not compile compiles
    guest SCRIPT           a script in the booted kernel
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    takes_away: str
    text: str
    instead: str
    tests: list


CORE = "include/cnx/core/"
REPLICA = "userspace/replica/include/cnx/replica/"
CLIENT = "userspace/client/"


def mutant(name, file, takes_away, text, instead, *tests):
    return Mutant(name, file, takes_away, text, instead, list(tests))


MUTANTS = [
    # ------------------------------------------------------------------------------------ bytes from outside
    mutant("parse-short-body", CORE + "message.hpp", "the check that a connector header is there",
           "if (body.size() < sizeof(cnx_msg)) [[unlikely]]", "if (false)", "unit core_message_test", "corpus core_message"),
    mutant("parse-too-large", CORE + "message.hpp", "the bound of a message",
           "if (body.size() > CNX_MAX_MESSAGE) [[unlikely]]", "if (false)", "unit core_message_test", "corpus core_message"),
    mutant("parse-payload-length", CORE + "message.hpp", "the check of cn_msg.len against the bytes that are there",
           "if (length > payload.size()) [[unlikely]]", "if (false)", "unit core_message_test", "corpus core_message"),
    mutant("parse-length-below-header", CORE + "message.hpp", "the check that a netlink message holds its header",
           "if (length < sizeof(NetlinkHeader) || length > rest_.size()) [[unlikely]]",
           "if (length > rest_.size()) [[unlikely]]", "unit core_message_test", "corpus core_message"),
    mutant("parse-length-beyond-end", CORE + "message.hpp", "the check of nlmsg_len against the datagram",
           "if (length < sizeof(NetlinkHeader) || length > rest_.size()) [[unlikely]]",
           "if (length < sizeof(NetlinkHeader)) [[unlikely]]", "unit core_message_test", "corpus core_message"),
    mutant("parse-unpadded-last", CORE + "message.hpp", "the bound of a step to the next message",
           "if (advance < rest_.size())", "if (true)", "unit core_message_test", "corpus core_message"),
    mutant("parse-padding", CORE + "message.hpp", "the padding between messages",
           "const auto advance = netlink_align(length);", "const auto advance = length;", "corpus core_message"),
    mutant("control-record-room", CORE + "control.hpp", "the bounds check of a reply",
           "if (buffer_.size() - used_ < sizeof(T))", "if (false)", "unit core_control_test", "corpus core_control"),
    mutant("control-version", CORE + "control.hpp", "the check of a request's version",
           "if (!request || request->version != CNX_CONTROL_VERSION)", "if (!request)",
           "unit core_control_test", "corpus core_control"),
    mutant("control-empty-page", CORE + "control.hpp", "the refusal of a page that would hold nothing",
           "if (!finished && header.count == 0)", "if (false)", "unit core_control_test", "corpus core_control"),
    mutant("control-flags", CORE + "control.hpp", "the refusal of flags that nobody knows",
           "(subscription.flags & ~CNX_SUBSCRIBE_BATCHES) != 0", "false", "unit core_control_test", "corpus core_control"),
    mutant("client-length-beyond-end", CLIENT + "datagram.cpp", "the client's check of nlmsg_len against the datagram",
           "if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > rest.size())",
           "if (header.nlmsg_len < sizeof(nlmsghdr))", "unit client_datagram_test", "corpus client_datagram"),
    mutant("client-payload-length", CLIENT + "datagram.cpp", "the client's check of cn_msg.len",
           "if (header.len > rest.size() || rest.size() - header.len >= NLMSG_ALIGNTO)", "if (false)",
           "unit client_datagram_test", "corpus client_datagram"),
    mutant("client-quoted-message", CLIENT + "datagram.cpp", "the client's check of what a refusal quotes",
           "if (begin > body.size())", "if (false)", "unit client_datagram_test"),
    mutant("client-attribute-length", CLIENT + "datagram.cpp", "the client's check of an attribute's length",
           "if (header.nla_len < sizeof(nlattr) || header.nla_len > attributes.size())",
           "if (header.nla_len < sizeof(nlattr))", "unit client_datagram_test"),
    mutant("client-forged-sender", CLIENT + "client.cpp", "the check that a datagram comes from the kernel",
           "if (datagram->sender != 0) {", "if (false) {", "unit client_exchange_test"),

    # ------------------------------------------------------------------------------------ rights
    mutant("admits-anyone", CORE + "dispatcher.hpp", "the check of the sender's capability",
           "P::permits(sender, callback.capability()))", "true)", "unit core_dispatcher_test", "corpus core_dispatcher"),
    mutant("admits-anyone-to-sleepables", CORE + "dispatcher.hpp", "the check before a sleepable callback",
           "if (!admits(*callback, sender, success)) [[unlikely]]\n\t\t\treturn not_permitted;\n\t\tif (callback->kind()",
           "if (callback->kind()", "unit core_dispatcher_test", "corpus core_dispatcher"),
    mutant("listens-to-any-group", CORE + "control.hpp", "the check of who may subscribe to a group",
           "if (!itself && !may_listen(sender, subscription.group))", "if (false)",
           "unit core_control_test", "corpus core_control"),
    mutant("losses-of-others", CORE + "control.hpp", "the check of who may ask what others missed",
           "if (portid != sender.portid && !privileged(sender))", "if (false)",
           "unit core_control_test", "corpus core_control"),
    mutant("subscriptions-all-for-anyone", CORE + "control.hpp", "the half of all subscriptions that is kept for the privileged",
           "privileged(sender) ? Subscriptions<P>::limit : limit_unprivileged", "Subscriptions<P>::limit",
           "unit core_control_test"),
    mutant("group-of-one-that-is-open", CORE + "registry.hpp", "that one callback which is not open closes its group",
           "open = entry.open_to_listeners();\n\t\t\t                   return open;",
           "open |= entry.open_to_listeners();\n\t\t\t                   return true;",
           "unit core_registry_test", "corpus core_dispatcher"),

    # ------------------------------------------------------------------------------------ bounds
    mutant("subscriptions-unbounded", CORE + "subscriptions.hpp", "the bound of subscriptions",
           "} else if (old.size() >= most) {", "} else if (false) {", "unit core_subscriptions_test", "corpus core_control"),
    mutant("losses-unbounded", CORE + "losses.hpp", "the bound of pairs that are remembered",
           "if (writer.size == limit)", "if (false)", "unit core_losses_test"),
    mutant("queue-overflow", CORE + "coalescer.hpp", "the bound of the queue of full datagrams",
           "if (state.queued == queue_depth)\n", "if (false)\n", "unit core_coalescer_test", "corpus core_coalescer"),
    mutant("sends-for-ever", CORE + "coalescer.hpp", "the bound of what one caller sends for others",
           "const bool enough = sent == 2 * queue_depth;", "const bool enough = false;",
           "unit core_coalescer_test:*DoesNotSendForOthersForEver*"),
    mutant("magazine-too-deep", CORE + "magazines.hpp", "the bound of a magazine",
           "if (depth == 0 || depth > deepest)", "if (depth == 0)", "unit core_magazines_test", "corpus core_magazines"),
    mutant("overflow-count-wraps", CORE + "rcu_table.hpp", "the limit at which a bucket's count of passers-by stays",
           "void pass_by()\n\t\t{\n\t\t\tif (overflows(word()) < overflow_limit)", "void pass_by()\n\t\t{\n",
           "unit core_rcu_table_test"),
    mutant("name-without-end", CORE + "registry.hpp", "the room for a name's NUL",
           "if (length == 0 || length == spec.name.size())", "if (length == 0)",
           "unit core_registry_test", "corpus core_dispatcher"),
    mutant("size-overflow", REPLICA + "memory.hpp", "the check that a size did not overflow when it was rounded",
           "if (rounded < bytes)", "if (false)", "unit core_platform_test"),

    # ------------------------------------------------------------------------------------ lifetimes
    mutant("removal-without-grace-period", CORE + "registry.hpp", "the grace period of a removal",
           "P::synchronize();\n\t\tfinish(", "finish(", "unit core_promise_test"),
    mutant("removal-without-waiting", CORE + "registry.hpp", "the wait for running calls",
           "if (entry->kind() == Kind::sleepable)\n\t\t\t\tcalls_.wait(*entry);", "static_cast<void>(entry);",
           "unit core_promise_test", "unit core_registry_test:*RemovalWaits*"),
    mutant("removal-in-a-read-section", CORE + "registry.hpp", "the refusal to wait in a read section",
           "if (P::in_read_section() ||\n\t\t    std::any_of", "if (std::any_of", "corpus core_dispatcher"),
    mutant("removal-of-oneself", CORE + "registry.hpp", "the refusal to wait for oneself",
           "return entry.kind() == Kind::sleepable && calls_.running_here(entry);",
           "static_cast<void>(entry);\n\t\treturn false;", "corpus core_dispatcher"),
    mutant("removed-twice", CORE + "registry.hpp", "the flag of an entry that is being removed",
           "if (!flag_all(entries, &Entry::leaving_))", "if (false)", "unit core_registry_test", "corpus core_dispatcher"),
    mutant("flags-left-behind", CORE + "registry.hpp", "that a refused removal flags nobody",
           "for (T *const each : all.first(i))\n\t\t\teach->*flag = false;", "", "unit core_registry_test", "corpus core_dispatcher"),
    mutant("waiter-unannounced", CORE + "registry.hpp", "the word to those who run that somebody waits",
           "\t\tcalls_.announce_waiter();\n", "", "unit core_registry_test:*RemovalWaits*"),
    mutant("stale-hint", CORE + "registry.hpp", "that a listing forgets where it was when that goes",
           "if (hint == &entry)\n\t\t\t\thint = nullptr;\n", "", "unit core_control_test", "corpus core_control"),
    mutant("call-not-held", CORE + "dispatcher.hpp", "what keeps a sleepable callback while it runs",
           "const typename Registry<P>::Calls::Call running(registry_.calls(), *guard, *callback);\n", "",
           "unit core_promise_test", "unit core_registry_test:*RemovalWaits*"),
    mutant("call-held-too-late", CORE + "dispatcher.hpp", "that a call is held before its read section ends",
           "const typename Registry<P>::Calls::Call running(registry_.calls(), *guard, *callback);\n\t\tguard.reset();",
           "guard.reset();\n\t\tconst typename Registry<P>::Calls::Call running(registry_.calls(), *guard, *callback);",
           "unit core_dispatcher_test"),
    mutant("call-beyond-the-slots", CORE + "running_calls.hpp", "the list of calls that found no slot",
           "if (!slot_)\n\t\t\t\tcalls_.overflow_.with([this](Overflow &overflow) { overflow.push(*this); });", "",
           "unit core_registry_test"),
    mutant("sleeps-where-it-must-not", CORE + "dispatcher.hpp", "the question whether a driver's caller may sleep",
           "outcome.counted == CNX_DROP_WOULD_BLOCK && P::may_sleep()", "outcome.counted == CNX_DROP_WOULD_BLOCK",
           "unit core_dispatcher_test", "corpus core_dispatcher"),
    mutant("slot-reused-at-once", CORE + "rcu_table.hpp", "that a slot waits for a grace period",
           "place.bucket->set_state(place.slot, leaving_slot);\n\t\t--live_;",
           "place.bucket->set_state(place.slot, free_slot);\n\t\t--live_;", "unit core_rcu_table_test"),
    mutant("recycles-anothers-slot", CORE + "rcu_table.hpp", "that the slot which was waited for is recycled",
           "state(bucket.word(), slot) == leaving_slot && bucket.value(slot) == &value;",
           "state(bucket.word(), slot) == leaving_slot;", "unit core_rcu_table_test"),
    mutant("array-freed-at-once", CORE + "rcu_table.hpp", "the grace period of an array that was exchanged",
           "Array::retire(std::move(fresh));", "static_cast<void>(std::move(fresh));",
           "unit core_rcu_table_test", "unit core_progress_test", "unit core_linearizable_test"),
    mutant("pair-freed-at-once", CORE + "losses.hpp", "the grace period of a count that was forgotten",
           "P::retire(&pair->retire, reclaim);", "release(*pair);", "unit core_losses_test"),
    mutant("subscriptions-freed-at-once", CORE + "subscriptions.hpp", "the grace period of subscriptions that were exchanged",
           "P::retire(&old->retire, Snapshot::reclaim);", "Snapshot::release(old);", "unit core_subscriptions_test"),
    mutant("inherits-a-portid", CORE + "subscriptions.hpp", "that the next socket with a portid keeps what it asked for",
           "return s.portid != portid || (s.endpoint && !P::is_closed(s.endpoint));", "return s.portid != portid;",
           "unit core_subscriptions_test", "corpus core_control"),

    # ------------------------------------------------------------------------------------ locks and atomics
    mutant("data-without-its-lock", CORE + "protected.hpp", "the lock around data",
           "lock_(lock) { lock_.lock(); }\n\t\t~Hold() CNX_RELEASE() { lock_.unlock(); }", "lock_(lock) {}\n\t\t~Hold() CNX_RELEASE() {}",
           "tsan core_losses_test"),
    mutant("counted-twice", CORE + "losses.hpp", "the second look, under the lock, for who was there first",
           "Pair *pair = find(portid, id);\n\t\t\tif (!pair)\n\t\t\t\tpair = insert", "Pair *pair = nullptr;\n\t\t\tif (!pair)\n\t\t\t\tpair = insert",
           "unit core_losses_test"),
    mutant("two-senders", CORE + "coalescer.hpp", "that one at a time sends from the queue",
           "if (sent == 0 && state.sending)\n\t\t\t\t\treturn false;", "", "unit core_coalescer_test", "corpus core_coalescer"),
    mutant("taken-twice", CORE + "magazines.hpp", "that a buffer is taken out in one step",
           "reinterpret_cast<T *>(words_[first + slot].exchange(0, std::memory_order_acquire))",
           "reinterpret_cast<T *>([this, slot] {\n\t\t\t\tconst auto word = words_[first + slot].load(std::memory_order_acquire);\n"
           "\t\t\t\twords_[first + slot].store(0, std::memory_order_relaxed);\n\t\t\t\treturn word;\n\t\t\t}())",
           "unit core_magazines_test", "tsan core_magazines_test"),
    mutant("given-over", CORE + "magazines.hpp", "that a buffer is put into an empty slot alone",
           "if (holds(slot))\n\t\t\t\treturn false;\n\t\t\tstd::uintptr_t vacant = 0;", "std::uintptr_t vacant = words_[first + slot].load();",
           "unit core_magazines_test", "corpus core_magazines"),

    # ------------------------------------------------------------------------------------ barriers
    mutant("table-published-relaxed", CORE + "rcu_table.hpp", "the release of an array",
           "table_.published_.store(view.word(), std::memory_order_release)",
           "table_.published_.store(view.word(), std::memory_order_relaxed)", "tsan core_rcu_table_test", "tsan core_progress_test"),
    mutant("table-read-relaxed", CORE + "rcu_table.hpp", "the acquire of an array",
           "const View view(published_.load(std::memory_order_acquire));",
           "const View view(published_.load(std::memory_order_relaxed));", "tsan core_rcu_table_test", "tsan core_progress_test"),
    mutant("tag-published-relaxed", CORE + "rcu_table.hpp", "the release of what a tag announces",
           "tags.store(word, std::memory_order_release)", "tags.store(word, std::memory_order_relaxed)",
           "tsan core_rcu_table_test", "tsan core_linearizable_test"),
    mutant("tag-read-relaxed", CORE + "rcu_table.hpp", "the acquire of what a tag announces",
           "return tags.load(std::memory_order_acquire);", "return tags.load(std::memory_order_relaxed);",
           "tsan core_rcu_table_test", "tsan core_linearizable_test"),
    mutant("call-ends-relaxed", CORE + "running_calls.hpp", "the release at the end of a call",
           "callback.store(nullptr, std::memory_order_release);", "callback.store(nullptr, std::memory_order_relaxed);",
           "tsan core_ordering_test"),
    mutant("call-seen-relaxed", CORE + "running_calls.hpp", "the acquire of who waits for a call",
           "slot.callback.load(std::memory_order_acquire) == &callback", "slot.callback.load(std::memory_order_relaxed) == &callback",
           "tsan core_ordering_test"),
    mutant("pair-published-relaxed", CORE + "losses.hpp", "the release of a new count",
           "head.store(pair, std::memory_order_release);", "head.store(pair, std::memory_order_relaxed);", "tsan core_losses_test"),
    mutant("pair-listed-relaxed", CORE + "losses.hpp", "the release of a new count in the list",
           "(writer.last ? writer.last->next : first_).store(pair, std::memory_order_release);",
           "(writer.last ? writer.last->next : first_).store(pair, std::memory_order_relaxed);", "tsan core_losses_test"),
    mutant("subscriptions-published-relaxed", CORE + "subscriptions.hpp", "the release of new subscriptions",
           "snapshot_.store(fresh, std::memory_order_release);", "snapshot_.store(fresh, std::memory_order_relaxed);",
           "tsan core_subscriptions_test"),
    mutant("buffer-taken-relaxed", CORE + "magazines.hpp", "the acquire of what a giver did to a buffer",
           "exchange(0, std::memory_order_acquire)", "exchange(0, std::memory_order_relaxed)", "tsan core_magazines_test"),
    mutant("buffer-given-relaxed", CORE + "magazines.hpp", "the release of what a giver did to a buffer",
           "reinterpret_cast<std::uintptr_t>(&buffer), std::memory_order_release,",
           "reinterpret_cast<std::uintptr_t>(&buffer), std::memory_order_relaxed,", "tsan core_magazines_test"),
    mutant("spinlock-relaxed", REPLICA + "locks.hpp", "the acquire of the replica's spinlock",
           "held_.test_and_set(std::memory_order_acquire)", "held_.test_and_set(std::memory_order_relaxed)", "tsan core_losses_test"),
    mutant("spinlock-released-relaxed", REPLICA + "locks.hpp", "the release of the replica's spinlock",
           "held_.clear(std::memory_order_release)", "held_.clear(std::memory_order_relaxed)", "tsan core_losses_test"),
    mutant("reader-unseen", REPLICA + "plain.hpp", "that a grace period of the replica's plain RCU waits for its readers",
           "if (epoch == outside || epoch >= started) {", "if (true) {", "tsan core_promise_test"),

    # ------------------------------------------------------------------------------------ types
    mutant("guard-copied", REPLICA + "platform.hpp", "that a read guard is not copied",
           "ReadGuard(const ReadGuard &) = delete;", "ReadGuard(const ReadGuard &) {}", "compile_fail core_copied_guard"),
    mutant("find-under-a-temporary", CORE + "rcu_table.hpp", "that a temporary guard is no witness",
           "V *find(const typename P::ReadGuard &&, std::uint64_t) const = delete;\n", "", "compile_fail core_temporary_guard_table"),
    mutant("lookup-under-a-temporary", CORE + "registry.hpp", "the same for a lookup by id",
           "Entry *find(const typename P::ReadGuard &&, Id) const = delete;\n", "", "compile_fail core_temporary_guard"),
    mutant("result-ignored", CORE + "result.hpp", "that a result is looked at",
           "class [[nodiscard]] Result", "class Result", "compile_fail core_ignored_result"),

    # ------------------------------------------------------------------------------------ the kernel
    mutant("kernel-permits-anyone", "kernel/bindings.c", "the kernel's check of a sender's capability",
           "return netlink_ns_capable(skb, net->user_ns, capability);", "return true;", "guest 30-wire", "guest 31-control"),
    mutant("kernel-joins-any-group", "kernel/namespace.c", "the kernel's check of who joins a group",
           "ns_capable(net->user_ns, CAP_NET_ADMIN) || cnx_core_group_is_open(connector, group) ? 0 : -EPERM;", "0;",
           "guest 31-control", "guest 32-listen"),
    mutant("kernel-forgets-nobody", "kernel/namespace.c", "the end of what a socket asked for when it closes",
           "if (event != NETLINK_URELEASE)", "if (true)", "guest 31-control", "guest 36-subscribers"),
    mutant("malformed-uncounted", CORE + "dispatcher.hpp", "the count of headers that cannot be trusted",
           "counters_.add(static_cast<cnx_counter>(malformed));\n\t\tobserve_drop", "observe_drop", "guest 71-fuzz"),
    mutant("kernel-without-grace-periods", "kernel/bindings.c", "the kernel's grace periods",
           "synchronize_rcu();", "", "guest 20-kernel", "guest 35-unload"),
    mutant("early-senders-let-in", "kernel/namespace.c", "what holds off who sends while sockets are made",
           "int status = cnx_early_senders_hold_off();", "int status = 0;", "guest 37-early-senders"),
    mutant("early-senders-remembered", "kernel/namespace.c", "the emptying of queues that nobody reads",
           "\t\tcnx_forget_early_senders();\n", "\t\t(void)cnx_forget_early_senders;\n", "guest 37-early-senders"),
    mutant("closed-misses", "kernel/transport.hpp", "that a socket that closes misses nothing, whose portid another has",
           "else if (!cnx_k_socket_is_closed(subscriber.socket))", "else", "guest 32-listen"),
]
