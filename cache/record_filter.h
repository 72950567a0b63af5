// A filter of records: which ones a list shows, and which ones a purge forgets.
//
// Thread: any (a value).
#ifndef VERIFYD_CACHE_RECORD_FILTER_H_
#define VERIFYD_CACHE_RECORD_FILTER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/record.h"
#include "mail/finding.h"

namespace verifyd {

// All that is set must hold of the standing finding. Nothing set: every record.
struct RecordFilter {
  std::string domain;  // as DomainMatches has it: ".example.com" is what is below example.com
  std::optional<Deliverability> deliverability;
  std::optional<Reason> reason;
  std::string mx;  // name of the MX host, as `domain`
  // Confirmed at least, or less than, so long ago.
  std::optional<absl::Duration> older;
  std::optional<absl::Duration> newer;

  bool empty() const;
  // For the log: "domain=example.com older=168h", printable.
  std::string Text() const;
  bool Matches(absl::string_view key, const Record& record, absl::Time now) const;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_RECORD_FILTER_H_
