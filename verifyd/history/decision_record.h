// The decision record: the daemon's own memory of what it has decided, hour by hour, for `verifyctl report`. It is kept
// in files beside the cache (history/hour_files.h), or in memory only where there is no cache. At the end of each hour
// it looks at itself (history/watch.h) and logs what it notices.
//
// Thread: the front loop only; files are written by a thread of their own.
#ifndef VERIFYD_VERIFYD_HISTORY_DECISION_RECORD_H_
#define VERIFYD_VERIFYD_HISTORY_DECISION_RECORD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/loop_bound.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "verifyd/history/hour_files.h"
#include "verifyd/history/refusal_book.h"
#include "verifyd/history/tally.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

struct DecisionRecordSettings {
  // Folder of the hours' files; empty: memory only. Read once.
  std::string directory;
  absl::Duration keep_time = absl::Hours(24 * 31);  // report_keep_time
  bool refusal_ids = false;                         // refusal_id
};

class DecisionRecord {
 public:
  // A crash costs at most this.
  static constexpr absl::Duration kWriteInterval = absl::Minutes(5);
  // The most domains that are kept of a past hour.
  static constexpr size_t kDomainsKept = 200;

  // Both outlive the record.
  DecisionRecord(Loop& loop, Cache& cache);
  // Writes the hour.
  ~DecisionRecord();
  DecisionRecord(const DecisionRecord&) = delete;
  DecisionRecord& operator=(const DecisionRecord&) = delete;

  // Reads the files the first time; before that nothing is written.
  void Configure(const DecisionRecordSettings& settings);

  // Counts what a client is about to be told. Returns the id to tell it, where refusals have one and this is one; else
  // empty.
  std::string Take(const MailRequest& request, const Ruling& ruling);

  // Returns a JSON object: what was decided in the hours that have begun within `since`, and what is noticed. Gives
  // others their turn meanwhile; the record must be there until then.
  boost::asio::awaitable<std::string> Report(absl::Duration since);
  // As RefusalBook::Find.
  std::optional<std::string> FindRefusal(absl::string_view id) const { return book_.Find(id); }

 private:
  int64_t HourNow() const;
  Tally& ThisHour();
  void RollOver(int64_t hour);
  void Write();
  void WriteLater();
  // Sums the hours from `first` up to, but without, `end`.
  boost::asio::awaitable<Tally> Sum(int64_t first, int64_t end);
  boost::asio::awaitable<void> Watch(int64_t hour);

  Loop& loop_;
  [[no_unique_address]] LoopBound bound_{loop_};
  Cache& cache_;
  DecisionRecordSettings settings_;
  std::unique_ptr<HourFiles> files_;
  std::map<int64_t, Tally> hours_;  // by the number since the epoch; the last one is this hour
  bool changed_ = false;            // since it was written
  RefusalBook book_;
  absl::flat_hash_set<std::string> told_;  // notices that hold for days and were told on `told_day_`
  int64_t told_day_ = 0;
  Timer write_timer_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_DECISION_RECORD_H_
