#include "mail/probe_sender.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// Digits and consonants: a code never spells a word.
constexpr absl::string_view kAlphabet = "0123456789BCDFGHJKLMNPQRSTVWXYZ";
constexpr uint64_t kBase = 31;
static_assert(kAlphabet.size() == kBase);

std::optional<uint64_t> DecodeSlot(absl::string_view code) {
  uint64_t slot = 0;
  for (const char c : code) {
    const size_t digit = kAlphabet.find(c);
    if (digit == absl::string_view::npos) return std::nullopt;
    if (slot > (std::numeric_limits<uint64_t>::max() - digit) / kBase) return std::nullopt;
    slot = slot * kBase + digit;
  }
  return slot;
}

uint64_t SlotAt(absl::Time now, absl::Duration ttl) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixSeconds(now), 0)) /
         static_cast<uint64_t>(absl::ToInt64Seconds(ttl));
}

// Every server takes so many octets (RFC 5321 section 4.5.3.1); our own sender keeps to them.
constexpr size_t kMaxLocal = 64;
constexpr size_t kMaxPath = 254;

absl::Status Bad(absl::string_view base, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("probe sender \"", Printable(base, 100), "\": ", why));
}

}  // namespace

absl::StatusOr<ProbeSender> ProbeSender::Create(absl::string_view base, absl::string_view myorigin,
                                                absl::Duration ttl) {
  ProbeSender sender;
  if (base.empty() || base == "<>") return sender;
  const bool half = base.front() == '@' || base.back() == '@';
  if (half) return Bad(base, "begins or ends with @, expected USER or USER@DOMAIN");
  if (ttl < absl::ZeroDuration() || ttl % absl::Seconds(1) != absl::ZeroDuration()) {
    return Bad(base, "its lifetime must be a whole number of seconds");
  }
  const std::string qualified = absl::StrContains(base, '@') ? std::string(base) : absl::StrCat(base, "@", myorigin);
  const absl::StatusOr<Address> address = Address::FromUnquoted(qualified);
  if (!address.ok()) return Bad(base, address.status().message());
  sender.local_ = address->local();
  sender.domain_ = address->domain();
  sender.ttl_ = ttl;
  const std::string longest = sender.UnquotedAt(absl::InfiniteFuture());
  const size_t local = longest.size() - 1 - sender.domain_.size();
  if (local > kMaxLocal || longest.size() > kMaxPath) {
    return Bad(base, absl::StrCat("too long", ttl > absl::ZeroDuration() ? " with a code" : "", ": found ", local,
                                  " octets of a local part, ", longest.size(), " of an address, expected at most ",
                                  kMaxLocal, " and ", kMaxPath));
  }
  return sender;
}

std::string ProbeSender::UnquotedAt(absl::Time now) const {
  const std::string code = ttl_ == absl::ZeroDuration() ? "" : EncodeSlot(SlotAt(now, ttl_));
  return absl::StrCat(local_, code, "@", domain_);
}

std::string ProbeSender::At(absl::Time now) const {
  if (local_.empty()) return "";
  return Address::FromUnquoted(UnquotedAt(now))->ToSmtp();
}

bool ProbeSender::IsOurs(absl::string_view address, absl::Time now) const {
  if (local_.empty() || !absl::StartsWithIgnoreCase(address, local_)) return false;
  const size_t at = address.rfind('@');
  if (at == absl::string_view::npos || at < local_.size()) return false;
  if (!absl::EqualsIgnoreCase(address.substr(at + 1), domain_)) return false;
  const absl::string_view code = address.substr(local_.size(), at - local_.size());
  if (ttl_ == absl::ZeroDuration()) return code.empty();
  const std::optional<uint64_t> theirs = DecodeSlot(code);
  if (!theirs.has_value()) return false;
  const uint64_t ours = SlotAt(now, ttl_);
  return std::max(*theirs, ours) - std::min(*theirs, ours) <= 1;
}

std::string ProbeSender::EncodeSlot(uint64_t slot) {
  std::string code;
  for (; slot > 0; slot /= kBase) code.push_back(kAlphabet[slot % kBase]);
  std::reverse(code.begin(), code.end());
  return code;
}

}  // namespace verifyd
