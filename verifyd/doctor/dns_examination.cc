#include "verifyd/doctor/dns_examination.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/gather.h"
#include "base/network.h"
#include "dns/blocklist.h"
#include "verifyd/doctor/spf.h"

namespace verifyd {
namespace {

using AnswerPtr = std::shared_ptr<const DnsAnswer>;

constexpr size_t kMostPtrNames = 10;
constexpr absl::Duration kSlowAnswer = absl::Seconds(1);
// This is signed for certain: the IETF wrote DNSSEC.
constexpr char kSignedName[] = "ietf.org";

bool IsMissing(DnsStatus status) { return status == DnsStatus::kNoData || status == DnsStatus::kNxDomain; }

// For examinations of addresses that others see, where none is known.
Examination NotKnown(absl::string_view name, const DoctorContext& context) {
  const std::vector<std::string>& inner = context.question.inner_addresses;
  return {.name = std::string(name),
          .health = Health::kNotExamined,
          .found = inner.empty() ? "no address to send from was found"
                                 : absl::StrCat("the address that others see is not known, only ",
                                                absl::StrJoin(inner, ", "), " inside"),
          .remedy = "Say it: verifyctl doctor --address ADDRESS"};
}

struct FoundAddresses {
  std::vector<std::string> addresses;
  DnsStatus failure = DnsStatus::kOk;  // of a question without a definite answer
};

boost::asio::awaitable<FoundAddresses> AddressesOf(const DoctorContext& context, std::string name) {
  FoundAddresses found;
  for (const DnsType type : {DnsType::kA, DnsType::kAaaa}) {
    const AnswerPtr answer = co_await context.resolver.Query(name, type, context.dns_deadline);
    found.addresses.insert(found.addresses.end(), answer->addresses.begin(), answer->addresses.end());
    if (answer->status != DnsStatus::kOk && !IsMissing(answer->status)) found.failure = answer->status;
  }
  co_return found;
}

// True where `addresses` has the address, however it is written.
bool Includes(const std::vector<std::string>& addresses, absl::string_view address) {
  const std::optional<AddressBits> bits = ParseIpAddress(address);
  return bits.has_value() &&
         absl::c_any_of(addresses, [&](const std::string& other) { return ParseIpAddress(other) == bits; });
}

std::string PtrName(const std::string& address) {
  const bool ipv6 = absl::StrContains(address, ':');
  return Blocklist{.zone = ipv6 ? "ip6.arpa" : "in-addr.arpa", .filter = {}}.NameOf(address);
}

// True where the name has the octets of the address in it, or a word for lines that are lent to many.
bool LooksGeneric(absl::string_view name, absl::string_view address) {
  constexpr std::array<absl::string_view, 17> kWords = {
      "dyn", "dynamic", "dhcp",      "dip",      "pool",   "dsl",  "adsl",       "vdsl", "cable",
      "ppp", "dialup",  "broadband", "customer", "client", "cust", "unassigned", "pppoe"};
  std::vector<std::string> words = {""};
  for (const char c : name) {
    const bool joined = !words.back().empty() && absl::ascii_isdigit(words.back().back()) == absl::ascii_isdigit(c);
    if (!absl::ascii_isalnum(c)) {
      words.emplace_back();
    } else if (joined || words.back().empty()) {
      words.back().push_back(absl::ascii_tolower(c));
    } else {
      words.emplace_back(1, absl::ascii_tolower(c));
    }
  }
  if (absl::c_any_of(words, [&](const std::string& word) { return absl::c_linear_search(kWords, word); })) return true;
  if (absl::StrContains(address, ':')) return false;
  size_t octets = 0;
  std::string hex;
  for (const absl::string_view octet : absl::StrSplit(address, '.')) {
    const auto found = absl::c_find_if(words, [&](const std::string& word) {
      return word == octet || word == absl::StrFormat("%03d", std::atoi(std::string(octet).c_str()));
    });
    if (found != words.end()) {
      ++octets;
      words.erase(found);
    }
    absl::StrAppendFormat(&hex, "%02x", std::atoi(std::string(octet).c_str()));
  }
  return octets >= 3 || absl::StrContains(absl::AsciiStrToLower(name), hex);
}

boost::asio::awaitable<Examination> ExaminePtrOf(const DoctorContext& context, std::string address) {
  const std::string& helo = context.configuration.verifier->helo;
  Examination ptr{.name = "ptr", .about = address};
  const AnswerPtr answer = co_await context.resolver.Query(PtrName(address), DnsType::kPtr, context.dns_deadline);
  const std::string remedy =
      absl::StrCat("Have whoever gave you ", address, " set its PTR record to a name of yours, best to ", helo, ".");
  if (IsMissing(answer->status)) {
    ptr.health = Health::kBad;
    ptr.found = "has no name (no PTR record): many servers refuse whom they can not name";
    ptr.remedy = remedy;
    co_return ptr;
  }
  if (answer->status != DnsStatus::kOk) {
    ptr.health = Health::kWarning;
    ptr.found = absl::StrCat("could not be looked up: ", DnsStatusName(answer->status));
    co_return ptr;
  }
  std::string confirmed;
  DnsStatus failure = DnsStatus::kOk;
  for (size_t i = 0; i < std::min(answer->names.size(), kMostPtrNames); ++i) {
    const FoundAddresses found = co_await AddressesOf(context, answer->names[i]);
    if (found.failure != DnsStatus::kOk) failure = found.failure;
    if (!Includes(found.addresses, address)) continue;
    if (confirmed.empty() || absl::EqualsIgnoreCase(answer->names[i], helo)) confirmed = answer->names[i];
  }
  if (confirmed.empty()) {
    ptr.health = failure == DnsStatus::kOk ? Health::kBad : Health::kWarning;
    ptr.found = absl::StrCat("its name ", answer->names.front(), " does not lead back to it");
    if (failure != DnsStatus::kOk) absl::StrAppend(&ptr.found, " (", DnsStatusName(failure), ")");
    ptr.remedy = absl::StrCat("Add an address record ", answer->names.front(), " -> ", address, ", or: ", remedy);
  } else if (!absl::EqualsIgnoreCase(confirmed, helo) && LooksGeneric(confirmed, address)) {
    ptr.health = Health::kWarning;
    ptr.found = absl::StrCat(confirmed, " looks like the name of a line that is lent to many");
    ptr.remedy = remedy;
  } else {
    ptr.found = confirmed;
  }
  co_return ptr;
}

boost::asio::awaitable<Examination> ExamineSpfOf(const DoctorContext& context, SpfQuestion question) {
  const std::string domain = question.sender.substr(question.sender.rfind('@') + 1);
  Examination spf{.name = "spf", .about = question.client};
  const SpfVerdict verdict = co_await EvaluateSpf(context.resolver, question, context.dns_deadline);
  spf.found = absl::StrCat(SpfResultName(verdict.result), ": ", verdict.explanation);
  const std::string term = absl::StrCat(absl::StrContains(question.client, ':') ? "ip6:" : "ip4:", question.client);
  switch (verdict.result) {
    case SpfResult::kPass:
      break;
    case SpfResult::kNone:
      spf.health = Health::kWarning;
      spf.remedy = absl::StrCat("Add a TXT record to ", domain, ", if mail of it comes from here only:\n  ", domain,
                                ". IN TXT \"v=spf1 mx ", term, " -all\"");
      break;
    case SpfResult::kNeutral:
      spf.health = Health::kWarning;
      spf.remedy = absl::StrCat("Add ", term, " to the SPF record of ", domain, ", in front of all.");
      break;
    case SpfResult::kFail:
    case SpfResult::kSoftfail:
      spf.health = Health::kBad;
      spf.remedy = absl::StrCat("Add ", term, " to the SPF record of ", domain, ", in front of all.");
      break;
    case SpfResult::kPermerror:
      spf.health = Health::kBad;
      spf.remedy = absl::StrCat("Mend the SPF record of ", domain, ": as it stands it is an error to receivers.");
      break;
    case SpfResult::kTemperror:
    case SpfResult::kUnknown:
      spf.health = Health::kWarning;
      break;
  }
  co_return spf;
}

// The answer of one blocklist about one address.
struct Listing {
  std::string address;
  std::string zone;
  AnswerPtr answer;
  std::string why;  // its TXT record
};

boost::asio::awaitable<std::optional<Listing>> ListingOf(const DoctorContext& context, std::string address,
                                                         std::string zone) {
  const std::string name = Blocklist{.zone = zone, .filter = {}}.NameOf(address);
  Listing listing{.address = std::move(address), .zone = std::move(zone), .answer = nullptr, .why = ""};
  listing.answer = co_await context.resolver.Query(name, DnsType::kA, context.dns_deadline);
  if (listing.answer->status == DnsStatus::kOk) {
    const AnswerPtr text = co_await context.resolver.Query(name, DnsType::kTxt, context.dns_deadline);
    if (!text->texts.empty()) listing.why = text->texts.front();
  }
  co_return listing;
}

bool HasPrefix(const DnsAnswer& answer, absl::string_view prefix) {
  return absl::c_any_of(answer.addresses, [&](const std::string& a) { return absl::StartsWith(a, prefix); });
}

// Returns nothing where the address is not listed.
std::optional<Examination> ExamineListing(const Listing& listing) {
  if (IsMissing(listing.answer->status)) return std::nullopt;
  Examination dnsbl{.name = "dnsbl", .about = listing.address, .health = Health::kWarning};
  const std::string replies = absl::StrJoin(listing.answer->addresses, ", ");
  if (listing.answer->status != DnsStatus::kOk) {
    dnsbl.found = absl::StrCat(listing.zone, " could not be asked: ", DnsStatusName(listing.answer->status));
  } else if (HasPrefix(*listing.answer, "127.255.255.")) {
    dnsbl.health = Health::kNotExamined;
    dnsbl.found = absl::StrCat(listing.zone, " does not answer these name servers (", replies, ")");
    dnsbl.remedy = "Use a resolver of your own: blocklists refuse public ones (dns_servers).";
  } else if (!HasPrefix(*listing.answer, "127.")) {
    dnsbl.found = absl::StrCat(listing.zone, " answers ", replies, ", which no blocklist does");
    dnsbl.remedy = absl::StrCat("Is ", listing.zone, " still a blocklist, or do the name servers invent answers?");
  } else {
    dnsbl.health = Health::kBad;
    dnsbl.found =
        absl::StrCat("listed in ", listing.zone, " (", replies, ")", listing.why.empty() ? "" : ": ", listing.why);
    dnsbl.remedy = absl::StrCat("Find out why, mend it, and have ", listing.zone,
                                " remove it; else probe from another "
                                "address (smtp_bind_address).");
  }
  return dnsbl;
}

// Returns a name that can not exist (RFC 6761), another each time.
std::string ImpossibleName(const DoctorContext& context) {
  return absl::StrCat("verifyctl-doctor-", absl::Hex(absl::ToUnixMicros(context.now)), ".invalid");
}

void AddComplaint(Examination& examination, Health health, absl::string_view found, absl::string_view remedy) {
  if (health > examination.health) examination.health = health;
  absl::StrAppend(&examination.found, examination.found.empty() ? "" : "; ", found);
  absl::StrAppend(&examination.remedy, examination.remedy.empty() ? "" : "\n", remedy);
}

}  // namespace

boost::asio::awaitable<Examinations> ExamineHelo(const DoctorContext& context) {
  const std::string& helo = context.configuration.verifier->helo;
  Examination examination = ExamineHeloName(context.configuration);
  if (examination.health != Health::kOk) co_return Examinations{examination};
  const FoundAddresses found = co_await AddressesOf(context, helo);
  const auto is_ours = [&](const std::string& address) { return Includes(found.addresses, address); };
  examination.remedy = absl::StrCat("Add address records of ours to ", helo,
                                    ", or set smtp_helo_name to a name that leads to the address probes come from.");
  if (found.addresses.empty()) {
    const bool failed = found.failure != DnsStatus::kOk;
    examination.health = failed ? Health::kWarning : Health::kBad;
    examination.found = absl::StrCat(helo, failed ? " could not be looked up: " : " has no address",
                                     failed ? DnsStatusName(found.failure) : "");
  } else if (absl::c_any_of(context.question.addresses, is_ours)) {
    examination.found = absl::StrCat(helo, " leads to ", absl::StrJoin(found.addresses, ", "));
    examination.remedy.clear();
  } else if (context.question.addresses.empty()) {
    examination = NotKnown("helo", context);
    examination.found = absl::StrCat(helo, " leads to ", absl::StrJoin(found.addresses, ", "), "; ", examination.found);
  } else {
    examination.health = Health::kBad;
    examination.found = absl::StrCat(helo, " leads to ", absl::StrJoin(found.addresses, ", "), ", not to ",
                                     absl::StrJoin(context.question.addresses, ", "));
  }
  co_return Examinations{examination};
}

boost::asio::awaitable<Examinations> ExaminePtr(const DoctorContext& context) {
  if (context.question.addresses.empty()) co_return Examinations{NotKnown("ptr", context)};
  std::vector<boost::asio::awaitable<Examination>> tasks;
  tasks.reserve(context.question.addresses.size());
  for (const std::string& address : context.question.addresses) tasks.push_back(ExaminePtrOf(context, address));
  co_return co_await Gather(context.loop, std::move(tasks));
}

boost::asio::awaitable<Examinations> ExamineSpf(const DoctorContext& context) {
  const std::string& helo = context.configuration.verifier->helo;
  std::string sender = context.configuration.verifier->probe_sender.At(context.now);
  // RFC 7208 section 2.4.
  if (sender.empty()) sender = absl::StrCat("postmaster@", helo);
  if (context.question.addresses.empty()) co_return Examinations{NotKnown("spf", context)};
  std::vector<boost::asio::awaitable<Examination>> tasks;
  tasks.reserve(context.question.addresses.size());
  for (const std::string& address : context.question.addresses) {
    tasks.push_back(ExamineSpfOf(context, {.client = address, .sender = sender, .helo = helo}));
  }
  co_return co_await Gather(context.loop, std::move(tasks));
}

boost::asio::awaitable<Examinations> ExamineBlocklists(const DoctorContext& context) {
  if (context.question.addresses.empty()) co_return Examinations{NotKnown("dnsbl", context)};
  std::vector<boost::asio::awaitable<std::optional<Listing>>> tasks;
  for (const std::string& address : context.question.addresses) {
    for (const std::string& zone : context.question.blocklists) tasks.push_back(ListingOf(context, address, zone));
  }
  Examinations found;
  std::vector<std::vector<std::string>> clean(context.question.addresses.size());
  const std::vector<std::optional<Listing>> listings = co_await Gather(context.loop, std::move(tasks));
  for (size_t i = 0; i < listings.size(); ++i) {
    if (!listings[i].has_value()) continue;
    if (std::optional<Examination> trouble = ExamineListing(*listings[i])) {
      found.push_back(*std::move(trouble));
    } else {
      clean[i / context.question.blocklists.size()].push_back(listings[i]->zone);
    }
  }
  for (size_t i = 0; i < clean.size(); ++i) {
    if (clean[i].empty()) continue;
    found.push_back({.name = "dnsbl",
                     .about = context.question.addresses[i],
                     .found = absl::StrCat("not listed in ", absl::StrJoin(clean[i], ", "))});
  }
  co_return found;
}

boost::asio::awaitable<void> ExamineValidation(const DoctorContext& context, Examination& resolver) {
  const AnswerPtr answer = co_await context.resolver.QueryAnew(kSignedName, DnsType::kMx, context.dns_deadline);
  if (answer->status == DnsStatus::kOk && answer->authenticated) co_return;
  AddComplaint(
      resolver, Health::kWarning,
      absl::StrCat("dns_trust_ad = yes, but the answer about ", kSignedName, ", which is signed, is ",
                   answer->status == DnsStatus::kOk ? "not said to be validated" : DnsStatusName(answer->status)),
      "Use a resolver that validates DNSSEC (dns_servers), or set dns_trust_ad = no.");
}

boost::asio::awaitable<Examinations> ExamineResolver(const DoctorContext& context) {
  Examination resolver{.name = "resolver"};
  const auto started = context.loop.clock().Mono();
  const AnswerPtr impossible =
      co_await context.resolver.QueryAnew(ImpossibleName(context), DnsType::kA, context.dns_deadline);
  if (impossible->status == DnsStatus::kOk) {
    AddComplaint(resolver, Health::kBad,
                 absl::StrCat("a name that does not exist leads to ", absl::StrJoin(impossible->addresses, ", ")),
                 "Use name servers that do not invent answers (dns_servers): every misspelt domain seems to exist.");
  } else if (impossible->status != DnsStatus::kNxDomain) {
    AddComplaint(resolver, Health::kWarning,
                 absl::StrCat("a name that does not exist is answered: ", DnsStatusName(impossible->status)),
                 "Name servers should answer NXDOMAIN for what is below invalid (RFC 6761).");
  }
  absl::Duration slowest = context.loop.clock().Mono() - started;
  if (!context.question.reach.empty()) {
    const std::string& domain = context.question.reach.front();
    const auto asked = context.loop.clock().Mono();
    const AnswerPtr mx = co_await context.resolver.QueryAnew(domain, DnsType::kMx, context.dns_deadline);
    slowest = std::max(slowest, context.loop.clock().Mono() - asked);
    if (mx->status != DnsStatus::kOk) {
      AddComplaint(resolver, Health::kBad, absl::StrCat("MX of ", domain, ": ", DnsStatusName(mx->status)),
                   "See to the name servers (dns_servers, /etc/resolv.conf): nothing can be verified without them.");
    }
  }
  if (slowest > kSlowAnswer) {
    AddComplaint(resolver, Health::kWarning,
                 absl::StrCat("an answer took ", absl::FormatDuration(absl::Trunc(slowest, absl::Milliseconds(1)))),
                 "Use name servers that are nearer or not so busy (dns_servers).");
  }
  if (context.configuration.probe->dns_trust_ad) co_await ExamineValidation(context, resolver);
  if (resolver.health == Health::kOk) resolver.found = "answers, and invents nothing";
  co_return Examinations{resolver};
}

}  // namespace verifyd
