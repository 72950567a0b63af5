#include "mail/folded_text.h"

#include <cstdint>

#include "absl/strings/ascii.h"

namespace verifyd {
namespace {

// The letters of ISO 8859-1 from 0xC0, without their accents.
constexpr absl::string_view kLatin1 =
    "aaaaaaaceeeeiiii"
    "dnoooooxouuuuyts"
    "aaaaaaaceeeeiiii"
    "dnooooo/ouuuuyty";
static_assert(kLatin1.size() == 0x40);

// '\0' where there is no plainer one.
char Plain(uint32_t character) {
  if (character == 0xA0) return ' ';
  return character < 0xC0 || character > 0xFF ? '\0' : kLatin1[character - 0xC0];
}

char FoldAscii(uint8_t byte) { return byte <= ' ' || byte == 0x7F ? ' ' : absl::ascii_tolower(byte); }

// Folds a character beyond ASCII.
size_t FoldOther(absl::string_view in, size_t i, std::string& out) {
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

}  // namespace

size_t FoldCharacter(absl::string_view text, size_t at, std::string& out) {
  const auto byte = static_cast<uint8_t>(text[at]);
  if (byte >= 0x80) return FoldOther(text, at, out);
  out += FoldAscii(byte);
  return 1;
}

void FoldOnto(absl::string_view text, size_t max_bytes, std::string& out) {
  for (size_t i = 0; i < text.size() && out.size() < max_bytes;) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte >= 0x80) {
      i += FoldOther(text, i, out);
      continue;
    }
    ++i;
    const char c = FoldAscii(byte);
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
}

}  // namespace verifyd
