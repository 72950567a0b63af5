#include "verifyd/api/api_arguments.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "classifier/reason.h"
#include "mail/address.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr size_t kMaxWhy = 250;

struct ArgumentRow {
  absl::string_view name;
  absl::string_view documentation;
  absl::Status (*take)(const json::value& value, ApiArguments& arguments);
};

absl::Status Expected(absl::string_view what, const json::value& found) {
  return absl::InvalidArgumentError(absl::StrCat("found ", Printable(json::serialize(found), 80), ", expected ", what));
}

absl::string_view TextOf(const json::value& value) {
  const json::string* text = value.if_string();
  return text == nullptr ? absl::string_view() : absl::string_view(text->data(), text->size());
}

absl::Status TakeYesNo(const json::value& value, bool& flag) {
  if (value.is_bool()) {
    flag = value.get_bool();
    return absl::OkStatus();
  }
  if (absl::SimpleAtob(TextOf(value), &flag)) return absl::OkStatus();
  return Expected("true or false", value);
}

absl::Status TakeAddress(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("an address", value);
  arguments.address = std::string(TextOf(value));
  return absl::OkStatus();
}

absl::Status TakeAddresses(const json::value& value, ApiArguments& arguments) {
  if (value.is_string()) {
    arguments.addresses.emplace_back(TextOf(value));
    return absl::OkStatus();
  }
  if (!value.is_array()) return Expected("a list of addresses", value);
  for (const json::value& item : value.get_array()) {
    if (!item.is_string()) return Expected("an address", item);
    arguments.addresses.emplace_back(TextOf(item));
  }
  return absl::OkStatus();
}

absl::Status TakeFresh(const json::value& value, ApiArguments& arguments) { return TakeYesNo(value, arguments.fresh); }

absl::Status TakeTrace(const json::value& value, ApiArguments& arguments) { return TakeYesNo(value, arguments.trace); }

absl::Status TakeRole(const json::value& value, ApiArguments& arguments) {
  for (const Role role : {Role::kRecipient, Role::kSender}) {
    if (TextOf(value) != RoleName(role)) continue;
    arguments.role = role;
    return absl::OkStatus();
  }
  return Expected("\"recipient\" or \"sender\"", value);
}

absl::Status TakePatience(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("a time, \"300s\"", value);
  ASSIGN_OR_RETURN(const absl::Duration patience, ParseTimeValue(TextOf(value)));
  if (patience > ApiArguments::kMaxPatience) {
    return Expected(absl::StrCat("at most ", FormatTimeValue(ApiArguments::kMaxPatience)), value);
  }
  arguments.patience = patience;
  return absl::OkStatus();
}

absl::Status TakeTarget(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("an address, \"@domain\" or the name of a destination", value);
  arguments.target = std::string(TextOf(value));
  return absl::OkStatus();
}

absl::Status TakeStatus(const json::value& value, ApiArguments& arguments) {
  for (const Deliverability held : {Deliverability::kDeliverable, Deliverability::kUndeliverable}) {
    if (TextOf(value) != DeliverabilityName(held)) continue;
    arguments.deliverability = held;
    return absl::OkStatus();
  }
  return Expected("\"deliverable\" or \"undeliverable\"", value);
}

absl::Status TakeSince(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("a time, \"24h\"", value);
  ASSIGN_OR_RETURN(arguments.since, ParseTimeValue(TextOf(value)));
  return absl::OkStatus();
}

absl::Status TakeProbe(const json::value& value, ApiArguments& arguments) { return TakeYesNo(value, arguments.probe); }

absl::Status TakeId(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("the id of a refusal", value);
  arguments.id = std::string(TextOf(value));
  return absl::OkStatus();
}

absl::Status TakeFor(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("a time, \"7d\"", value);
  ASSIGN_OR_RETURN(arguments.for_time, ParseTimeValue(TextOf(value)));
  return absl::OkStatus();
}

absl::Status TakeWhy(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("a text", value);
  arguments.why = std::string(TextOf(value));
  return absl::OkStatus();
}

