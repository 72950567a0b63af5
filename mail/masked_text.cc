#include "mail/masked_text.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "mail/address_forms.h"

namespace verifyd {
namespace {

// Bounds the search for the beginning of a local part.
constexpr size_t kLongestLocal = 320;

bool IsOfDomain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' || (c & 0x80) != 0;
}

// Returns the end of the domain that begins at `begin`; `begin` where there is none.
size_t EndOfDomain(absl::string_view text, size_t begin) {
  if (begin < text.size() && text[begin] == '[') {
    const size_t end = text.find(']', begin);
    return end == absl::string_view::npos ? begin : end + 1;
  }
  size_t end = begin;
  while (end < text.size() && IsOfDomain(text[end])) ++end;
  // These end a sentence, not a domain.
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  return end;
}

// Returns where the local part before `at` begins, not before `from`.
size_t BeginOfLocal(absl::string_view text, size_t from, size_t at, bool in_brackets) {
  const absl::string_view before = text.substr(from, at - from);
  if (in_brackets) {
    if (const size_t bracket = before.rfind('<'); bracket != absl::string_view::npos) return from + bracket + 1;
  }
  if (before.size() > 1 && before.back() == '"') {
    const size_t quote = before.substr(0, before.size() - 1).rfind('"');
    if (quote != absl::string_view::npos) return from + quote;
  }
  return from + before.find_last_of(" <>()\"',;:\t") + 1;
}

// Returns true if an address in <> after `before` may lack its domain.
bool NamesAnAddress(absl::string_view before) {
  return absl::EndsWith(before, "sender") || absl::EndsWith(before, "recipient") || absl::EndsWith(before, " to");
}

std::string MaskedAddresses(absl::string_view text, absl::FunctionRef<std::string(absl::string_view address)> mask) {
  std::string out;
  size_t copied = 0;
  for (size_t at = text.find('@'); at != absl::string_view::npos; at = text.find('@', at + 1)) {
    const size_t end = EndOfDomain(text, at + 1);
    // "a@b" in "a@b@c" is only a local part.
    if (end == at + 1 || (end < text.size() && text[end] == '@')) continue;
    const size_t from = std::max(copied, at - std::min(at, kLongestLocal));
    const size_t begin = BeginOfLocal(text, from, at, end < text.size() && text[end] == '>');
    if (begin == at) continue;
    absl::StrAppend(&out, text.substr(copied, begin - copied), mask(text.substr(begin, end - begin)));
    copied = end;
    at = end - 1;
  }
  return absl::StrCat(out, text.substr(copied));
}

}  // namespace

std::string MaskedText(absl::string_view text, absl::FunctionRef<std::string(absl::string_view address)> mask) {
  std::string out;
  size_t copied = 0;
  for (size_t at = text.find("=<"); at != absl::string_view::npos; at = text.find("=<", at)) {
    const size_t begin = at + 2;
    at = begin;
    if (!NamesAnAddress(text.substr(0, begin - 2))) continue;
    const size_t size = text.substr(begin, 2 * kLongestLocal).find('>');
    if (size == absl::string_view::npos || size == 0) continue;
    absl::StrAppend(&out, MaskedAddresses(text.substr(copied, begin - copied), mask), mask(text.substr(begin, size)));
    at = copied = begin + size;
  }
  return absl::StrCat(out, MaskedAddresses(text.substr(copied), mask));
}

std::string WithoutLocalPart(absl::string_view address) {
  const size_t at = address.rfind('@');
  if (at == 0 || address.empty()) return std::string(address);
  return absl::StrCat("*", at == absl::string_view::npos ? "" : address.substr(at));
}

std::string MaskedReply(absl::string_view text, absl::string_view address) {
  const AddressForms forms(address.substr(0, address.rfind('@')));
  return MaskedText(Replaced(text, forms.In(text), "*", "*@"), WithoutLocalPart);
}

std::string LoggedReply(absl::string_view text, absl::string_view address) {
  return LogFiltered() ? MaskedReply(text, address) : std::string(text);
}

}  // namespace verifyd
