#include "verifyd/history/decision_record.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "mail/masked_text.h"
#include "verifyd/history/decision_entry.h"
#include "verifyd/history/shown_report.h"
#include "verifyd/history/watch.h"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

constexpr int64_t kHour = 3600;
constexpr int64_t kWeek = int64_t{7} * 24;
// The most lines of log an hour.
constexpr size_t kMostTold = 20;

absl::Time TimeOf(int64_t hour) { return absl::FromUnixSeconds(hour * kHour); }

std::vector<ShownNotice> Shown(const std::vector<Notice>& notices) {
  std::vector<ShownNotice> shown;
  for (const Notice& notice : notices) {
    shown.push_back({.kind = notice.kind, .about = notice.about, .text = notice.text});
  }
  return shown;
}

}  // namespace

DecisionRecord::DecisionRecord(Loop& loop, Cache& cache) : loop_(loop), cache_(cache), write_timer_(loop.timers()) {
  WriteLater();
}

DecisionRecord::~DecisionRecord() { Write(); }

void DecisionRecord::Configure(const DecisionRecordSettings& settings) {
  bound_.Check();
  settings_ = settings;
  if (settings_.directory.empty() || files_ != nullptr) return;
  files_ = std::make_unique<HourFiles>(settings_.directory);
  hours_ = files_->Load(HourNow() - settings_.keep_time / absl::Hours(1));
  // Drop hours in the future, which a wrong clock has left: what is decided now would be counted there.
  hours_.erase(hours_.upper_bound(HourNow()), hours_.end());
}

std::string DecisionRecord::Take(const MailRequest& request, const Ruling& ruling) {
  bound_.Check();
  const absl::Time now = loop_.clock().Now();
  DecisionEntry entry = DecisionEntryFor(request, ruling, cache_, now);
  std::string pseudonym;
  std::string reply;
  if (const Pseudonyms* const pseudonyms = cache_.pseudonyms(); pseudonyms != nullptr) {
    reply = MaskedReply(entry.reply, entry.address);
    pseudonym = pseudonyms->Of(entry.address);
    entry.reply = reply;
    entry.address = pseudonym;
  }
  ThisHour().Count(entry);
  changed_ = true;
  if (!settings_.refusal_ids || !ruling.decision.refuses()) return "";
  return book_.Enter(request, ruling, now);
}

int64_t DecisionRecord::HourNow() const { return absl::ToUnixSeconds(loop_.clock().Now()) / kHour; }

// If the clock was set back, this goes on with the hour it was.
Tally& DecisionRecord::ThisHour() {
  const int64_t hour = HourNow();
  if (hours_.empty() || hours_.rbegin()->first < hour) RollOver(hour);
  return hours_.rbegin()->second;
}

void DecisionRecord::RollOver(int64_t hour) {
  if (!hours_.empty()) {
    Write();
    hours_.rbegin()->second.Shrink(kDomainsKept);
    loop_.Spawn(Watch(hours_.rbegin()->first));
  }
  hours_[hour];
  hours_.erase(hours_.begin(), hours_.lower_bound(hour - settings_.keep_time / absl::Hours(1)));
}

void DecisionRecord::Write() {
  if (files_ == nullptr || !std::exchange(changed_, false)) return;
  const auto& [hour, tally] = *hours_.rbegin();
  files_->Write(hour, tally, HourNow() - settings_.keep_time / absl::Hours(1));
}

void DecisionRecord::WriteLater() {
  write_timer_.SetAfter(kWriteInterval, [this] {
    ThisHour();
    Write();
    WriteLater();
  });
}

boost::asio::awaitable<Tally> DecisionRecord::Sum(int64_t first, int64_t end) {
  Tally sum;
  for (auto hour = hours_.lower_bound(first); hour != hours_.end() && hour->first < end;) {
    sum.Add(hour->second);
    const int64_t next = hour->first + 1;
    co_await loop_.Yield();
    hour = hours_.lower_bound(next);
  }
  co_return sum;
}

boost::asio::awaitable<std::string> DecisionRecord::Report(absl::Duration since) {
  bound_.Check();
  const absl::Time now = loop_.clock().Now();
  const int64_t end = HourNow() + 1;
  const bool more_than_kept = since > settings_.keep_time;
  const int64_t first = std::max<int64_t>(absl::ToUnixSeconds(now - std::min(since, settings_.keep_time)) / kHour, 0);
  const Tally hours = co_await Sum(first, end);
  const Tally before = co_await Sum(first - kWeek, first);
  const Tally week = co_await Sum(end - kWeek, end);
  const std::vector<Notice> notices = Notices(hours, before, week);
  ShownReport report{.from = TimeOf(first), .until = now, .tally = {hours.Report()}, .notices = Shown(notices)};
  if (more_than_kept) report.kept = FormatTimeValue(settings_.keep_time);
  co_return boost::json::serialize(AsJson(report));
}

// Logs what is noticed; what holds for days is logged once a day.
boost::asio::awaitable<void> DecisionRecord::Watch(int64_t hour) {
  const Tally hours = co_await Sum(hour, hour + 1);
  const Tally before = co_await Sum(hour - kWeek, hour);
  const Tally week = co_await Sum(hour + 1 - kWeek, hour + 1);
  if (std::exchange(told_day_, hour / 24) != hour / 24) told_.clear();
  size_t told = 0;
  for (const Notice& notice : Notices(hours, before, week)) {
    const bool lasts = notice.kind == "accepts_all" || notice.kind == "deferred_without_end";
    if (lasts && !told_.insert(absl::StrCat(notice.kind, " ", notice.about)).second) continue;
    if (++told > kMostTold) {
      LogWarning("record: there is more to notice; see verifyctl report");
      co_return;
    }
    LogWarning(absl::StrCat("record: ", notice.text));
  }
}

}  // namespace verifyd
