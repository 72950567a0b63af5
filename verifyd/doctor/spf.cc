#include "verifyd/doctor/spf.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dns/blocklist.h"

namespace verifyd {
namespace {

constexpr int kMostLookups = 10;
constexpr int kMostVoidLookups = 2;
constexpr size_t kMostMxHosts = 10;
constexpr size_t kLongestRecord = 4096;
constexpr size_t kShownTerm = 100;

// The error InvalidArgument is permerror, Unavailable is temperror, Unimplemented means that we can not tell.
absl::Status SpfError(absl::string_view term, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", Printable(term, kShownTerm), "\": ", why));
}

struct SpfTerm {
  std::string text;  // as written
  char qualifier = '+';
  std::string name;    // in lower case
  std::string domain;  // domain-spec, macros not expanded; empty: none
  int prefix4 = 32;
  int prefix6 = 128;
  Network network;  // of ip4 and ip6
};

struct SpfRecord {
  std::vector<SpfTerm> mechanisms;
  std::string redirect;  // domain-spec
};

bool IsSpf(absl::string_view text) {
  return absl::EqualsIgnoreCase(text.substr(0, 6), "v=spf1") && (text.size() == 6 || text[6] == ' ');
}

bool TakePrefix(absl::string_view& text, absl::string_view slash, int most, int& prefix) {
  const size_t at = text.rfind(slash);
  if (at == absl::string_view::npos) return true;
  const absl::string_view digits = text.substr(at + slash.size());
  // A slash may also be a delimiter of a macro.
  if (!absl::c_all_of(digits, [](char c) { return absl::ascii_isdigit(c); })) return true;
  if (digits.empty() || !absl::SimpleAtoi(digits, &prefix) || prefix > most) return false;
  text = text.substr(0, at);
  return true;
}

absl::StatusOr<SpfTerm> ParseNetworkTerm(SpfTerm term, absl::string_view argument) {
  const absl::string_view address = argument.substr(0, argument.find('/'));
  int prefix = term.name == "ip4" ? 32 : 128;
  absl::string_view rest = argument;
  const std::optional<AddressBits> bits = ParseIpAddress(address);
  if (!bits.has_value() || absl::StrContains(address, ':') != (term.name == "ip6") ||
      !TakePrefix(rest, "/", prefix, prefix) || rest != address) {
    return SpfError(term.text, "no network");
  }
  if (term.name == "ip4") prefix += 96;
  term.network = {.bits = MaskedTo(prefix, *bits), .prefix = prefix};
  return term;
}

absl::StatusOr<SpfTerm> ParseMechanism(absl::string_view text) {
  SpfTerm term;
  term.text = std::string(text);
  absl::string_view rest = text;
  if (absl::StrContains("+-?~", rest.substr(0, 1))) {
    term.qualifier = rest.front();
    rest.remove_prefix(1);
  }
  const size_t end = std::min(rest.find_first_of(":/"), rest.size());
  term.name = absl::AsciiStrToLower(rest.substr(0, end));
  rest.remove_prefix(end);
  const bool has_argument = absl::ConsumePrefix(&rest, ":");
  if (has_argument && rest.empty()) return SpfError(text, "nothing behind the colon");
  if (term.name == "ip4" || term.name == "ip6") return ParseNetworkTerm(std::move(term), rest);
  if (term.name == "a" || term.name == "mx") {
    if (!TakePrefix(rest, "//", 128, term.prefix6) || !TakePrefix(rest, "/", 32, term.prefix4)) {
      return SpfError(text, "no prefix length");
    }
    if (has_argument == rest.empty()) return SpfError(text, "no domain");
  } else if (term.name == "include" || term.name == "exists") {
    if (rest.empty()) return SpfError(text, "no domain");
  } else if (term.name == "all") {
    if (!rest.empty()) return SpfError(text, "takes no domain");
  } else if (term.name != "ptr") {
    return SpfError(text, "no such mechanism");
  }
  term.domain = std::string(rest);
  return term;
}

// A modifier has a '=' before any ':' or '/' (RFC 7208 section 4.6.1).
bool IsModifier(absl::string_view text) {
  const size_t at = text.find_first_of("=:/");
  return at != absl::string_view::npos && at > 0 && text[at] == '=';
}

