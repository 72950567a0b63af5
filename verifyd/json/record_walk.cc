#include "verifyd/json/record_walk.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "cache/write_room.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {
namespace {

struct Page {
  RecordWalk::Rooms rooms;
  RecordFilter filter;
  std::string next;
  size_t examined = 0;
  size_t matched = 0;
  bool whole = false;  // nothing more to examine in this page
  bool told = false;   // its last line is out
};

// Returns the next few that match.
std::vector<std::pair<std::string, Record>> Turn(Page& page) {
  Cache::RecordPage found = page.rooms.cache.RecordsAfter(page.next, Cache::kInATurn);
  const absl::Time now = page.rooms.loop.clock().Now();
  std::erase_if(found.records, [&](const auto& entry) { return !page.filter.Matches(entry.first, entry.second, now); });
  page.examined += found.examined;
  page.matched += found.records.size();
  page.next = std::move(found.next);
  page.whole = page.next.empty() || page.examined >= RecordWalk::kExamined || page.matched >= RecordWalk::kShown;
  return std::move(found.records);
}

ShownPage Summary(const Page& page) { return {.examined = page.examined, .next = page.next}; }

boost::asio::awaitable<std::optional<std::string>> Listed(std::shared_ptr<Page> page) {
  if (page->told) co_return std::nullopt;
  std::string lines;
  while (lines.empty() && !page->whole) {
    for (const auto& [key, record] : Turn(*page)) {
      lines += JsonLine(
          ShownEntry{.address = key, .record = Shown(record, page->rooms.lifetimes, page->rooms.loop.clock().Now())});
    }
    co_await page->rooms.loop.Yield();
  }
  if (page->whole) {
    page->told = true;
    lines += JsonLine(Summary(*page));
  }
  co_return lines;
}

// Forgets what is held of a domain as a whole: it decides about the domain's addresses, too.
bool ForgetDomain(Page& page) {
  RecordFilter others = page.filter;
  others.domain.clear();
  if (page.filter.domain.empty() || absl::StartsWith(page.filter.domain, ".") || !others.empty()) return false;
  const std::optional<DomainFact> fact = page.rooms.cache.FindDomainFact(page.filter.domain);
  return fact.has_value() && page.rooms.cache.DeleteDomainFact(page.filter.domain);
}

boost::asio::awaitable<std::optional<std::string>> Purged(std::shared_ptr<Page> page, bool dry_run) {
  if (std::exchange(page->told, true)) co_return std::nullopt;
  if (!dry_run && !co_await RoomForWrites(page->rooms.loop, page->rooms.cache)) {
    co_return "{\"error\":\"the cache can not write as fast as that; nothing more is deleted\"}\n";
  }
  const bool domain_gone = !dry_run && page->next.empty() && ForgetDomain(*page);
  size_t deleted = 0;
  while (!page->whole) {
    for (const auto& [key, record] : Turn(*page)) {
      if (!dry_run && page->rooms.cache.DeleteRecord(key)) ++deleted;
    }
    co_await page->rooms.loop.Yield();
  }
  ShownPage summary = Summary(*page);
  summary.matched = page->matched;
  summary.deleted = deleted;
  summary.domains = domain_gone ? 1 : 0;
  co_return JsonLine(summary);
}

std::shared_ptr<Page> PageOf(const RecordWalk::Rooms& rooms, RecordFilter filter, std::string after) {
  return std::make_shared<Page>(Page{.rooms = rooms, .filter = std::move(filter), .next = std::move(after)});
}

}  // namespace

LineSource RecordWalk::List(const Rooms& rooms, RecordFilter filter, std::string after) {
  return [page = PageOf(rooms, std::move(filter), std::move(after))] { return Listed(page); };
}

LineSource RecordWalk::Purge(const Rooms& rooms, RecordFilter filter, std::string after, bool dry_run) {
  return [page = PageOf(rooms, std::move(filter), std::move(after)), dry_run] { return Purged(page, dry_run); };
}

}  // namespace verifyd
