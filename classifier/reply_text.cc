#include "classifier/reply_text.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "mail/address_forms.h"
#include "mail/folded_text.h"

namespace verifyd {
namespace {

// The first of these words are each tried alone. A server repeats the name that it was asked about once or twice.
constexpr size_t kMaxWords = 4;

bool IsAddressByte(char c) {
  return (static_cast<uint8_t>(c) & 0x80U) != 0 || absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-/=?^_`{|}~.", absl::string_view(&c, 1));
}

bool IsDomainByte(char c) {
  return (static_cast<uint8_t>(c) & 0x80U) != 0 || absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         c == '.';
}

// Replaces every "local@domain" with "@".
std::string WithoutAddresses(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] != '@') continue;
    size_t begin = out.size() - 1;
    if (begin > 0 && out[begin - 1] == '"') {
      const size_t quote = begin >= 2 ? out.rfind('"', begin - 2) : std::string::npos;
      if (quote != std::string::npos && begin - quote <= 66) begin = quote;
    }
    while (begin > 0 && IsAddressByte(out[begin - 1])) --begin;
    out.resize(begin);
    out += '@';
    while (i + 1 < text.size() && IsDomainByte(text[i + 1])) ++i;
    // A full stop after the address ends the sentence.
    if (text[i] == '.') out += '.';
  }
  return out;
}

// Returns the lines, folded, each with its enhanced code, separated by '\n'.
std::string Folded(const Reply& reply) {
  std::string folded;
  for (const std::string& line : reply.lines) {
    if (!folded.empty()) folded += '\n';
    FoldOnto(line, JudgedReply::kMaxText, folded);
    if (folded.size() >= JudgedReply::kMaxText) break;
  }
  return folded;
}

// Reads `folded`, with or without marks.
JudgedReply Read(const Reply& reply, absl::string_view folded, EnhancedCode enhanced) {
  JudgedReply judged{.code = reply.code, .enhanced = enhanced};
  judged.text.reserve(folded.size());
  for (absl::string_view line : absl::StrSplit(folded, '\n')) {
    if (const EnhancedCode code = EnhancedCode::TakeFrom(line); code.given() && code == enhanced) {
      EnhancedCode::TakeFrom(line, &line);
    }
    if (!judged.text.empty() && judged.text.back() != ' ') judged.text += ' ';
    absl::StrAppend(&judged.text, absl::StripLeadingAsciiWhitespace(line));
  }
  absl::StripTrailingAsciiWhitespace(&judged.text);
  return judged;
}

std::string Marked(absl::string_view folded, const std::vector<AddressForms::Place>& places) {
  // Text beside a mark without "@" is not part of an address. No control byte is left in folded text.
  constexpr char kMark = '\x01';
  std::string marked = WithoutAddresses(Replaced(folded, places, absl::string_view(&kMark, 1), "@"));
  absl::c_replace(marked, kMark, '@');
  return marked;
}

// Looks for the enhanced code again: the one found before may have been part of a marked address.
JudgedReply ReadMarked(const Reply& reply, absl::string_view marked) {
  EnhancedCode enhanced;
  if (reply.enhanced.given()) enhanced = EnhancedCode::TakeFrom(marked);
  if (reply.enhanced.given() && !enhanced.given()) enhanced = EnhancedCode::FoundIn(absl::StrSplit(marked, '\n'));
  return Read(reply, marked, enhanced);
}

// Adds the readings of words that may be the server's or the address's: all are the server's, or all but one.
void AddReadingsOfWords(const Reply& reply, absl::string_view folded, const std::vector<AddressForms::Place>& places,
                        Readings& readings) {
  std::vector<AddressForms::Place> sure;
  std::vector<AddressForms::Place> words;
  for (const AddressForms::Place& place : places) (place.sure ? sure : words).push_back(place);
  readings.push_back(ReadMarked(reply, Marked(folded, sure)));
  for (size_t i = 0; words.size() > 1 && i < std::min(words.size(), kMaxWords); ++i) {
    std::vector<AddressForms::Place> some = sure;
    some.insert(std::upper_bound(some.begin(), some.end(), words[i],
                                 [](const auto& a, const auto& b) { return a.begin < b.begin; }),
                words[i]);
    readings.push_back(ReadMarked(reply, Marked(folded, some)));
  }
}

}  // namespace

Readings ReadingsOf(const Reply& reply, const Marks& marks) {
  const std::string folded = Folded(reply);
  if (marks.recipient == nullptr) return {Read(reply, WithoutAddresses(folded), reply.enhanced)};
  const AddressForms forms(marks.recipient->local());
  const std::vector<AddressForms::Place> places = forms.In(folded);
  if (places.empty() && !forms.odd()) return {Read(reply, WithoutAddresses(folded), reply.enhanced)};
  const std::string marked = Marked(folded, places);
  Readings readings = {ReadMarked(reply, marked)};
  if (!absl::c_all_of(places, [](const AddressForms::Place& place) { return place.sure; })) {
    AddReadingsOfWords(reply, folded, places, readings);
  }
  if (!forms.odd()) return readings;
  const std::string without = forms.WithoutItsWords(marked);
  if (without != marked) readings.push_back(ReadMarked(reply, without));
  return readings;
}

std::optional<JudgedReply> QuotedIn(const JudgedReply& reply) {
  static const RE2& quote =
      *new RE2(R"((?:\b(?:said|says|response|responded|reply|replied|answer|answered|returned|was|result|reason|)"
               R"(error|fail|failed|failure|status)|@)[^:("'0-9]{0,12}[:("'][ "'<]{0,3}([45][0-9][0-9])(?:[ -](.*)|$))",
               RE2::Latin1);
  re2::StringPiece code;
  re2::StringPiece text;
  if (!RE2::PartialMatch(re2::StringPiece(reply.text.data(), reply.text.size()), quote, &code, &text)) {
    return std::nullopt;
  }
  JudgedReply inner;
  if (!absl::SimpleAtoi(absl::string_view(code.data(), code.size()), &inner.code)) return std::nullopt;
  absl::string_view rest(text.data(), text.size());
  inner.enhanced = EnhancedCode::TakeFrom(rest, &rest);
  inner.text = std::string(absl::StripAsciiWhitespace(rest));
  return inner;
}

}  // namespace verifyd
