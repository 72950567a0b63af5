#include "verifyd/history/refusal_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "mail/address.h"
#include "verifyd/history/decided.h"
#include "verifyd/history/decision_word.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr size_t kIdLength = 8;
// Without those that look like others: 0 and O, 1, I and L, U and V.
constexpr absl::string_view kAlphabet = "ABCDEFGHJKMNPQRSTVWXYZ23456789";
// Longer text is no address, and is shown cut.
constexpr size_t kShown = Address::kMaxAddress;

void Put(json::object& object, absl::string_view name, absl::string_view text) {
  if (!text.empty()) object[{name.data(), name.size()}] = JsonText(Printable(text, kShown));
}

std::string EntryOf(absl::string_view id, const MailRequest& request, const Ruling& ruling, absl::Time now) {
  const Decision& decision = ruling.decision;
  json::object object;
  object["id"] = JsonText(id);
  object["when"] = ToJson(now);
  object["action"] = JsonText(DecisionWordName(WordFor(ruling)));
  Put(object, "subject", SubjectOf(request, ruling));
  Put(object, "client_address", request.client_address);
  Put(object, "helo_name", request.helo_name);
  Put(object, "sasl_username", request.sasl_username);
  object["sender"] = JsonText(Printable(request.sender, kShown));
  Put(object, "recipient", request.recipient);
  Put(object, "queue_id", request.queue_id);
  Put(object, "instance", request.instance);
  if (decision.code != 0) object["code"] = decision.code;
  Put(object, "dsn", decision.dsn);
  Put(object, "said", decision.text);
  object["why"] = JsonText(ReasonWord(ruling));
  if (!ruling.restriction.empty()) object["restriction"] = JsonText(ruling.restriction);
  if (ruling.verdict.has_value()) object["finding"] = ToJson(ruling.verdict->finding);
  return json::serialize(object);
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