absl::StatusOr<SpfRecord> ParseSpf(absl::string_view text) {
  if (text.size() > kLongestRecord) return SpfError(text, "too long");
  SpfRecord record;
  for (const absl::string_view item : absl::StrSplit(text.substr(6), ' ', absl::SkipEmpty())) {
    if (!IsModifier(item)) {
      ASSIGN_OR_RETURN(SpfTerm term, ParseMechanism(item));
      record.mechanisms.push_back(std::move(term));
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(item, absl::MaxSplits('=', 1));
    if (!absl::EqualsIgnoreCase(parts.first, "redirect")) continue;
    if (parts.second.empty() || !record.redirect.empty()) return SpfError(item, "none or several redirects");
    record.redirect = std::string(parts.second);
  }
  return record;
}

SpfResult ResultOf(char qualifier) {
  switch (qualifier) {
    case '-':
      return SpfResult::kFail;
    case '~':
      return SpfResult::kSoftfail;
    case '?':
      return SpfResult::kNeutral;
    default:
      return SpfResult::kPass;
  }
}

SpfVerdict VerdictOf(const absl::Status& error, absl::string_view domain) {
  const SpfResult result = absl::IsUnavailable(error)     ? SpfResult::kTemperror
                           : absl::IsUnimplemented(error) ? SpfResult::kUnknown
                                                          : SpfResult::kPermerror;
  return {result, absl::StrCat(domain, ": ", error.message())};
}

// Applies the text behind the letter of a macro, "3r-": how many parts, reversed, split where.
std::string Transformed(const std::string& value, absl::string_view transformers) {
  size_t digits = 0;
  while (digits < transformers.size() && absl::ascii_isdigit(transformers[digits])) ++digits;
  size_t most = 0;
  const bool limited = digits > 0 && absl::SimpleAtoi(transformers.substr(0, digits), &most);
  transformers.remove_prefix(digits);
  const bool reversed = absl::ConsumePrefix(&transformers, "r") || absl::ConsumePrefix(&transformers, "R");
  if (!limited && !reversed && transformers.empty()) return value;
  std::vector<std::string> parts = absl::StrSplit(value, absl::ByAnyChar(transformers.empty() ? "." : transformers));
  if (reversed) std::reverse(parts.begin(), parts.end());
  if (limited && most > 0 && parts.size() > most) {
    parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(most));
  }
  return absl::StrJoin(parts, ".");
}

class SpfEvaluation {
 public:
  SpfEvaluation(Resolver& resolver, const SpfQuestion& question, MonoTime deadline)
      : resolver_(resolver), question_(question), client_(ParseIpAddress(question.client)), deadline_(deadline) {}

  // Each turn but the first costs a look-up, so the recursion ends.
  boost::asio::awaitable<SpfVerdict> Check(std::string domain) {
    const absl::StatusOr<std::vector<std::string>> records = co_await Records(domain);
    if (!records.ok()) co_return VerdictOf(records.status(), domain);
    if (records->empty()) co_return SpfVerdict{SpfResult::kNone, absl::StrCat(domain, " has no SPF record")};
    if (records->size() > 1) {
      co_return SpfVerdict{SpfResult::kPermerror, absl::StrCat(domain, " has ", records->size(), " SPF records")};
    }
    const absl::StatusOr<SpfRecord> record = ParseSpf(records->front());
    if (!record.ok()) co_return VerdictOf(record.status(), domain);
    for (const SpfTerm& term : record->mechanisms) {
      const absl::StatusOr<bool> matches = co_await Matches(term, domain);
      if (!matches.ok()) co_return VerdictOf(matches.status(), domain);
      if (!*matches) continue;
      co_return SpfVerdict{ResultOf(term.qualifier),
                           absl::StrCat("\"", Printable(term.text, kShownTerm), "\" of ", domain)};
    }
    if (record->redirect.empty()) {
      co_return SpfVerdict{SpfResult::kNeutral, absl::StrCat("no term of ", domain, " matches")};
    }
    const absl::StatusOr<std::string> target = Target("redirect", record->redirect, domain);
    if (!target.ok()) co_return VerdictOf(target.status(), domain);
    SpfVerdict verdict = co_await Check(*target);
    if (verdict.result == SpfResult::kNone) verdict.result = SpfResult::kPermerror;
    co_return verdict;
  }

 private:
  boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> Records(std::string domain) {
    const std::shared_ptr<const DnsAnswer> answer = co_await resolver_.Query(domain, DnsType::kTxt, deadline_);
    std::vector<std::string> records;
    if (answer->status == DnsStatus::kNoData || answer->status == DnsStatus::kNxDomain) co_return records;
    if (answer->status != DnsStatus::kOk) co_return Failed(DnsType::kTxt, domain, answer->status);
    for (const std::string& text : answer->texts) {
      if (IsSpf(text)) records.push_back(text);
    }
    co_return records;
  }

