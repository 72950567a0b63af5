#include "verifyd/restriction/restriction_list.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "verifyd/restriction/access_table.h"

namespace verifyd {
namespace {

using Kind = RestrictionKind;

struct KindRow {
  Kind kind;
  absl::string_view name;
};

constexpr std::array<KindRow, 24> kKinds = {{
    {Kind::kPermit, "permit"},
    {Kind::kReject, "reject"},
    {Kind::kDefer, "defer"},
    {Kind::kDeferIfPermit, "defer_if_permit"},
    {Kind::kDeferIfReject, "defer_if_reject"},
    {Kind::kPermitMynetworks, "permit_mynetworks"},
    {Kind::kPermitSaslAuthenticated, "permit_sasl_authenticated"},
    {Kind::kCheckClientAccess, "check_client_access"},
    {Kind::kCheckHeloAccess, "check_helo_access"},
    {Kind::kCheckSenderAccess, "check_sender_access"},
    {Kind::kCheckRecipientAccess, "check_recipient_access"},
    {Kind::kRejectInvalidHeloHostname, "reject_invalid_helo_hostname"},
    {Kind::kRejectNonFqdnHeloHostname, "reject_non_fqdn_helo_hostname"},
    {Kind::kRejectNonFqdnSender, "reject_non_fqdn_sender"},
    {Kind::kRejectNonFqdnRecipient, "reject_non_fqdn_recipient"},
    {Kind::kRejectUnknownSenderDomain, "reject_unknown_sender_domain"},
    {Kind::kRejectUnknownRecipientDomain, "reject_unknown_recipient_domain"},
    {Kind::kRejectRblClient, "reject_rbl_client"},
    {Kind::kRejectDisposableSender, "reject_disposable_sender"},
    {Kind::kRejectDisposableRecipient, "reject_disposable_recipient"},
    {Kind::kRejectUnverifiedSender, "reject_unverified_sender"},
    {Kind::kRejectUnverifiedRecipient, "reject_unverified_recipient"},
    {Kind::kRateLimit, "rate_limit"},
    {Kind::kDunno, "dunno"},
}};

const KindRow* FindKind(absl::string_view name) {
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(),
                                         [&](const KindRow& row) { return absl::EqualsIgnoreCase(row.name, name); });
  return found == kKinds.end() ? nullptr : found;
}

constexpr std::array<std::pair<absl::string_view, RateKey>, 4> kRateKeys = {{
    {"sasl_username", RateKey::kSaslUsername},
    {"client_address", RateKey::kClientAddress},
    {"sender_domain", RateKey::kSenderDomain},
    {"recipient_domain", RateKey::kRecipientDomain},
}};

bool IsEnhancedCode(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  if (parts.size() != 3 || parts[0].size() != 1 ||
      absl::string_view("245").find(parts[0][0]) == absl::string_view::npos) {
    return false;
  }
  return std::all_of(parts.begin() + 1, parts.end(), [](absl::string_view part) {
    return !part.empty() && part.size() <= 3 && std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
  });
}

// Splits off the first word.
std::pair<absl::string_view, absl::string_view> SplitWord(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  return {text.substr(0, end), absl::StripLeadingAsciiWhitespace(text.substr(end))};
}

// Takes the "[dsn] text" of an action.
void TakeText(absl::string_view text, Decision& said) {
  const auto [word, rest] = SplitWord(text);
  if (IsEnhancedCode(word)) {
    said.dsn = std::string(word);
    text = rest;
  }
  said.text = Printable(text, Finding::kMaxText);
}

bool IsReplyCode(absl::string_view word) {
  return word.size() == 3 && (word[0] == '4' || word[0] == '5') &&
         std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
}

// Reads an action of access(5); NotFound where `value` is none.
// A table's action that carries a reply without saying all of it. "DEFER" of a table is another one than "defer" of a
// list: access denied, not try again later (smtpd_check.c).
void CompleteSaid(Restriction& action) {
  if (action.said.text.empty()) {
    const bool service = action.kind == Kind::kDeferIfPermit || action.kind == Kind::kDeferIfReject;
    action.said.text = service ? "Service unavailable" : "Access denied";
  }
  if (action.said.dsn.empty()) action.said.dsn = action.kind == Kind::kReject ? "5.7.1" : "4.7.1";
}

absl::StatusOr<Restriction> ActionOf(absl::string_view value) {
  const auto [word, text] = SplitWord(value);
  Restriction action;
  const bool all_digits = std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
  // A number alone is no reply code, whatever it looks like.
  if (absl::EqualsIgnoreCase(word, "OK") || (all_digits && (text.empty() || !IsReplyCode(word)))) {
    action.kind = Kind::kPermit;
    return action;
  }
  if (IsReplyCode(word)) {
    action.kind = word[0] == '4' ? Kind::kDefer : Kind::kReject;
    if (!absl::SimpleAtoi(word, &action.said.code)) action.said.code = 0;
    TakeText(text, action.said);
    if (action.said.text.empty()) action.said.text = "Access denied";
    if (action.said.dsn.empty()) action.said.dsn = absl::StrCat(word.substr(0, 1), ".7.1");
    return action;
  }
  constexpr std::array<absl::string_view, 6> kPassedOn = {"HOLD", "DISCARD", "FILTER", "PREPEND", "REDIRECT", "BCC"};
  const auto is_word = [w = word](absl::string_view other) { return absl::EqualsIgnoreCase(w, other); };
  const bool passed_on = std::any_of(kPassedOn.begin(), kPassedOn.end(), is_word);
  if (passed_on || is_word("WARN") || is_word("INFO")) {
    action.kind = passed_on ? Kind::kAction : Kind::kLog;
    action.said.text = Printable(absl::StrCat(absl::AsciiStrToUpper(word), text.empty() ? "" : " ", text), 1000);
    return action;
  }
  constexpr std::array<Kind, 5> kWithText = {Kind::kReject, Kind::kDefer, Kind::kDeferIfPermit, Kind::kDeferIfReject,
                                             Kind::kDunno};
  const KindRow* const row = FindKind(word);
  if (row == nullptr || std::find(kWithText.begin(), kWithText.end(), row->kind) == kWithText.end()) {
    return absl::NotFoundError("no action");
  }
  action.kind = row->kind;
  if (row->kind == Kind::kDunno) return action;
  TakeText(text, action.said);
  CompleteSaid(action);
  return action;
}

absl::Status Unknown(absl::string_view item) {
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown restriction \"", Printable(item, 80), "\", expected warn_if_reject, a class, or one of ",
      absl::StrJoin(kKinds, ", ", [](std::string* out, const KindRow& row) { absl::StrAppend(out, row.name); })));
}

}  // namespace

