#include "mail/reply.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

// Takes one to three digits from the front of `s` (RFC 3463 section 2).
bool TakeNumber(absl::string_view& s, uint16_t& number) {
  size_t digits = 0;
  number = 0;
  for (; digits < s.size() && IsDigit(s[digits]); ++digits) {
    if (digits == 3) return false;
    number = static_cast<uint16_t>(number * 10 + (s[digits] - '0'));
  }
  s.remove_prefix(digits);
  return digits > 0;
}

// Returns false where the code goes on: 5.1.1.7 is an address, 5.1.1a a version.
bool CodeEnds(absl::string_view rest) {
  if (rest.empty()) return true;
  if (rest[0] == '.') return rest.size() == 1 || !IsDigit(rest[1]);
  return !absl::ascii_isalnum(static_cast<unsigned char>(rest[0]));
}

// Finds the code in "sorry, no mailbox here by that name. (#5.1.1)".
EnhancedCode InParenthesesAtTheEnd(absl::string_view line) {
  while (!line.empty() && (line.back() == '.' || absl::ascii_isspace(static_cast<unsigned char>(line.back())))) {
    line.remove_suffix(1);
  }
  if (!absl::ConsumeSuffix(&line, ")")) return {};
  const size_t open = line.rfind('(');
  if (open == absl::string_view::npos) return {};
  absl::string_view rest;
  const EnhancedCode code = EnhancedCode::TakeFrom(line.substr(open + 1), &rest);
  return rest.empty() ? code : EnhancedCode{};
}

bool BeginsAsReply(absl::string_view line) {
  return line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && IsDigit(line[1]) && IsDigit(line[2]) &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '-');
}

absl::Status NotAReply(absl::string_view line) {
  return absl::InvalidArgumentError(absl::StrCat("not an SMTP reply: \"", Printable(line, 100), "\""));
}

}  // namespace

std::string EnhancedCode::ToString() const {
  return given() ? absl::StrCat(status_class, ".", subject, ".", detail) : "";
}

EnhancedCode EnhancedCode::TakeFrom(absl::string_view text, absl::string_view* rest) {
  if (rest != nullptr) *rest = text;
  absl::string_view s = absl::StripLeadingAsciiWhitespace(text);
  absl::ConsumePrefix(&s, "#");
  if (s.empty() || (s[0] != '2' && s[0] != '4' && s[0] != '5')) return {};
  EnhancedCode code;
  code.status_class = static_cast<uint8_t>(s[0] - '0');
  s.remove_prefix(1);
  if (!absl::ConsumePrefix(&s, ".") || !TakeNumber(s, code.subject)) return {};
  if (!absl::ConsumePrefix(&s, ".") || !TakeNumber(s, code.detail)) return {};
  if (!CodeEnds(s)) return {};
  if (rest != nullptr) *rest = absl::StripLeadingAsciiWhitespace(s);
  return code;
}

EnhancedCode EnhancedCode::FoundIn(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    if (const EnhancedCode code = TakeFrom(line); code.given()) return code;
  }
  for (const std::string& line : lines) {
    if (const EnhancedCode code = InParenthesesAtTheEnd(line); code.given()) return code;
  }
  return {};
}

std::string Reply::ToLine(size_t max_bytes) const {
  std::string line = absl::StrCat(code);
  for (const std::string& part : lines) {
    if (line.size() > max_bytes) break;
    const absl::string_view text = absl::StripAsciiWhitespace(part);
    if (!text.empty()) absl::StrAppend(&line, " ", text);
  }
  return Printable(line, max_bytes);
}

std::string Reply::Text() const { return absl::StrJoin(lines, "\n"); }

absl::StatusOr<Reply> Reply::Parse(absl::string_view text) {
  absl::ConsumeSuffix(&text, "\n");
  std::string whole(text);
  const size_t last = whole.rfind('\n') + 1;  // npos + 1 is 0
  if (whole.size() > last + 3 && whole[last + 3] == '-') whole[last + 3] = ' ';
  whole.push_back('\n');
  ReplyParser parser;
  absl::string_view bytes = whole;
  ASSIGN_OR_RETURN(std::optional<Reply> reply, parser.Feed(bytes));
  if (!reply.has_value() || !bytes.empty()) return NotAReply(text);
  return *std::move(reply);
}

absl::StatusOr<std::optional<Reply>> ReplyParser::Feed(absl::string_view& bytes) {
  while (error_.ok() && !bytes.empty()) {
    const size_t end = bytes.find('\n');
    const absl::string_view part = bytes.substr(0, end);
    // One more byte for the CR that may stand before the LF.
    if (line_.size() + part.size() > kMaxLine + 1) {
      error_ = absl::ResourceExhaustedError(absl::StrCat("reply line of more than ", kMaxLine, " bytes"));
      break;
    }
    if (end == absl::string_view::npos) {
      line_.append(part.data(), part.size());
      bytes.remove_prefix(bytes.size());
      break;
    }
    bytes.remove_prefix(end + 1);
    bool complete = false;
    if (line_.empty()) {
      error_ = TakeLine(part, complete);
    } else {
      line_.append(part.data(), part.size());
      error_ = TakeLine(line_, complete);
      line_.clear();
    }
    if (complete) return Finish();
  }
  RETURN_IF_ERROR(error_);
  return std::nullopt;
}

absl::Status ReplyParser::TakeLine(absl::string_view line, bool& complete) {
  absl::ConsumeSuffix(&line, "\r");
  if (line.size() > kMaxLine) {
    return absl::ResourceExhaustedError(absl::StrCat("reply line of more than ", kMaxLine, " bytes"));
  }
  const bool empty_within = line.empty() && !reply_.lines.empty();
  if (!empty_within && !BeginsAsReply(line)) return NotAReply(line);
  if (reply_.lines.size() == kMaxLines) {
    return absl::ResourceExhaustedError(absl::StrCat("reply of more than ", kMaxLines, " lines"));
  }
  reply_bytes_ += line.size();
  if (reply_bytes_ > kMaxReply) {
    return absl::ResourceExhaustedError(absl::StrCat("reply of more than ", kMaxReply, " bytes"));
  }
  if (!empty_within) {
    reply_.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    complete = line.size() == 3 || line[3] != '-';
  }
  reply_.lines.emplace_back(line.substr(std::min<size_t>(line.size(), 4)));
  return absl::OkStatus();
}

Reply ReplyParser::Finish() {
  Reply reply = std::move(reply_);
  reply.enhanced = EnhancedCode::FoundIn(reply.lines);
  reply_ = Reply();
  reply_bytes_ = 0;
  return reply;
}

}  // namespace verifyd
