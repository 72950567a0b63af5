#include "stream/tls_policy.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr std::array<std::pair<absl::string_view, TlsLevel>, 6> kLevels = {{{"none", TlsLevel::kNone},
                                                                            {"may", TlsLevel::kMay},
                                                                            {"encrypt", TlsLevel::kEncrypt},
                                                                            {"dane", TlsLevel::kDane},
                                                                            {"dane-only", TlsLevel::kDaneOnly},
                                                                            {"secure", TlsLevel::kSecure}}};

}  // namespace

std::optional<TlsLevel> TlsLevelFromName(absl::string_view name) {
  for (const auto& [known, level] : kLevels) {
    if (known == name) return level;
  }
  return std::nullopt;
}

absl::string_view TlsLevelName(TlsLevel level) {
  for (const auto& [name, known] : kLevels) {
    if (known == level) return name;
  }
  return "";
}

absl::StatusOr<TlsPolicy> TlsPolicy::Parse(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, absl::ByAnyChar(" \t,"), absl::SkipEmpty());
  const absl::string_view name = words.empty() ? "" : words.front();
  // Postfix's verify differs from its secure in the names that it accepts by default.
  const bool verify = name == "verify";
  const std::optional<TlsLevel> level = verify ? TlsLevel::kSecure : TlsLevelFromName(name);
  if (!level.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("found \"", Printable(name, 40),
                     "\", expected a TLS level: none, may, encrypt, dane, dane-only, verify or secure"));
  }
  TlsPolicy policy;
  policy.level = *level;
  for (size_t i = 1; i < words.size(); ++i) {
    absl::string_view value = words[i];
    if (absl::ConsumePrefix(&value, "match=")) {
      for (const absl::string_view match : absl::StrSplit(value, ':', absl::SkipEmpty())) {
        policy.match.push_back(absl::AsciiStrToLower(match));
      }
    } else if (absl::ConsumePrefix(&value, "servername=")) {
      policy.server_name = std::string(value);
    }
  }
  if (policy.level == TlsLevel::kSecure && policy.match.empty()) {
    policy.match = verify ? std::vector<std::string>{"hostname"} : std::vector<std::string>{"nexthop", "dot-nexthop"};
  }
  return policy;
}

TlsPolicy ForHost(const TlsPolicy& policy, const std::string& next_hop, const std::string& host) {
  TlsPolicy here = policy;
  for (std::string& match : here.match) {
    if (match == "nexthop") {
      match = next_hop;
    } else if (match == "dot-nexthop") {
      match = absl::StrCat(".", next_hop);
    } else if (match == "hostname") {
      match = host;
    }
  }
  if (here.server_name == "nexthop") here.server_name = next_hop;
  if (here.server_name == "hostname") here.server_name.clear();
  return here;
}

}  // namespace verifyd
