#include "verifyctl/result_text.h"

#include <array>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "boost/json.hpp"
#include "mail/address.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr int kIndent = 4;
constexpr int kLabelWidth = 10;

const json::value* Field(const json::object& object, absl::string_view name) {
  return object.if_contains(json::string_view(name.data(), name.size()));
}

void Put(std::string& out, absl::string_view label, absl::string_view text, int indent = kIndent) {
  if (!text.empty()) absl::StrAppendFormat(&out, "%*s%-*s%s\n", indent, "", kLabelWidth, label, text);
}

std::string ReasonText(const json::object& object) {
  const absl::string_view reason = TextField(object, "reason");
  if (reason.empty()) return "";
  return absl::StrCat(reason, " (about the ", TextField(object, "scope") == "us" ? "asker" : TextField(object, "scope"),
                      ", at ", absl::AsciiStrToUpper(TextField(object, "stage")), ")");
}

std::string ServerText(const json::object& object) {
  const absl::string_view address = TextField(object, "mx_address");
  return absl::StrCat(TextField(object, "mx"), address.empty() ? "" : absl::StrCat("[", address, "]"));
}

// Returns nothing where it was a probe.
absl::string_view LearnedFromText(const json::object& finding) {
  const absl::string_view from = TextField(finding, "learned_from");
  if (from == "reported") return "what Postfix reported";
  if (from == "import") return "an import";
  if (from == "mail_log") return "a mail log";
  return from;
}

void PutFinding(std::string& out, const json::object& finding, int indent) {
  Put(out, "reason", ReasonText(finding), indent);
  Put(out, "rule", TextField(finding, "rule"), indent);
  Put(out, "server", ServerText(finding), indent);
  Put(out, "text", TextField(finding, "text"), indent);
  Put(out, "from", LearnedFromText(finding), indent);
}

std::string SourceText(const json::object& result) {
  const absl::string_view source = TextField(result, "source");
  if (source == "none" || source.empty()) return "";
  if (source == "probe") return absl::StrCat("probe, just now");
  const absl::string_view words = source == "pin"      ? "set by the operator"
                                  : source == "domain" ? "cache, holds for the whole domain"
                                                       : "cache";
  return absl::StrCat(words, ", ", Rough(absl::Seconds(NumberField(result, "age_s"))), " old",
                      FlagField(result, "refreshing") ? ", being refreshed" : "");
}

absl::string_view StatusText(const json::object& result) {
  const absl::string_view state = TextField(result, "state");
  if (state == "in_progress") return "unknown, a probe is under way";
  if (state == "not_cached") return "not cached";
  if (state == "not_verifiable") return "unknown, not verifiable";
  return TextField(result, "status");
}