  static absl::Status Failed(DnsType type, absl::string_view name, DnsStatus status) {
    return absl::UnavailableError(absl::StrCat(DnsTypeName(type), " of ", name, ": ", DnsStatusName(status)));
  }

  // Counts a term that looks something up, and returns the name to look up.
  absl::StatusOr<std::string> Target(absl::string_view term, absl::string_view spec, const std::string& domain) {
    if (++lookups_ > kMostLookups) {
      return SpfError(term, absl::StrCat("more than ", kMostLookups, " terms that look something up"));
    }
    if (spec.empty()) return domain;
    ASSIGN_OR_RETURN(std::string target, Expanded(spec, domain));
    absl::string_view name = target;
    absl::ConsumeSuffix(&name, ".");
    // A name that is too long loses labels on its left (section 7.3).
    while (name.size() > 253 && absl::StrContains(name, '.')) name.remove_prefix(name.find('.') + 1);
    if (!IsDomainName(name)) return SpfError(spec, "no domain");
    return absl::AsciiStrToLower(name);
  }

  absl::StatusOr<std::string> Expanded(absl::string_view spec, const std::string& domain) const {
    std::string out;
    while (!spec.empty()) {
      if (spec.front() != '%') {
        out.push_back(spec.front());
        spec.remove_prefix(1);
      } else if (absl::ConsumePrefix(&spec, "%%")) {
        out.push_back('%');
      } else if (absl::ConsumePrefix(&spec, "%_")) {
        out.push_back(' ');
      } else if (absl::ConsumePrefix(&spec, "%-")) {
        out.append("%20");
      } else if (const size_t end = spec.find('}'); absl::StartsWith(spec, "%{") && end > 2 && end < spec.size()) {
        ASSIGN_OR_RETURN(const std::string value, MacroValue(absl::ascii_tolower(spec[2]), domain));
        out.append(Transformed(value, spec.substr(3, end - 3)));
        spec.remove_prefix(end + 1);
      } else {
        return SpfError(spec, "no macro");
      }
      if (out.size() > kLongestRecord) return SpfError(spec, "too long");
    }
    return out;
  }

  absl::StatusOr<std::string> MacroValue(char letter, const std::string& domain) const {
    const size_t at = question_.sender.rfind('@');
    switch (letter) {
      case 'd':
        return domain;
      case 's':
        return question_.sender;
      case 'l':
        return question_.sender.substr(0, at);
      case 'o':
        return question_.sender.substr(at + 1);
      case 'h':
        return question_.helo;
      case 'i':
        return DottedClient();
      case 'v':
        return std::string(is_ipv6() ? "ip6" : "in-addr");
      default:
        return absl::UnimplementedError(absl::StrCat("the macro %{", Printable(absl::string_view(&letter, 1), 1), "}"));
    }
  }

  bool is_ipv6() const { return absl::StrContains(question_.client, ':'); }

  // Returns an IPv6 address nibble by nibble.
  std::string DottedClient() const {
    if (!is_ipv6()) return question_.client;
    // This is "nibbles.in.reverse." with nothing behind it.
    const std::string reversed = Blocklist{.zone = "", .filter = {}}.NameOf(question_.client);
    std::vector<std::string> nibbles = absl::StrSplit(reversed, '.', absl::SkipEmpty());
    std::reverse(nibbles.begin(), nibbles.end());
    return absl::StrJoin(nibbles, ".");
  }

  boost::asio::awaitable<absl::StatusOr<bool>> Matches(const SpfTerm& term, const std::string& domain) {
    if (term.name == "all") co_return true;
    if (term.name == "ip4" || term.name == "ip6") co_return client_.has_value() && term.network.Contains(*client_);
    if (term.name == "ptr") co_return absl::UnimplementedError("the mechanism ptr");
    const absl::StatusOr<std::string> target = Target(term.text, term.domain, domain);
    if (!target.ok()) co_return target.status();
    if (term.name == "include") co_return co_await Includes(*target);
    if (term.name == "mx") co_return co_await MatchesMx(term, *target);
    const DnsType type = term.name == "a" && is_ipv6() ? DnsType::kAaaa : DnsType::kA;
    const absl::StatusOr<std::vector<std::string>> addresses = co_await Addresses(*target, type, /*counts=*/true);
    if (!addresses.ok()) co_return addresses.status();
    co_return term.name == "exists" ? !addresses->empty() : MatchesAny(term, *addresses);
  }

