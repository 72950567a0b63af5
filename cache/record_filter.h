// A filter of records: it chooses the records that a list shows or a purge forgets.
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

// Every field that is set must match the standing finding. Nothing set: every record.
struct RecordFilter {
  std::string domain;  // as in DomainMatches: ".example.com" matches names below example.com
  std::optional<Deliverability> deliverability;
  std::optional<Reason> reason;
  std::string mx;  // name of the MX host, as `domain`
  // confirmed at least (`older`) or less (`newer`) than so long ago
  std::optional<absl::Duration> older;
  std::optional<absl::Duration> newer;

  bool empty() const;
  // Returns the filter for the log: "domain=example.com older=168h", printable.
  std::string Text() const;
  bool Matches(absl::string_view key, const Record& record, absl::Time now) const;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_RECORD_FILTER_H_