// Returns "2026-01-31T12:00:00Z (3 days ago)", "... (in 2 hours)".
std::string TimeText(absl::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (text.empty() || !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return std::string(text);
  return time <= now ? absl::StrCat(text, " (", Rough(now - time), " ago)")
                     : absl::StrCat(text, " (in ", Rough(time - now), ")");
}

class HeldWriter {
 public:
  explicit HeldWriter(absl::Time now) : now_(now) {}

  void Headline(absl::string_view text) { absl::StrAppend(&out_, text, "\n"); }
  void Line(absl::string_view label, absl::string_view text) {
    if (!text.empty()) absl::StrAppendFormat(&out_, "%*s%-22s%s\n", kIndent, "", label, text);
  }
  void Time(absl::string_view label, const json::object& object, absl::string_view field) {
    Line(label, TimeText(TextField(object, field), now_));
  }
  void Finding(const json::object& finding) {
    Line("status", TextField(finding, "status"));
    Line("reason", ReasonText(finding));
    Line("rule", TextField(finding, "rule"));
    Line("server", ServerText(finding));
    Line("text", TextField(finding, "text"));
    Line("learned from", LearnedFromText(finding));
  }
  void History(const json::array& history) {
    if (history.empty()) return;
    Line("history", "newest first");
    for (const json::value& value : history) {
      const json::object* past = value.if_object();
      if (past == nullptr) continue;
      const int64_t code = NumberField(*past, "code");
      absl::StrAppendFormat(&out_, "%*s%s %s, %s%s at %s\n", 2 * kIndent, "", TextField(*past, "when"),
                            TextField(*past, "status"), TextField(*past, "reason"),
                            code == 0 ? "" : absl::StrCat(" (", code, ")"),
                            absl::AsciiStrToUpper(TextField(*past, "stage")));
    }
  }
  std::string Take() { return std::move(out_); }

 private:
  const absl::Time now_;
  std::string out_;
};

absl::string_view FreshnessText(const json::object& object) {
  const absl::string_view freshness = TextField(object, "freshness");
  if (freshness == "fresh") return "fresh: answers at once";
  if (freshness == "refresh") return "due: answers, and is probed again when asked for";
  if (freshness == "stale") return "stale: answers, as its server can not be asked";
  return "expired: answers nothing any more";
}

void WriteRecord(HeldWriter& out, const json::object& record) {
  out.Headline("  record");
  if (const json::object* finding = ObjectField(record, "finding")) {
    out.Finding(*finding);
    out.Time("last confirmed", *finding, "updated");
  }
  out.Line("state", FreshnessText(record));
  out.Time("refreshed from", record, "refresh_at");
  out.Time("next probe", record, "next_probe");
  out.Time("expires", record, "expire_at");
  out.Time("forgotten", record, "kept_until");
  out.Time("first asked", record, "first_seen");
  out.Time("last accepted", record, "last_positive");
  out.Time("refused since", record, "negative_since");
  out.Time("only deferred until", record, "grace_until");
  if (const int64_t count = NumberField(record, "temporary_count"); count > 0) {
    out.Line("temporary answers", absl::StrCat(count, " since ", TextField(record, "first_temporary")));
  }
  if (const json::array* history = ArrayField(record, "history")) out.History(*history);
  if (const json::object* pending = ObjectField(record, "pending")) {
    out.Headline("  against it, until a second probe says the same");
    out.Finding(*pending);
    out.Time("said", *pending, "updated");
  }
}

void WriteDomain(HeldWriter& out, const json::object& domain) {
  out.Headline(absl::StrCat("  domain ", TextField(domain, "domain")));
  if (const json::object* finding = ObjectField(domain, "finding")) {
    out.Finding(*finding);
    out.Time("found", *finding, "updated");
  }
  out.Line("state", FreshnessText(domain));
  out.Time("forgotten", domain, "expire_at");
  if (const absl::string_view catch_all = TextField(domain, "catch_all"); catch_all != "not_asked") {
    out.Line("accepts any address", catch_all == "could_not_tell" ? "could not tell" : catch_all);
    out.Time("asked", domain, "catch_all_when");
  }
  out.Time("its servers talked", domain, "alive");
  if (const json::object* pending = ObjectField(domain, "pending")) {
    out.Headline("  against the domain, until a second probe says the same");
    out.Finding(*pending);
    out.Time("said", *pending, "updated");
  }
}

// Writes what will happen, and what the operator can do about it.
void WriteNext(HeldWriter& out, const json::object& held) {
  if (TextField(held, "address").empty()) return;
  const std::string address = ShellWord(TextField(held, "address"));
  const json::object* record = ObjectField(held, "record");
  out.Headline("  what comes next");
  if (held.if_contains("pin") != nullptr) {
    out.Line("answer", "the operator's word, whatever servers say");
    out.Line("to take it back", absl::StrCat("verifyctl unset ", address));
    return;
  }
  if (record != nullptr) {
    const absl::string_view planned = TextField(*record, "next_probe");
    const absl::string_view freshness = TextField(*record, "freshness");
    if (!planned.empty()) {
      out.Time("asked again, unasked", *record, "next_probe");
    } else if (freshness == "expired") {
      out.Line("next question", "waits for a new probe");
    } else if (freshness == "refresh") {
      out.Line("next question", "is answered with this, and asks the server again");
    } else {
      out.Line("next question", "is answered with this");
      out.Time("asked again from", *record, "refresh_at");
    }
  }
  out.Line("to forget it", absl::StrCat("verifyctl delete ", address));
  out.Line("to say otherwise", absl::StrCat("verifyctl set ", address, " deliverable|undeliverable [--for 7d]"));
}

void WritePin(HeldWriter& out, const json::object& pin) {
  out.Headline("  set by the operator");
  out.Line("status", TextField(pin, "status"));
  out.Line("why", TextField(pin, "why"));
  if (FlagField(pin, "tell")) out.Line("clients are told", "why");
  out.Time("since", pin, "set_at");
  out.Time("until", pin, "until");
}

}  // namespace