absl::Status TakeTell(const json::value& value, ApiArguments& arguments) { return TakeYesNo(value, arguments.tell); }

absl::Status TakeDomain(const json::value& value, ApiArguments& arguments) {
  const bool below = absl::StartsWith(TextOf(value), ".");
  ASSIGN_OR_RETURN(const std::string domain, ParseDomain(TextOf(value).substr(below ? 1 : 0)));
  arguments.filter.domain = absl::StrCat(below ? "." : "", domain);
  return absl::OkStatus();
}

absl::Status TakeDeliverability(const json::value& value, ApiArguments& arguments) {
  for (const Deliverability held : {Deliverability::kDeliverable, Deliverability::kUndeliverable,
                                    Deliverability::kRisky, Deliverability::kUnknown}) {
    if (TextOf(value) != DeliverabilityName(held)) continue;
    arguments.filter.deliverability = held;
    return absl::OkStatus();
  }
  return Expected("\"deliverable\", \"undeliverable\", \"risky\" or \"unknown\"", value);
}

absl::Status TakeReason(const json::value& value, ApiArguments& arguments) {
  arguments.filter.reason = ReasonFromName(TextOf(value));
  return arguments.filter.reason.has_value() ? absl::OkStatus() : Expected("the name of a reason", value);
}

absl::Status TakeMx(const json::value& value, ApiArguments& arguments) {
  if (TextOf(value).empty()) return Expected("the name of an MX host", value);
  arguments.filter.mx = std::string(TextOf(value));
  return absl::OkStatus();
}

absl::Status TakeOlder(const json::value& value, ApiArguments& arguments) {
  ASSIGN_OR_RETURN(arguments.filter.older, ParseTimeValue(TextOf(value)));
  return absl::OkStatus();
}

absl::Status TakeNewer(const json::value& value, ApiArguments& arguments) {
  ASSIGN_OR_RETURN(arguments.filter.newer, ParseTimeValue(TextOf(value)));
  return absl::OkStatus();
}

absl::Status TakeAfter(const json::value& value, ApiArguments& arguments) {
  if (!value.is_string()) return Expected("a text", value);
  arguments.after = std::string(TextOf(value));
  return absl::OkStatus();
}

absl::Status TakeDryRun(const json::value& value, ApiArguments& arguments) {
  return TakeYesNo(value, arguments.dry_run);
}

absl::Status TakeRecords(const json::value& value, ApiArguments& arguments) {
  if (!value.is_array()) return Expected("a list of records", value);
  for (const json::value& record : value.get_array()) arguments.records.push_back(RecordFromJson(record));
  return absl::OkStatus();
}

absl::Status TakeDeliveries(const json::value& value, ApiArguments& arguments) {
  if (!value.is_array()) return Expected("a list of deliveries", value);
  for (const json::value& delivery : value.get_array()) arguments.deliveries.push_back(DeliveryFromJson(delivery));
  return absl::OkStatus();
}

