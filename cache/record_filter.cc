#include "cache/record_filter.h"

#include "base/text.h"

namespace verifyd {

bool RecordFilter::empty() const {
  return domain.empty() && !deliverability.has_value() && !reason.has_value() && mx.empty() && !older.has_value() &&
         !newer.has_value();
}

bool RecordFilter::Matches(absl::string_view key, const Record& record, absl::Time now) const {
  const Finding& finding = record.finding;
  if (deliverability.has_value() && finding.deliverability != *deliverability) return false;
  if (reason.has_value() && finding.reason != *reason) return false;
  if (older.has_value() && now - finding.when < *older) return false;
  if (newer.has_value() && now - finding.when >= *newer) return false;
  if (!mx.empty() && !DomainMatches(finding.mx_name, mx)) return false;
  return domain.empty() || DomainMatches(key.substr(key.rfind('@') + 1), domain);
}

}  // namespace verifyd