absl::string_view TextField(const json::object& object, absl::string_view name) {
  const json::value* value = Field(object, name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? absl::string_view() : absl::string_view(text->data(), text->size());
}

double RealField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

int64_t NumberField(const json::object& object, absl::string_view name) {
  const json::value* value = Field(object, name);
  const int64_t* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr ? 0 : *number;
}

bool FlagField(const json::object& object, absl::string_view name) {
  const json::value* value = Field(object, name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* ObjectField(const json::object& object, absl::string_view name) {
  const json::value* value = Field(object, name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* ArrayField(const json::object& object, absl::string_view name) {
  const json::value* value = Field(object, name);
  return value == nullptr ? nullptr : value->if_array();
}

std::string Rough(absl::Duration duration) {
  constexpr std::array<std::pair<int64_t, absl::string_view>, 4> kUnits = {
      {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}}};
  const int64_t seconds = absl::ToInt64Seconds(duration);
  for (const auto& [size, name] : kUnits) {
    if (seconds < size && size > 1) continue;
    const int64_t count = seconds / size;
    return absl::StrCat(count, " ", name, count == 1 ? "" : "s");
  }
  return "";
}

std::string ResultText(const json::object& result) {
  if (const absl::string_view error = TextField(result, "error"); !error.empty()) {
    return absl::StrCat(TextField(result, "address"), ": not an address\n",
                        absl::StrFormat("%*s%s\n", kIndent, "", error));
  }
  std::string out = absl::StrCat(TextField(result, "address"), ": ", StatusText(result), "\n");
  Put(out, "source", SourceText(result));
  PutFinding(out, result, kIndent);
  return out + DialogueText(result);
}

std::string DialogueText(const json::object& result) {
  std::string out;
  const json::array* transcript = ArrayField(result, "transcript");
  if (transcript == nullptr) return out;
  absl::StrAppendFormat(&out, "%*sdialogue (milliseconds; > said, < heard)\n", kIndent, "");
  for (const json::value& value : *transcript) {
    const json::object* line = value.if_object();
    if (line == nullptr) continue;
    const json::value* at = Field(*line, "at_ms");
    const absl::string_view kind = TextField(*line, "kind");
    absl::StrAppendFormat(&out, "%*s%10.1f %s %s\n", kIndent, "",
                          at != nullptr && at->is_number() ? at->to_number<double>() : 0,
                          kind == "sent"       ? ">"
                          : kind == "received" ? "<"
                                               : " ",
                          TextField(*line, "text"));
  }
  return out;
}

std::string HeldText(const json::object& held, absl::Time now) {
  HeldWriter out(now);
  const json::object* verdict = ObjectField(held, "verdict");
  out.Headline(
      absl::StrCat(SpelledAddress(TextField(held, "address")), ": ", verdict == nullptr ? "" : StatusText(*verdict)));
  out.Line("asked for", SpelledAddress(TextField(held, "asked")));
  if (verdict != nullptr && FlagField(*verdict, "grace")) {
    out.Line("decision", "only deferred for now: it was there not long ago");
  }
  if (verdict != nullptr) out.Line("answered from", SourceText(*verdict));
  if (const json::object* pin = ObjectField(held, "pin")) WritePin(out, *pin);
  if (const json::object* record = ObjectField(held, "record")) WriteRecord(out, *record);
  if (const json::object* domain = ObjectField(held, "domain")) WriteDomain(out, *domain);
  WriteNext(out, held);
  return out.Take();
}

std::string PinText(const json::object& pin) {
  const absl::string_view until = TextField(pin, "until");
  const absl::string_view why = TextField(pin, "why");
  const absl::string_view status = FlagField(pin, "unset")      ? "not set any more"
                                   : FlagField(pin, "released") ? "not on hold any more"
                                                                : TextField(pin, "status");
  return absl::StrCat(
      SpelledAddress(TextField(pin, "target")), ": ", status == "hold" ? "on hold" : status,
      until.empty() ? "" : absl::StrCat(" until ", until),
      why.empty() ? "" : absl::StrCat(" (", why, FlagField(pin, "tell") ? "; clients are told" : "", ")"), "\n");
}

namespace {

// Returns "3 of 20 connections, 120 waiting, 8 recipients a transaction, at most 19.2 addresses a second, ...".
std::string ActivityText(const json::object& activity) {
  std::string text = absl::StrCat(
      NumberField(activity, "connections"), " of ", NumberField(activity, "connection_limit"), " connections, ",
      NumberField(activity, "queued"), " waiting, ", NumberField(activity, "recipients"), " recipients a transaction");
  if (const double rate = RealField(activity, "addresses_per_second"); rate > 0) {
    absl::StrAppendFormat(&text, ", at most %.1f addresses a second", rate);
  }
  if (const double latency = RealField(activity, "latency_ms"); latency > 0) {
    absl::StrAppendFormat(&text, ", a reply takes %.0f ms", latency);
  }
  if (const int64_t asked = NumberField(activity, "asked_this_hour"); asked > 0) {
    absl::StrAppend(&text, ", ", NumberField(activity, "unknown_this_hour"), " of ", asked, " unknown within the hour");
  }
  if (const json::array* resting = ArrayField(activity, "resting_sources"); resting != nullptr) {
    for (const json::value& source : *resting) {
      if (source.is_string()) absl::StrAppend(&text, ", ", source.get_string().c_str(), " is blocked there");
    }
  }
  return text;
}

}  // namespace

std::string DestinationText(const json::object& destination, absl::Time now) {
  HeldWriter out(now);
  const bool believed = FlagField(destination, "believed");
  const bool held = FlagField(destination, "held");
  const absl::string_view left_alone = TextField(destination, "left_alone_for");
  out.Headline(absl::StrCat(TextField(destination, "destination"), ": ", believed ? "believed" : "NOT BELIEVED",
                            held ? ", on hold" : "", left_alone.empty() ? "" : ", left alone"));
  out.Line("doubt", TextField(destination, "doubt"));
  out.Time("doubted since", destination, "doubted_since");
  out.Time("on hold until", destination, "held_until");
  out.Line("on hold because", TextField(destination, "held_why"));
  out.Line("left alone after", left_alone);
  out.Time("until", destination, "left_alone_until");
  if (const int64_t failures = NumberField(destination, "failures"); failures > 0) {
    out.Line("failures in a row", absl::StrCat(failures));
  }
  out.Line("last failure", TextField(destination, "last_failure"));
  out.Time("last failed", destination, "last_failure_when");
  out.Time("last talked to us", destination, "last_success");
  out.Time("last accepted one", destination, "last_accepted");
  if (const json::object* now_there = ObjectField(destination, "now"); now_there != nullptr) {
    out.Line("now", ActivityText(*now_there));
  }
  return out.Take();
}

std::string DomainText(const json::object& domain, absl::Time now) {
  HeldWriter out(now);
  const absl::string_view catch_all = TextField(domain, "catch_all");
  const json::object* finding = ObjectField(domain, "finding");
  const json::object* pending = ObjectField(domain, "pending");
  const absl::string_view what = finding != nullptr            ? TextField(*finding, "reason")
                                 : catch_all == "yes"          ? "accepts every address"
                                 : catch_all == "inconsistent" ? "accepts some addresses that can not exist"
                                 : catch_all == "no"           ? "accepts only addresses that exist"
                                 : pending != nullptr          ? "a second opinion is wanted"
                                                               : "could not tell whether it accepts every address";
  out.Headline(absl::StrCat(TextField(domain, "domain"), ": ", what));
  if (finding != nullptr) {
    out.Line("text", TextField(*finding, "text"));
    out.Time("found", *finding, "updated");
  }
  if (pending != nullptr) {
    out.Line("said once", TextField(*pending, "text"));
    out.Time("said", *pending, "updated");
  }
  if (catch_all != "not_asked") out.Time("asked", domain, "catch_all_when");
  if (catch_all == "yes" || catch_all == "inconsistent") {
    out.Line("to do", "verification says nothing here while its server accepts every address at RCPT TO.");
    out.Line("", "Exchange: switch recipient filtering on, or probe a port that has it (2525 behind a frontend);");
    out.Line("", "a server that refuses only after DATA: smtp_address_verify_target = data;");
    out.Line("", "a route that leads to a relay: name the mailbox server in address_verify_transport_maps.");
  }
  return out.Take();
}

std::string HistoryText(const json::object& held, absl::Time now) {
  HeldWriter out(now);
  out.Headline(SpelledAddress(TextField(held, "address")));
  out.Line("asked for", SpelledAddress(TextField(held, "asked")));
  const json::object* record = ObjectField(held, "record");
  if (record == nullptr) {
    out.Line("history", "it was never asked about");
    return out.Take();
  }
  if (const json::array* history = ArrayField(*record, "history")) out.History(*history);
  out.Time("first asked", *record, "first_seen");
  out.Time("last accepted", *record, "last_positive");
  out.Time("refused since", *record, "negative_since");
  return out.Take();
}

std::string SpelledAddress(absl::string_view key) {
  const absl::StatusOr<Address> address = Address::FromUnquoted(key);
  return address.ok() && address->Key() == key ? address->ToSmtp() : std::string(key);
}

std::string ShellWord(absl::string_view key) {
  std::string word = SpelledAddress(key);
  const bool plain = absl::c_all_of(word, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("@._+-=%:,/", c) ||
           !absl::ascii_isascii(static_cast<unsigned char>(c));
  });
  return plain ? word : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

}  // namespace verifyd