absl::string_view RestrictionName(Kind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row.name;
  }
  return "";
}

// The items of a list that are still to be read.
class RestrictionReader::Items {
 public:
  explicit Items(const std::vector<std::string>& items) : items_(items) {}
  bool empty() const { return next_ == items_.size(); }
  const std::string& Take() { return items_[next_++]; }
  // Takes the argument behind `name`; braces around it are not part of it.
  absl::StatusOr<std::string> TakeArgument(absl::string_view name, absl::string_view what) {
    if (empty()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " stands last; expected ", what, " behind it"));
    }
    absl::string_view argument = Take();
    if (absl::ConsumePrefix(&argument, "{")) absl::ConsumeSuffix(&argument, "}");
    return std::string(absl::StripAsciiWhitespace(argument));
  }

 private:
  const std::vector<std::string>& items_;
  size_t next_ = 0;
};

absl::StatusOr<std::shared_ptr<const RestrictionList>> RestrictionReader::Read(const std::vector<std::string>& items) {
  auto list = std::make_shared<RestrictionList>();
  bool warn = false;
  Items left(items);
  while (!left.empty()) {
    const std::string& item = left.Take();
    if (absl::EqualsIgnoreCase(item, "warn_if_reject")) {
      warn = true;
      continue;
    }
    Restriction restriction;
    restriction.warn_if_reject = std::exchange(warn, false);
    if (const KindRow* const row = FindKind(item); row != nullptr) {
      restriction.kind = row->kind;
      RETURN_IF_ERROR(ReadArgument(row->name, left, restriction));
    } else {
      absl::StatusOr<std::shared_ptr<const RestrictionList>> of_class = ReadClass(item);
      if (absl::IsNotFound(of_class.status())) return Unknown(item);
      ASSIGN_OR_RETURN(restriction.list, std::move(of_class));
      restriction.kind = Kind::kClass;
    }
    list->restrictions.push_back(std::move(restriction));
  }
  if (warn) return absl::InvalidArgumentError("warn_if_reject stands last; expected a restriction behind it");
  return std::shared_ptr<const RestrictionList>(std::move(list));
}

