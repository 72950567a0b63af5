#include "verifyd/restriction/sender_exemptions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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

constexpr int64_t kMaxPatternMemory = 1 << 20;

absl::StatusOr<std::shared_ptr<const re2::RE2>> Compile(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(false);
  options.set_max_mem(kMaxPatternMemory);
  // Addresses are any octets.
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto compiled = std::make_shared<const re2::RE2>(pattern, options);
  if (compiled->ok()) return std::shared_ptr<const re2::RE2>(std::move(compiled));
  return absl::InvalidArgumentError(
      absl::StrCat("found \"", Printable(pattern, 100), "\", expected a pattern of RE2: ", compiled->error()));
}

}  // namespace

absl::StatusOr<SenderExemptions> SenderExemptions::Create(const std::vector<std::string>& items) {
  SenderExemptions exemptions;
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
    absl::StatusOr<std::shared_ptr<const re2::RE2>> compiled = Compile(std::string(pattern));
    if (!compiled.ok()) return compiled.status();
    exemptions.patterns_.push_back(*std::move(compiled));
  }
  return exemptions;
}

bool SenderExemptions::Contain(const Address& sender) const {
  const std::string key = sender.Key();
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const auto& pattern) { return re2::RE2::PartialMatch(key, *pattern); });
}

}  // namespace verifyd