  boost::asio::awaitable<absl::StatusOr<bool>> Includes(std::string target) {
    const SpfVerdict verdict = co_await Check(std::move(target));
    switch (verdict.result) {
      case SpfResult::kPass:
        co_return true;
      case SpfResult::kFail:
      case SpfResult::kSoftfail:
      case SpfResult::kNeutral:
        co_return false;
      case SpfResult::kTemperror:
        co_return absl::UnavailableError(verdict.explanation);
      case SpfResult::kUnknown:
        co_return absl::UnimplementedError(verdict.explanation);
      case SpfResult::kNone:
      case SpfResult::kPermerror:
        break;
    }
    co_return absl::InvalidArgumentError(verdict.explanation);
  }

  boost::asio::awaitable<absl::StatusOr<bool>> MatchesMx(const SpfTerm& term, std::string target) {
    const std::shared_ptr<const DnsAnswer> answer = co_await resolver_.Query(target, DnsType::kMx, deadline_);
    const absl::Status counted = Count(DnsType::kMx, target, answer->status, /*counts=*/true);
    if (!counted.ok()) co_return counted;
    if (answer->mx.size() > kMostMxHosts) co_return SpfError(term.text, "more than ten MX hosts");
    for (const MxRecord& mx : answer->mx) {
      if (!IsDomainName(mx.exchange)) continue;
      const absl::StatusOr<std::vector<std::string>> addresses =
          co_await Addresses(mx.exchange, is_ipv6() ? DnsType::kAaaa : DnsType::kA, /*counts=*/false);
      if (!addresses.ok()) co_return addresses.status();
      if (MatchesAny(term, *addresses)) co_return true;
    }
    co_return false;
  }

  boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> Addresses(std::string host, DnsType type,
                                                                             bool counts) {
    const std::shared_ptr<const DnsAnswer> answer = co_await resolver_.Query(host, type, deadline_);
    const absl::Status counted = Count(type, host, answer->status, counts);
    if (!counted.ok()) co_return counted;
    co_return answer->addresses;
  }

  // Unavailable where nothing definite was answered, InvalidArgument at one void look-up too many.
  absl::Status Count(DnsType type, absl::string_view name, DnsStatus status, bool counts) {
    if (status == DnsStatus::kOk) return absl::OkStatus();
    if (status != DnsStatus::kNoData && status != DnsStatus::kNxDomain) return Failed(type, name, status);
    if (!counts || ++void_lookups_ <= kMostVoidLookups) return absl::OkStatus();
    return SpfError(name, absl::StrCat("more than ", kMostVoidLookups, " look-ups find nothing"));
  }

  bool MatchesAny(const SpfTerm& term, const std::vector<std::string>& addresses) const {
    if (!client_.has_value()) return false;
    const int prefix = is_ipv6() ? term.prefix6 : 96 + term.prefix4;
    return absl::c_any_of(addresses, [&](const std::string& address) {
      const std::optional<AddressBits> bits = ParseIpAddress(address);
      return bits.has_value() && Network{.bits = MaskedTo(prefix, *bits), .prefix = prefix}.Contains(*client_);
    });
  }

  Resolver& resolver_;
  const SpfQuestion& question_;
  const std::optional<AddressBits> client_;
  const MonoTime deadline_;
  int lookups_ = 0;
  int void_lookups_ = 0;
};

}  // namespace

absl::string_view SpfResultName(SpfResult result) {
  switch (result) {
    case SpfResult::kNone:
      return "none";
    case SpfResult::kNeutral:
      return "neutral";
    case SpfResult::kPass:
      return "pass";
    case SpfResult::kFail:
      return "fail";
    case SpfResult::kSoftfail:
      return "softfail";
    case SpfResult::kTemperror:
      return "temperror";
    case SpfResult::kPermerror:
      return "permerror";
    case SpfResult::kUnknown:
      return "can not tell";
  }
  return "unknown";
}

boost::asio::awaitable<SpfVerdict> EvaluateSpf(Resolver& resolver, SpfQuestion question, MonoTime deadline) {
  SpfEvaluation evaluation(resolver, question, deadline);
  co_return co_await evaluation.Check(question.sender.substr(question.sender.rfind('@') + 1));
}

}  // namespace verifyd
