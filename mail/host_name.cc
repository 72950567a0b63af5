#include "mail/host_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/network.h"

namespace verifyd {
namespace {

bool IsLabel(absl::string_view label) {
  const auto fits = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), fits);
}

bool IsNumber(absl::string_view label) { return std::all_of(label.begin(), label.end(), absl::ascii_isdigit); }

}  // namespace

bool IsHostName(absl::string_view text) {
  absl::ConsumeSuffix(&text, ".");
  if (text.empty() || text.size() > 255) return false;
  bool numbers = true;
  for (const absl::string_view label : absl::StrSplit(text, '.')) {
    if (!IsLabel(label)) return false;
    numbers = numbers && IsNumber(label);
  }
  return !numbers;
}

bool IsFullyQualified(absl::string_view text) {
  absl::ConsumeSuffix(&text, ".");
  return IsHostName(text) && absl::StrContains(text, '.');
}

bool IsAddressLiteral(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "[") || !absl::ConsumeSuffix(&text, "]")) return false;
  const bool ipv6 = absl::StartsWithIgnoreCase(text, "IPv6:");
  if (ipv6) text.remove_prefix(5);
  return IsIpAddress(text) && absl::StrContains(text, ':') == ipv6;
}

}  // namespace verifyd
