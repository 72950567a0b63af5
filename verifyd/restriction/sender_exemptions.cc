#include "verifyd/restriction/sender_exemptions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr std::array<std::pair<absl::string_view, absl::string_view>, 4> kNamed = {{
    {"verp", R"(^[^@]*[-+._][^@]*=[^@=]+\.[^@=]+@)"},
    {"batv", R"(^(prvs=[0-9a-z]{10}=|btv1==))"},
    {"srs", R"(^srs[01][-=+])"},
    {"list", R"(^(owner-|bounces?[-+]|list-|mailer-daemon@|listserv@|listmaster@|majordomo@|no-?reply@|bounces?@)|)"
             R"((-|\.|_)(owner|owners|request|bounces?|return|admin)(-[^@]*|\+[^@]*)?@)"},
}};

}  // namespace

absl::StatusOr<SenderExemptions> SenderExemptions::Create(const std::vector<std::string>& items) {
  auto patterns = std::make_shared<PatternSet>();
  for (const std::string& item : items) {
    const auto* const named =
        std::find_if(kNamed.begin(), kNamed.end(), [&](const auto& row) { return row.first == item; });
    absl::string_view pattern = item;
    if (named != kNamed.end()) {
      pattern = named->second;
    } else if (!absl::ConsumePrefix(&pattern, "/") || !absl::ConsumeSuffix(&pattern, "/") || pattern.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("found \"", Printable(item, 100), "\", expected verp, batv, srs, list, or a /pattern/"));
    }
    if (const absl::Status added = patterns->Add(pattern).status(); !added.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("found \"", Printable(item, 100), "\", expected a pattern of RE2: ", added.message()));
    }
  }
  RETURN_IF_ERROR(patterns->Compile());
  SenderExemptions exemptions;
  if (patterns->size() > 0) exemptions.patterns_ = std::move(patterns);
  return exemptions;
}

bool SenderExemptions::Contain(const Address& sender) const {
  if (patterns_ == nullptr) return false;
  const PatternHits hits = patterns_->Match(sender.Key());
  for (size_t i = 0; i < patterns_->size(); ++i) {
    if (hits.Has(i)) return true;
  }
  return false;
}

}  // namespace verifyd