const std::vector<ArgumentRow>& ArgumentTable() {
  static const auto* const kTable = new std::vector<ArgumentRow>{
      {"address", "One address.", TakeAddress},
      {"addresses", "A list of addresses.", TakeAddresses},
      {"after", "Where to go on: what the page before said is \"next\".", TakeAfter},
      {"deliverability", "Only what is \"deliverable\", \"undeliverable\", \"risky\" or \"unknown\".",
       TakeDeliverability},
      {"deliveries",
       "A list of deliveries: address, when, relay, relay_address, relay_port, protocol (\"smtp\", \"lmtp\"), reply.",
       TakeDeliveries},
      {"domain", "Only what is of this domain; \".example.com\" is what is below it.", TakeDomain},
      {"dry_run", "Only count; true or false.", TakeDryRun},
      {"for", "How long it holds: \"7d\"; without it, until it is ended.", TakeFor},
      {"fresh", "Ask the server even though memory has an answer; true or false.", TakeFresh},
      {"id", "The id of a refusal, K7W2MXQA.", TakeId},
      {"mx", "Only what this MX host said; \".example.com\" is any below it.", TakeMx},
      {"newer", "Only what was confirmed less than so long ago: \"1h\".", TakeNewer},
      {"older", "Only what was confirmed at least so long ago: \"7d\".", TakeOlder},
      {"patience", "How long to wait for a probe: \"300s\"; then the state is \"in_progress\".", TakePatience},
      {"probe", "Ask the servers about what memory does not know; true or false.", TakeProbe},
      {"reason", "Only what has this reason: \"no_such_user\".", TakeReason},
      {"records", "A list of records as GET /v1/records shows them.", TakeRecords},
      {"requests", "A list of requests: sender, recipient, client address, SASL login, tabs between.", TakeAddresses},
      {"role", "\"recipient\" (default) or \"sender\".", TakeRole},
      {"since", "How far back: \"24h\".", TakeSince},
      {"status", "\"deliverable\" or \"undeliverable\".", TakeStatus},
      {"target", "An address, \"@domain\", or the name of a destination.", TakeTarget},
      {"tell", "Clients are told why, too; true or false.", TakeTell},
      {"trace", "Show the dialogue with the server; true or false.", TakeTrace},
      {"why", "A note, for operators only.", TakeWhy},
  };
  return *kTable;
}

absl::StatusOr<std::string> PercentDecoded(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else if (i + 2 < text.size() && absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
               absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      absl::StrAppend(&decoded, absl::HexStringToBytes(text.substr(i + 1, 2)));
      i += 2;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("found \"", Printable(text.substr(i, 3), 3), "\" in the query, expected %XX"));
    }
  }
  return decoded;
}

}  // namespace

Pin PinOf(const ApiArguments& arguments, absl::Time now) {
  return {.deliverability = arguments.deliverability,
          .set_at = now,
          .until = now + arguments.for_time,
          .why = Printable(arguments.why, kMaxWhy),
          .tell = arguments.tell};
}

Hold HoldOf(const ApiArguments& arguments, absl::Time now) {
  const Pin pin = PinOf(arguments, now);
  return {.set_at = pin.set_at, .until = pin.until, .why = pin.why, .tell = pin.tell};
}

absl::string_view ApiArgumentDocumentation(absl::string_view name) {
  for (const ArgumentRow& row : ArgumentTable()) {
    if (row.name == name) return row.documentation;
  }
  return "";
}

absl::Status ApiArgumentReader::Take(absl::string_view name, const json::value& value) {
  for (const ArgumentRow& row : ArgumentTable()) {
    if (row.name != name || !absl::c_linear_search(names_, name)) continue;
    const absl::Status status = row.take(value, arguments_);
    return status.ok() ? status : absl::InvalidArgumentError(absl::StrCat("\"", name, "\": ", status.message()));
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown argument \"", Printable(name, 80), "\"; ", route_, " takes ",
                                                 names_.empty() ? "none" : absl::StrJoin(names_, ", ")));
}

absl::Status ApiArgumentReader::TakeQuery(absl::string_view query) {
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const size_t equals = part.find('=');
    ASSIGN_OR_RETURN(const std::string name, PercentDecoded(part.substr(0, equals)));
    ASSIGN_OR_RETURN(const std::string value,
                     PercentDecoded(equals == absl::string_view::npos ? "" : part.substr(equals + 1)));
    RETURN_IF_ERROR(Take(name, JsonText(value)));
  }
  return absl::OkStatus();
}

absl::Status ApiArgumentReader::TakeBody(absl::string_view body) {
  if (body.empty()) return absl::OkStatus();
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), error);
  if (error) return absl::InvalidArgumentError(absl::StrCat("the body is not JSON: ", error.message()));
  if (!value.is_object()) return absl::InvalidArgumentError("found a body that is not a JSON object, expected one");
  for (const auto& field : value.get_object()) {
    RETURN_IF_ERROR(Take(absl::string_view(field.key().data(), field.key().size()), field.value()));
  }
  return absl::OkStatus();
}

}  // namespace verifyd
