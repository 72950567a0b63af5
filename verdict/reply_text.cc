#include "verdict/reply_text.h"

#include <re2/re2.h>

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace verifyd {
namespace {

// ISO 8859-1 from 0xC0: the letter without its accent.
constexpr absl::string_view kLatin1 =
    "aaaaaaaceeeeiiii"
    "dnoooooxouuuuyts"
    "aaaaaaaceeeeiiii"
    "dnooooo/ouuuuyty";
static_assert(kLatin1.size() == 0x40);

// '\0' where there is nothing plainer.
char Plain(uint32_t character) {
  if (character == 0xA0) return ' ';
  return character < 0xC0 || character > 0xFF ? '\0' : kLatin1[character - 0xC0];
}

// Appends the non-ASCII character at `in[i]` and returns how many bytes it took.
size_t FoldCharacter(absl::string_view in, size_t i, std::string& out) {
  const auto at = [&](size_t k) { return i + k < in.size() ? static_cast<uint8_t>(in[i + k]) : uint8_t{0}; };
  const auto continues = [&](size_t k) { return (at(k) & 0xC0) == 0x80; };
  const uint8_t lead = at(0);
  if (lead >= 0xC2 && lead <= 0xDF && continues(1)) {
    const uint32_t character = (lead & 0x1FU) << 6 | (at(1) & 0x3FU);
    const char plain = Plain(character);
    if (character >= 0x410 && character <= 0x42F) {  // Cyrillic capitals
      out += static_cast<char>(character < 0x420 ? 0xD0 : 0xD1);
      out += static_cast<char>(0x80 | ((character + 0x20) & 0x3F));
    } else if (plain == '\0') {
      out.append(in.substr(i, 2).data(), 2);
    } else {
      out += plain;
    }
    return 2;
  }
  if (lead == 0xE2 && at(1) == 0x80 && (at(2) == 0x98 || at(2) == 0x99)) {  // typographic apostrophes
    out += '\'';
    return 3;
  }
  if (lead >= 0xE0 && lead <= 0xF4 && continues(1) && continues(2)) {
    const size_t length = lead >= 0xF0 && continues(3) ? 4 : 3;
    out.append(in.substr(i, length).data(), length);
    return length;
  }
  const char plain = Plain(lead);
  out += plain == '\0' ? in[i] : plain;
  return 1;
}

void FoldOnto(absl::string_view line, std::string& out) {
  for (size_t i = 0; i < line.size() && out.size() < JudgedReply::kMaxText;) {
    const auto byte = static_cast<uint8_t>(line[i]);
    if (byte >= 0x80) {
      i += FoldCharacter(line, i, out);
      continue;
    }
    ++i;
    const char c = byte <= ' ' || byte == 0x7F ? ' ' : absl::ascii_tolower(byte);
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
}

bool IsAddressByte(char c) {
  return (static_cast<uint8_t>(c) & 0x80U) != 0 || absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-/=?^_`{|}~.", absl::string_view(&c, 1));
}

bool IsDomainByte(char c) {
  return (static_cast<uint8_t>(c) & 0x80U) != 0 || absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         c == '.';
}

// Every "local@domain" becomes "@".
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
    // A full stop behind the address ends the sentence.
    if (text[i] == '.') out += '.';
  }
  return out;
}

}  // namespace

JudgedReply Judged(const Reply& reply) {
  JudgedReply judged{.code = reply.code, .enhanced = reply.enhanced};
  std::string folded;
  for (const std::string& line : reply.lines) {
    absl::string_view text = line;
    if (const EnhancedCode code = EnhancedCode::TakeFrom(text); code.given() && code == reply.enhanced) {
      EnhancedCode::TakeFrom(line, &text);
    }
    if (!folded.empty() && folded.back() != ' ') folded += ' ';
    FoldOnto(text, folded);
    if (folded.size() >= JudgedReply::kMaxText) break;
  }
  judged.text = WithoutAddresses(absl::StripAsciiWhitespace(folded));
  return judged;
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
