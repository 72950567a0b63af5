#include "verifyd/api/cache_routes.h"

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/one_shot.h"
#include "boost/asio/awaitable.hpp"
#include "cache/write_room.h"
#include "verifyd/json/described.h"
#include "verifyd/json/record_walk.h"
#include "verifyd/json/shown_cache.h"
#include "verifyd/verifier/learning.h"
#include "verifyd/verifier/record_import.h"

namespace verifyd {
namespace {

// The asker of a cleanup hears of its end, if that comes within this time.
constexpr absl::Duration kCleanPatience = absl::Minutes(10);
// A cleanup waits so long for the last writes to be done before it counts; more may come all the time.
constexpr absl::Duration kWritePatience = absl::Seconds(1);
constexpr absl::Duration kWriteLook = absl::Milliseconds(10);

RecordWalk::Rooms WalkRooms(const ApiMemory& memory) {
  return {.loop = memory.loop, .cache = memory.cache, .lifetimes = memory.settings.lifetimes};
}

// Replies that there is no room for more, because what came before could not be written.
ApiReply WritesNothing(Cache& cache) {
  const std::string why = cache.counts().write_error;
  if (why.empty()) return ApiError(503, "the cache can not write as fast as that");
  return ApiError(503, absl::StrCat("the cache can not be written: ", why));
}

boost::asio::awaitable<ApiReply> Import(ApiMemory& memory, std::vector<absl::StatusOr<NamedRecord>> records) {
  if (!co_await RoomForWrites(memory.loop, memory.cache)) {
    co_return WritesNothing(memory.cache);
  }
  const Lifetimes lifetimes = memory.settings.lifetimes;
  const absl::Time now = memory.loop.clock().Now();
  std::array<uint64_t, 4> counts{};
  ShownImport shown;
  for (size_t i = 0; i < records.size(); ++i) {
    if (!records[i].ok()) {
      shown.errors.push_back({.record = i, .error = std::string(records[i].status().message())});
    } else {
      ++counts[static_cast<size_t>(ImportRecord(memory.cache, *records[i], lifetimes, now))];
    }
    if (i % Cache::kInATurn == Cache::kInATurn - 1) co_await memory.loop.Yield();
  }
  shown.imported = counts[static_cast<size_t>(Imported::kTaken)];
  shown.older = counts[static_cast<size_t>(Imported::kOlder)];
  shown.expired = counts[static_cast<size_t>(Imported::kExpired)];
  shown.future = counts[static_cast<size_t>(Imported::kFuture)];
  co_return JsonReply(AsJson(shown));
}

Flat<ShownLearnedCounts> CountsOf(const LearnedCounts& counts) {
  const auto number = [](int64_t count) { return static_cast<uint64_t>(count); };
  return {{.learned = number(counts.learned),
           .older = number(counts.older),
           .expired = number(counts.expired),
           .future = number(counts.future),
           .elsewhere = number(counts.elsewhere),
           .not_verified = number(counts.not_verified),
           .uninformative = number(counts.uninformative)}};
}

boost::asio::awaitable<ApiReply> Learn(ApiMemory& memory, ApiDaemon& daemon, std::vector<absl::StatusOr<Delivery>> said,
                                       bool dry_run) {
  if (!co_await RoomForWrites(memory.loop, memory.cache)) {
    co_return WritesNothing(memory.cache);
  }
  std::vector<Delivery> deliveries;
  ShownLearned shown;
  for (size_t i = 0; i < said.size(); ++i) {
    if (said[i].ok()) {
      deliveries.push_back(*std::move(said[i]));
    } else {
      shown.errors.push_back({.delivery = i, .error = std::string(said[i].status().message())});
    }
  }
  const LearnedCounts counts = co_await LearnDeliveries(memory.loop, daemon.verifier, daemon.prober,
                                                        memory.settings.classifier, std::move(deliveries), dry_run);
  shown.counts = CountsOf(counts);
  co_return JsonReply(AsJson(shown));
}

boost::asio::awaitable<ApiReply> Clean(ApiMemory& memory) {
  const OneShot<std::monostate> cleaned(memory.loop);
  const MonoTime written = memory.loop.clock().Mono() + kWritePatience;
  while (memory.cache.persistent() && memory.cache.uncommitted() > 0 && memory.loop.clock().Mono() < written) {
    co_await memory.loop.Sleep(kWriteLook);
  }
  const CacheCounts before = memory.cache.counts();
  const bool begun = memory.cache.Clean([cleaned] { cleaned.Set({}); });
  if (!begun) co_return ApiError(503, "there is no file to clean: the cache is in memory only");
  if (!co_await cleaned.Wait(memory.loop.clock().Mono() + kCleanPatience)) {
    co_return ApiError(503, "the cache is still being cleaned; the log says when that is done");
  }
  const CacheCounts after = memory.cache.counts();
  const ShownCleaning shown{.records_before = before.records,
                            .records = after.records,
                            .domains_before = before.domains,
                            .domains = after.domains};
  co_return JsonReply(AsJson(shown));
}

ApiReply HandleRecords(ApiMemory& memory, const ApiArguments& arguments) {
  ApiReply reply;
  reply.lines = RecordWalk::List(WalkRooms(memory), arguments.filter, arguments.after);
  return reply;
}

ApiReply HandlePurge(ApiMemory& memory, const ApiArguments& arguments) {
  // A slip must not forget everything.
  if (arguments.filter.empty()) {
    return ApiError(400, "found nothing that says which records, expected at least one; \"older\": \"0s\" is all");
  }
  if (!arguments.dry_run && arguments.after.empty()) {
    LogInfo(absl::StrCat("control: records are purged: ", arguments.filter.Text()));
  }
  ApiReply reply;
  reply.lines = RecordWalk::Purge(WalkRooms(memory), arguments.filter, arguments.after, arguments.dry_run);
  return reply;
}

ApiReply HandleImport(ApiMemory& memory, const ApiArguments& arguments) {
  ApiReply reply;
  reply.later = [&memory, records = arguments.records] { return Import(memory, records); };
  return reply;
}

ApiReply HandleLearn(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  ApiReply reply;
  reply.later = [&memory, &daemon, deliveries = arguments.deliveries, dry_run = arguments.dry_run] {
    return Learn(memory, daemon, deliveries, dry_run);
  };
  return reply;
}

ApiReply HandleClean(ApiMemory& memory, const ApiArguments& /*arguments*/) {
  ApiReply reply;
  reply.later = [&memory] { return Clean(memory); };
  return reply;
}

}  // namespace

std::vector<ApiRoute> CacheRoutes() {
  return {
      {"GET",
       "/v1/records",
       ApiRight::kRead,
       {"after", "deliverability", "domain", "mx", "newer", "older", "reason"},
       "A page of what is held of addresses, a line for each; the last line says what has been looked at, and where "
       "the next page begins.",
       HandleRecords},
      {"POST",
       "/v1/records",
       ApiRight::kChange,
       {"records"},
       "Take records in, unless what is held is newer; says what became of how many, and which could not be read.",
       HandleImport},
      {"POST",
       "/v1/learned",
       ApiRight::kChange,
       {"deliveries", "dry_run"},
       "Take in what deliveries of Postfix say of their recipients, where the relay is the address's own route; says "
       "what became of how many.",
       HandleLearn},
      {"POST",
       "/v1/clean",
       ApiRight::kChange,
       {},
       "Remove what has expired from the cache now; says how many records and domains there were, and are.",
       HandleClean},
      {"DELETE",
       "/v1/records",
       ApiRight::kChange,
       {"after", "deliverability", "domain", "dry_run", "mx", "newer", "older", "reason"},
       "Forget a page of them; at least one argument must say which.",
       HandlePurge},
  };
}

}  // namespace verifyd
