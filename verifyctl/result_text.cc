#include "verifyctl/result_text.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "boost/json.hpp"
#include "mail/address.h"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr int kIndent = 4;
constexpr int kLabelWidth = 10;

void Put(std::string& out, absl::string_view label, absl::string_view text) {
  if (!text.empty()) absl::StrAppendFormat(&out, "%*s%-*s%s\n", kIndent, "", kLabelWidth, label, text);
}

std::string ReasonText(const ShownFinding& finding) {
  if (finding.reason.empty()) return "";
  return absl::StrCat(finding.reason, " (about the ", finding.scope == "us" ? "asker" : finding.scope, ", at ",
                      absl::AsciiStrToUpper(finding.stage), ")");
}

// Returns nothing where it was a probe.
absl::string_view LearnedFromText(const ShownFinding& finding) {
  if (finding.learned_from == "reported") return "what Postfix reported";
  if (finding.learned_from == "import") return "an import";
  if (finding.learned_from == "mail_log") return "a mail log";
  return finding.learned_from;
}

void PutFinding(std::string& out, const ShownFinding& finding) {
  Put(out, "reason", ReasonText(finding));
  Put(out, "rule", finding.rule);
  Put(out, "server", ServerText(finding));
  Put(out, "text", finding.text);
  Put(out, "from", LearnedFromText(finding));
}

std::string SourceText(const ShownVerdict& result) {
  const absl::string_view source = result.source;
  if (source == "none" || source.empty()) return "";
  if (source == "probe") return "probe, just now";
  const absl::string_view words = source == "pin"      ? "set by the operator"
                                  : source == "domain" ? "cache, holds for the whole domain"
                                                       : "cache";
  return absl::StrCat(words, ", ", Rough(absl::Seconds(result.age_s.value_or(0))), " old",
                      result.refreshing.value_or(false) ? ", being refreshed" : "");
}

absl::string_view StatusText(const ShownVerdict& result) {
  if (result.state == "in_progress") return "unknown, a probe is under way";
  if (result.state == "not_cached") return "not cached";
  if (result.state == "not_verifiable") return "unknown, not verifiable";
  return result.status;
}

// Returns "2026-01-31T12:00:00Z (3 days ago)", "... (in 2 hours)"; nothing where there is no time.
std::string TimeText(absl::Time time, absl::Time now) {
  const std::string text = ShownTime(time);
  if (text.empty()) return "";
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
  void Time(absl::string_view label, absl::Time time) { Line(label, TimeText(time, now_)); }
  void Finding(const ShownStanding& standing) {
    const ShownFinding& finding = standing.finding;
    Line("status", standing.status);
    Line("reason", ReasonText(finding));
    Line("rule", finding.rule);
    Line("server", ServerText(finding));
    Line("text", finding.text);
    Line("learned from", LearnedFromText(finding));
  }
  void History(const std::vector<ShownPast>& history) {
    if (history.empty()) return;
    Line("history", "newest first");
    for (const ShownPast& past : history) {
      absl::StrAppendFormat(&out_, "%*s%s %s, %s%s at %s\n", 2 * kIndent, "", ShownTime(past.when), past.status,
                            past.reason, past.code == 0 ? "" : absl::StrCat(" (", past.code.value, ")"),
                            absl::AsciiStrToUpper(past.stage));
    }
  }
  std::string Take() { return std::move(out_); }

 private:
  const absl::Time now_;
  std::string out_;
};

absl::string_view FreshnessText(absl::string_view freshness) {
  if (freshness == "fresh") return "fresh: answers at once";
  if (freshness == "refresh") return "due: answers, and is probed again when asked for";
  if (freshness == "stale") return "stale: answers, as its server can not be asked";
  return "expired: answers nothing any more";
}

void WriteRecord(HeldWriter& out, const ShownRecord& record) {
  out.Headline("  record");
  if (record.finding.has_value()) {
    out.Finding(*record.finding);
    out.Time("last confirmed", record.finding->finding.updated);
  }
  out.Line("state", FreshnessText(record.freshness));
  out.Time("refreshed from", record.refresh_at);
  out.Time("next probe", record.next_probe);
  out.Time("expires", record.expire_at);
  out.Time("forgotten", record.kept_until);
  out.Time("first asked", record.first_seen);
  out.Time("last accepted", record.last_positive);
  out.Time("refused since", record.negative_since);
  out.Time("only deferred until", record.grace_until);
  if (record.temporary_count > 0) {
    out.Line("temporary answers",
             absl::StrCat(record.temporary_count.value, " since ", ShownTime(record.first_temporary)));
  }
  out.History(record.history);
  if (record.pending.has_value()) {
    out.Headline("  against it, until a second probe says the same");
    out.Finding(*record.pending);
    out.Time("said", record.pending->finding.updated);
  }
}

