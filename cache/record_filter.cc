#include "cache/record_filter.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "classifier/reason.h"

namespace verifyd {
namespace {

constexpr size_t kShown = 255;

}  // namespace

bool RecordFilter::empty() const {
  return domain.empty() && !deliverability.has_value() && !reason.has_value() && mx.empty() && !older.has_value() &&
         !newer.has_value();
}

std::string RecordFilter::Text() const {
  std::vector<std::string> parts;
  if (!domain.empty()) parts.push_back(absl::StrCat("domain=", Printable(domain, kShown)));
  if (deliverability.has_value()) parts.push_back(absl::StrCat("status=", DeliverabilityName(*deliverability)));
  if (reason.has_value()) parts.push_back(absl::StrCat("reason=", ReasonName(*reason)));
  if (!mx.empty()) parts.push_back(absl::StrCat("mx=", Printable(mx, kShown)));
  if (older.has_value()) parts.push_back(absl::StrCat("older=", absl::FormatDuration(*older)));
  if (newer.has_value()) parts.push_back(absl::StrCat("newer=", absl::FormatDuration(*newer)));
  return absl::StrJoin(parts, " ");
}

bool RecordFilter::Matches(absl::string_view key, const Record& record, absl::Time now) const {
  const Finding& finding = record.finding;
  if (deliverability.has_value() && ShownDeliverability(finding.deliverability, finding.reason) != *deliverability) {
    return false;
  }
  if (reason.has_value() && finding.reason != *reason) return false;
  if (older.has_value() && now - finding.when < *older) return false;
  if (newer.has_value() && now - finding.when >= *newer) return false;
  if (!mx.empty() && !DomainMatches(finding.mx_name, mx)) return false;
  return domain.empty() || DomainMatches(key.substr(key.rfind('@') + 1), domain);
}

}  // namespace verifyd
