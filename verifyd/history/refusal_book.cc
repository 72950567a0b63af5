#include "verifyd/history/refusal_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "mail/address.h"
#include "verifyd/history/decision_entry.h"
#include "verifyd/history/decision_word.h"
#include "verifyd/history/shown_refusal.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

constexpr size_t kIdLength = 8;
// Without those that look like others: 0 and O, 1, I and L, U and V.
constexpr absl::string_view kAlphabet = "ABCDEFGHJKMNPQRSTVWXYZ23456789";
// Longer text is no address, and is shown cut.
constexpr size_t kShown = Address::kMaxAddress;

std::string Cut(absl::string_view text) { return Printable(text, kShown); }

std::string EntryOf(absl::string_view id, const MailRequest& request, const Ruling& ruling, absl::Time now) {
  const Decision& decision = ruling.decision;
  ShownRefusal shown{.id = id,
                     .when = now,
                     .action = DecisionWordName(WordFor(ruling)),
                     .subject = Cut(SubjectOf(request, ruling)),
                     .client_address = Cut(request.client_address),
                     .helo_name = Cut(request.helo_name),
                     .sasl_username = Cut(request.sasl_username),
                     .sender = Cut(request.sender),
                     .recipient = Cut(request.recipient),
                     .queue_id = Cut(request.queue_id),
                     .instance = Cut(request.instance),
                     .code = decision.code,
                     .dsn = Cut(decision.dsn),
                     .said = Cut(decision.text),
                     .why = ReasonWord(ruling),
                     .restriction = ruling.restriction};
  if (ruling.verdict.has_value()) shown.finding = Shown(ruling.verdict->finding);
  return boost::json::serialize(AsJson(shown));
}

}  // namespace

bool IsRefusalId(absl::string_view text) {
  return text.size() == kIdLength && std::all_of(text.begin(), text.end(), [](char c) {
           return kAlphabet.find(absl::ascii_toupper(static_cast<unsigned char>(c))) != absl::string_view::npos;
         });
}

std::string RefusalBook::NewId() {
  std::string id(kIdLength, ' ');
  do {
    for (char& c : id) c = kAlphabet[absl::Uniform<size_t>(random_, 0, kAlphabet.size())];
  } while (entries_.contains(id));
  return id;
}

std::string RefusalBook::Enter(const MailRequest& request, const Ruling& ruling, absl::Time now) {
  std::string id = NewId();
  std::string entry = EntryOf(id, request, ruling, now);
  bytes_ += entry.size();
  entries_.emplace(id, std::move(entry));
  ids_.push_back(id);
  while (ids_.size() > kMost || bytes_ > kMostBytes) {
    const auto oldest = entries_.find(ids_.front());
    bytes_ -= oldest->second.size();
    entries_.erase(oldest);
    ids_.pop_front();
  }
  return id;
}

std::optional<std::string> RefusalBook::Find(absl::string_view id) const {
  const auto found = entries_.find(absl::AsciiStrToUpper(id));
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

}  // namespace verifyd