void WriteDomain(HeldWriter& out, const ShownDomain& domain) {
  out.Headline(absl::StrCat("  domain ", domain.domain));
  if (domain.finding.has_value()) {
    out.Finding(*domain.finding);
    out.Time("found", domain.finding->finding.updated);
  }
  out.Line("state", FreshnessText(domain.freshness));
  out.Time("forgotten", domain.expire_at);
  if (domain.catch_all != "not_asked") {
    out.Line("accepts any address", domain.catch_all == "could_not_tell" ? "could not tell" : domain.catch_all);
    out.Time("asked", domain.catch_all_when);
  }
  out.Time("its servers talked", domain.alive);
  if (domain.pending.has_value()) {
    out.Headline("  against the domain, until a second probe says the same");
    out.Finding(*domain.pending);
    out.Time("said", domain.pending->finding.updated);
  }
}

// Writes what the next question is answered with.
void WriteNextQuestion(HeldWriter& out, const ShownRecord& record) {
  const absl::string_view freshness = record.freshness;
  if (record.next_probe != absl::InfinitePast()) {
    out.Time("asked again, unasked", record.next_probe);
  } else if (freshness == "expired") {
    out.Line("next question", "waits for a new probe");
  } else if (freshness == "refresh") {
    out.Line("next question", "is answered with this, and asks the server again");
  } else {
    out.Line("next question", "is answered with this");
    out.Time("asked again from", record.refresh_at);
  }
}

// Writes what will happen, and what the operator can do about it.
void WriteNext(HeldWriter& out, const ShownHeld& held) {
  if (held.address.empty()) return;
  const std::string address = ShellWord(held.address);
  out.Headline("  what comes next");
  if (held.pin.has_value()) {
    out.Line("answer", "the operator's word, whatever servers say");
    out.Line("to take it back", absl::StrCat("verifyctl unset ", address));
    return;
  }
  if (held.record.has_value()) WriteNextQuestion(out, *held.record);
  out.Line("to forget it", absl::StrCat("verifyctl delete ", address));
  out.Line("to say otherwise", absl::StrCat("verifyctl set ", address, " deliverable|undeliverable [--for 7d]"));
}

void WritePin(HeldWriter& out, const ShownPin& pin) {
  out.Headline("  set by the operator");
  out.Line("status", pin.status);
  out.Line("why", pin.why);
  if (pin.tell) out.Line("clients are told", "why");
  out.Time("since", pin.set_at);
  out.Time("until", pin.until);
}

}  // namespace

std::string ServerText(const ShownFinding& finding) {
  return absl::StrCat(finding.mx, finding.mx_address.empty() ? "" : absl::StrCat("[", finding.mx_address, "]"));
}

absl::string_view TextField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? absl::string_view() : absl::string_view(text->data(), text->size());
}

double RealField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

int64_t NumberField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  const int64_t* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr ? 0 : *number;
}

bool FlagField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* ObjectField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* ArrayField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
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

std::string ResultText(const ShownVerdict& result) {
  if (!result.error.empty()) {
    return absl::StrCat(result.address, ": not an address\n", absl::StrFormat("%*s%s\n", kIndent, "", result.error));
  }
  std::string out = absl::StrCat(result.address, ": ", StatusText(result), "\n");
  Put(out, "source", SourceText(result));
  PutFinding(out, result.finding);
  if (!result.transcript.value.empty()) out += DialogueText(result.transcript);
  return out;
}

std::string DialogueText(const ShownDialogue& dialogue) {
  std::string out = absl::StrFormat("%*sdialogue (milliseconds; > said, < heard)\n", kIndent, "");
  for (const ShownLine& line : dialogue) {
    absl::StrAppendFormat(&out, "%*s%10.1f %s %s\n", kIndent, "", line.at_ms,
                          line.kind == "sent"       ? ">"
                          : line.kind == "received" ? "<"
                                                    : " ",
                          line.text.value);
  }
  return out;
}

std::string HeldText(const ShownHeld& held, absl::Time now) {
  HeldWriter out(now);
  out.Headline(
      absl::StrCat(SpelledAddress(held.address), ": ", held.verdict.has_value() ? StatusText(*held.verdict) : ""));
  out.Line("asked for", SpelledAddress(held.asked));
  if (held.verdict.has_value()) {
    if (held.verdict->grace) out.Line("decision", "only deferred for now: it was there not long ago");
    out.Line("answered from", SourceText(*held.verdict));
  }
  if (held.pin.has_value()) WritePin(out, *held.pin);
  if (held.record.has_value()) WriteRecord(out, *held.record);
  if (held.domain.has_value()) WriteDomain(out, *held.domain);
  WriteNext(out, held);
  return out.Take();
}