absl::StatusOr<std::shared_ptr<const RestrictionList>> RestrictionReader::ReadClass(absl::string_view name) {
  const std::string key(name);
  if (const auto known = classes_.find(key); known != classes_.end()) return known->second;
  if (std::find(reading_.begin(), reading_.end(), key) != reading_.end()) {
    return absl::InvalidArgumentError(absl::StrCat("class ", absl::StrJoin(reading_, ", which has "), ", which has ",
                                                   key, ": expected classes that do not contain themselves"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> items, class_items_(key));
  reading_.push_back(key);
  const absl::Cleanup read = [this] { reading_.pop_back(); };
  absl::StatusOr<std::shared_ptr<const RestrictionList>> list = Read(items);
  if (!list.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(key, "_restrictions: ", list.status().message()));
  }
  auto named = std::make_shared<RestrictionList>(**list);
  named->name = key;
  return classes_[key] = std::move(named);
}

absl::StatusOr<std::shared_ptr<const RestrictionList>> RestrictionReader::ReadValue(absl::string_view value) {
  absl::StatusOr<Restriction> action = ActionOf(value);
  if (absl::IsNotFound(action.status())) {
    std::vector<std::string> items;
    for (const absl::string_view item : SplitList(value)) items.emplace_back(item);
    if (items.empty()) return absl::InvalidArgumentError("found nothing, expected an action or restrictions");
    return Read(items);
  }
  auto list = std::make_shared<RestrictionList>();
  list->restrictions.push_back(*std::move(action));
  return std::shared_ptr<const RestrictionList>(std::move(list));
}

absl::Status RestrictionReader::ReadArgument(absl::string_view name, Items& items, Restriction& restriction) {
  switch (restriction.kind) {
    case Kind::kCheckClientAccess:
    case Kind::kCheckHeloAccess:
    case Kind::kCheckSenderAccess:
    case Kind::kCheckRecipientAccess: {
      ASSIGN_OR_RETURN(const std::string spec, items.TakeArgument(name, "a table"));
      ASSIGN_OR_RETURN(restriction.table, TableFor(spec));
      return absl::OkStatus();
    }
    case Kind::kRejectRblClient: {
      ASSIGN_OR_RETURN(const std::string text, items.TakeArgument(name, "the zone of a blocklist"));
      ASSIGN_OR_RETURN(Blocklist blocklist, Blocklist::Parse(text));
      restriction.blocklist = std::make_shared<const Blocklist>(std::move(blocklist));
      return absl::OkStatus();
    }
    case Kind::kRateLimit: {
      ASSIGN_OR_RETURN(const std::string text, items.TakeArgument(name, "KEY/COUNT/PERIOD/ACTION"));
      ASSIGN_OR_RETURN(restriction.rate, ReadRateLimit(text));
      return absl::OkStatus();
    }
    default:
      return absl::OkStatus();
  }
}

absl::StatusOr<std::shared_ptr<const AccessTable>> RestrictionReader::TableFor(const std::string& spec) {
  if (const auto known = tables_.find(spec); known != tables_.end()) return known->second;
  if (!may_load_) {
    return absl::InvalidArgumentError(
        absl::StrCat("table ", Printable(spec, 200), ": expected no table where a pattern's $1 is filled in"));
  }
  if (std::find(reading_.begin(), reading_.end(), spec) != reading_.end()) {
    return absl::InvalidArgumentError(absl::StrCat("table ", Printable(spec, 200), " names itself"));
  }
  reading_.push_back(spec);
  const absl::Cleanup read = [this] { reading_.pop_back(); };
  // While lists are read, this reader reads the values. A pattern's text that is filled in later gets a reader that
  // opens no file.
  const auto read_value = [reader = std::weak_ptr<RestrictionReader*>(self_),
                           class_items = class_items_](absl::string_view value) {
    if (const std::shared_ptr<RestrictionReader*> self = reader.lock(); self != nullptr) {
      return (*self)->ReadValue(value);
    }
    RestrictionReader filled(class_items);
    filled.may_load_ = false;
    return filled.ReadValue(value);
  };
  ASSIGN_OR_RETURN(std::shared_ptr<const AccessTable> loaded, AccessTable::Load(spec, read_value));
  return tables_[spec] = std::move(loaded);
}

absl::StatusOr<std::shared_ptr<const RateLimit>> RestrictionReader::ReadRateLimit(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 3));
  auto rate = std::make_shared<RateLimit>();
  rate->name = std::string(text);
  const auto* const key = std::find_if(kRateKeys.begin(), kRateKeys.end(),
                                       [&](const auto& row) { return absl::EqualsIgnoreCase(row.first, parts[0]); });
  if (parts.size() != 4 || key == kRateKeys.end() || !absl::SimpleAtoi(parts[1], &rate->count) || rate->count < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate_limit: found \"", Printable(text, 100),
                     "\", expected KEY/COUNT/PERIOD/ACTION, KEY one of sasl_username, client_address, sender_domain, "
                     "recipient_domain, COUNT at least 1"));
  }
  rate->key = key->second;
  ASSIGN_OR_RETURN(rate->period, ParseTimeValue(parts[2], 's'));
  if (rate->period < absl::Seconds(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate_limit: found the period \"", Printable(parts[2], 40), "\", expected at least a second"));
  }
  ASSIGN_OR_RETURN(rate->action, ReadValue(parts[3]));
  return std::shared_ptr<const RateLimit>(std::move(rate));
}

}  // namespace verifyd
