#include "mail/address_forms.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mail/folded_text.h"
#include "mail/reply.h"

namespace verifyd {
namespace {

bool IsBlank(char c) { return static_cast<uint8_t>(c) <= ' ' || c == '\x7F'; }
bool IsQuoting(char c) { return c == '"' || c == '\\'; }
bool IsOfWord(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || (c & 0x80) != 0; }
bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

int ValueOfHex(char c) {
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return IsDigit(lower) ? lower - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Decodes "%20" as in a URL, "=20" as in quoted-printable, "+20" as in xtext (RFC 3461).
std::optional<char> Encoded(absl::string_view text, size_t at) {
  if (at + 2 >= text.size() || (text[at] != '%' && text[at] != '=' && text[at] != '+')) return std::nullopt;
  const int high = ValueOfHex(text[at + 1]);
  const int low = ValueOfHex(text[at + 2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

// Decodes the bytes of a character beyond ASCII, at most four.
std::string EncodedBytes(absl::string_view text, size_t at) {
  std::string bytes;
  for (std::optional<char> byte = Encoded(text, at); byte.has_value() && (*byte & 0x80) != 0 && bytes.size() < 4;
       byte = Encoded(text, at)) {
    bytes += *byte;
    at += 3;
  }
  return bytes;
}

bool IsWordBefore(absl::string_view text, size_t at) {
  return at > 0 && IsOfWord(text[at - 1]) && (at < 3 || !Encoded(text, at - 3).has_value());
}

bool IsQuoteBefore(absl::string_view text, size_t at) {
  if (at > 0 && IsQuoting(text[at - 1])) return true;
  const std::optional<char> encoded = at < 3 ? std::nullopt : Encoded(text, at - 3);
  return encoded.has_value() && IsQuoting(*encoded);
}

// Returns the place after quotes and backslashes, and after blanks where `blanks` is set.
size_t BehindQuotes(absl::string_view text, size_t at, bool blanks) {
  for (;;) {
    if (at < text.size() && (IsQuoting(text[at]) || (blanks && IsBlank(text[at])))) {
      ++at;
    } else if (const std::optional<char> c = Encoded(text, at); c.has_value() && IsQuoting(*c)) {
      at += 3;
    } else {
      return at;
    }
  }
}

// Returns the bytes of an "@", also of an encoded one; 0 for all else.
size_t AtSign(absl::string_view text, size_t at) {
  if (at < text.size() && text[at] == '@') return 1;
  return Encoded(text, at) == '@' ? 3 : 0;
}

// Returns the bytes of a code that a server repeats at the beginning of each line: "5.1.1 ", or, where lines have been
// joined, "550-5.1.1 ". 0 where there is no such code.
size_t BeginOfLine(absl::string_view text, size_t at) {
  const absl::string_view line = text.substr(at);
  absl::string_view rest = line;
  if (line.size() > 3 && line[0] >= '2' && line[0] <= '5' && IsDigit(line[1]) && IsDigit(line[2]) &&
      (line[3] == ' ' || line[3] == '-')) {
    rest.remove_prefix(4);
  } else if (text[at - 1] != '\n') {
    return 0;
  }
  absl::string_view behind;
  if (EnhancedCode::TakeFrom(rest, &behind).given()) rest = behind;
  return line.size() - rest.size();
}

// Returns true if the text from `begin` to `end` is only a piece of another address: of its local part, or of its
// domain.
bool IsPieceOfAddress(absl::string_view text, size_t begin, size_t end) {
  // Bounds the search.
  constexpr size_t kLongest = 320;
  const auto joins = [](char c) {
    return IsOfWord(c) || absl::StrContains("!#$%&'*+-/=?^_`{|}~.", absl::string_view(&c, 1));
  };
  size_t behind = end;
  while (behind < text.size() && behind - end < kLongest && joins(text[behind])) ++behind;
  if (behind < text.size() && text[behind] == '@') return true;
  size_t before = begin;
  while (before > 0 && begin - before < kLongest &&
         (IsOfWord(text[before - 1]) || text[before - 1] == '-' || text[before - 1] == '.')) {
    --before;
  }
  return before > 0 && text[before - 1] == '@';
}

bool IsOrdinary(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("._+-='", absl::string_view(&c, 1));
}

}  // namespace

AddressForms::AddressForms(absl::string_view local) {
  folded_.reserve(local.size());
  FoldOnto(local, std::string::npos, folded_);
  letters_.reserve(folded_.size());
  for (const char c : folded_) {
    if (!IsBlank(c) && !IsQuoting(c)) letters_ += c;
  }
  odd_ = !std::all_of(local.begin(), local.end(), IsOrdinary);
}

// Only the first of a run of quotes can begin a form: to begin at each would be quadratic.
bool AddressForms::CanBegin(absl::string_view text, size_t at) const {
  const char c = text[at];
  if (absl::ascii_tolower(static_cast<unsigned char>(c)) == letters_[0] || (c & 0x80) != 0) {
    return !IsWordBefore(text, at);
  }
  const std::optional<char> encoded = Encoded(text, at);
  if (!IsQuoting(c) && !encoded.has_value()) return false;
  return !IsQuoteBefore(text, at);
}

// Takes the character at `at` if it is the next letter, or if it is encoded and to be skipped; 0 where it is neither.
size_t AddressForms::TakeLetter(absl::string_view text, size_t at, size_t& letters) const {
  const absl::string_view rest = absl::string_view(letters_).substr(letters);
  std::string folded;
  const std::optional<char> c = Encoded(text, at);
  if (c.has_value() && !absl::StartsWithIgnoreCase(rest, text.substr(at, 3))) {
    if (IsQuoting(*c) || (letters > 0 && IsBlank(*c))) return 3;
    const std::string bytes = (*c & 0x80) != 0 ? EncodedBytes(text, at) : std::string(1, *c);
    const size_t taken = FoldCharacter(bytes, 0, folded);
    if (absl::StartsWith(rest, folded)) {
      letters += folded.size();
      return taken * 3;
    }
    folded.clear();
  }
  const size_t taken = FoldCharacter(text, at, folded);
  if (!absl::StartsWith(rest, folded)) return 0;
  letters += folded.size();
  return taken;
}

AddressForms::Match AddressForms::MatchAt(absl::string_view text, size_t at) const {
  Match match;
  while (match.letters < letters_.size() && at < text.size()) {
    const size_t before = match.letters;
    if (const size_t taken = TakeLetter(text, at, match.letters); taken > 0) {
      at += taken;
      if (match.letters > before) match.end = at;
      continue;
    }
    if (IsQuoting(text[at]) || (match.letters > 0 && IsBlank(text[at]))) {
      ++at;
      continue;
    }
    const size_t skipped = match.letters > 0 && IsBlank(text[at - 1]) ? BeginOfLine(text, at) : 0;
    if (skipped == 0) break;
    at += skipped;
  }
  return match;
}

AddressForms::Place AddressForms::FormAt(absl::string_view text, size_t begin) const {
  const Match match = MatchAt(text, begin);
  if (match.letters == 0) return {};
  const bool whole = match.letters == letters_.size();
  const size_t behind = BehindQuotes(text, match.end, whole);
  if (const size_t at_sign = AtSign(text, behind); at_sign > 0) return {begin, behind + at_sign, true, true};
  if (match.end < text.size() && IsOfWord(text[match.end])) return {};
  const size_t closed = BehindQuotes(text, match.end, false);
  const size_t end = IsQuoting(text[begin]) ? closed : match.end;
  const size_t bracket = BehindQuotes(text, match.end, true);
  if (begin > 0 && text[begin - 1] == '<' && bracket < text.size() && text[bracket] == '>') {
    return {begin, bracket, false, true};
  }
  // One letter is no name, unless it is quoted.
  const bool quoted = IsQuoting(text[begin]) && closed > match.end;
  const size_t least = whole ? (quoted ? 1 : 2) : odd_ ? kLeastCutOdd : kLeastCut;
  if (match.letters < least || IsPieceOfAddress(text, begin, end)) return {};
  return {begin, end, false, false};
}

std::vector<AddressForms::Place> AddressForms::In(absl::string_view text) const {
  std::vector<Place> places;
  if (letters_.empty()) return places;
  for (size_t i = 0; i < text.size();) {
    const Place place = CanBegin(text, i) ? FormAt(text, i) : Place{};
    if (place.end > 0) places.push_back(place);
    i = std::max(i + 1, place.end);
  }
  return places;
}

std::string AddressForms::Marked(absl::string_view text) const { return Replaced(text, In(text), "@", "@"); }

std::string AddressForms::WithoutItsWords(absl::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && IsOfWord(text[end])) ++end;
    const absl::string_view word = text.substr(i, end - i);
    if (word.size() > folded_.size() || !absl::StrContains(folded_, word)) out.append(word.data(), word.size());
    if (end < text.size()) out += text[end];
    i = end + 1;
  }
  return out;
}

std::string Replaced(absl::string_view text, const std::vector<AddressForms::Place>& places, absl::string_view mark,
                     absl::string_view mark_at_sign) {
  std::string out;
  out.reserve(text.size());
  size_t copied = 0;
  for (const AddressForms::Place& place : places) {
    absl::StrAppend(&out, text.substr(copied, place.begin - copied), place.at_sign ? mark_at_sign : mark);
    copied = place.end;
  }
  absl::StrAppend(&out, text.substr(copied));
  return out;
}

}  // namespace verifyd