std::string PinText(const ShownPin& pin) {
  const std::string until = ShownTime(pin.until);
  const absl::string_view status = pin.unset ? "not set any more" : pin.released ? "not on hold any more" : pin.status;
  return absl::StrCat(SpelledAddress(pin.target), ": ", status == kShownHold ? "on hold" : status,
                      until.empty() ? "" : absl::StrCat(" until ", until),
                      pin.why.empty() ? "" : absl::StrCat(" (", pin.why, pin.tell ? "; clients are told" : "", ")"),
                      "\n");
}

namespace {

// Returns "3 of 20 connections, 120 waiting, 8 recipients a transaction, at most 19.2 addresses a second, ...".
std::string ActivityText(const ShownActivity& activity) {
  std::string text = absl::StrCat(activity.connections, " of ", activity.connection_limit, " connections, ",
                                  activity.queued, " waiting, ", activity.recipients, " recipients a transaction");
  if (activity.addresses_per_second > 0) {
    absl::StrAppendFormat(&text, ", at most %.1f addresses a second", activity.addresses_per_second.value);
  }
  if (activity.latency_ms > 0) absl::StrAppendFormat(&text, ", a reply takes %.0f ms", activity.latency_ms);
  if (activity.asked_this_hour > 0) {
    absl::StrAppend(&text, ", ", activity.unknown_this_hour.value_or(0), " of ", activity.asked_this_hour.value,
                    " unknown within the hour");
  }
  for (const absl::string_view source : activity.resting_sources.value) {
    absl::StrAppend(&text, ", ", source, " is blocked there");
  }
  return text;
}

}  // namespace

std::string DestinationText(const ShownDestination& destination, absl::Time now) {
  HeldWriter out(now);
  out.Headline(absl::StrCat(destination.destination, ": ", destination.believed ? "believed" : "NOT BELIEVED",
                            destination.held ? ", on hold" : "",
                            destination.left_alone_for.empty() ? "" : ", left alone"));
  out.Line("doubt", destination.doubt);
  out.Time("doubted since", destination.doubted_since);
  out.Time("on hold until", destination.held_until);
  out.Line("on hold because", destination.held_why);
  out.Line("left alone after", destination.left_alone_for);
  out.Time("until", destination.left_alone_until);
  if (destination.failures > 0) out.Line("failures in a row", absl::StrCat(destination.failures));
  out.Line("last failure", destination.last_failure);
  out.Time("last failed", destination.last_failure_when);
  out.Time("last talked to us", destination.last_success);
  out.Time("last accepted one", destination.last_accepted);
  if (destination.now.has_value()) out.Line("now", ActivityText(*destination.now));
  return out.Take();
}

std::string DomainText(const ShownDomain& domain, absl::Time now) {
  HeldWriter out(now);
  const absl::string_view catch_all = domain.catch_all;
  const absl::string_view what = domain.finding.has_value()    ? domain.finding->finding.reason
                                 : catch_all == "yes"          ? "accepts every address"
                                 : catch_all == "inconsistent" ? "accepts some addresses that can not exist"
                                 : catch_all == "no"           ? "accepts only addresses that exist"
                                 : domain.pending.has_value()  ? "a second opinion is wanted"
                                                               : "could not tell whether it accepts every address";
  out.Headline(absl::StrCat(domain.domain, ": ", what));
  if (domain.finding.has_value()) {
    out.Line("text", domain.finding->finding.text);
    out.Time("found", domain.finding->finding.updated);
  }
  if (domain.pending.has_value()) {
    out.Line("said once", domain.pending->finding.text);
    out.Time("said", domain.pending->finding.updated);
  }
  if (catch_all != "not_asked") out.Time("asked", domain.catch_all_when);
  if (catch_all == "yes" || catch_all == "inconsistent") {
    out.Line("to do", "verification says nothing here while its server accepts every address at RCPT TO.");
    out.Line("", "Exchange: switch recipient filtering on, or probe a port that has it (2525 behind a frontend);");
    out.Line("", "a server that refuses only after DATA: smtp_address_verify_target = data;");
    out.Line("", "a route that leads to a relay: name the mailbox server in address_verify_transport_maps.");
  }
  return out.Take();
}

std::string HistoryText(const ShownHeld& held, absl::Time now) {
  HeldWriter out(now);
  out.Headline(SpelledAddress(held.address));
  out.Line("asked for", SpelledAddress(held.asked));
  if (!held.record.has_value()) {
    out.Line("history", "it was never asked about");
    return out.Take();
  }
  out.History(held.record->history);
  out.Time("first asked", held.record->first_seen);
  out.Time("last accepted", held.record->last_positive);
  out.Time("refused since", held.record->negative_since);
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
